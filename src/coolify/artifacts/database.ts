import { fanOut } from '../../core/streams.js';
import type { TaskReporter } from '../../engine/task.js';
import type { Artifact } from '../artifact.js';
import { compareDatabases } from '../compare/database.js';
import { databaseAccessOf, pgDump, psql } from '../database/commands.js';
import { expectDump } from '../database/dump-end.js';
import { inspectDump } from '../database/dump-evidence.js';
import { beginSnapshot, countRows, DUMP_STATEMENTS, readDatabaseFacts } from '../database/facts.js';
import { DatabaseSession, statementLines } from '../database/session.js';
import { VALUE } from '../host-command.js';
import type { Pull } from '../pull.js';
import { applyDatabase, inspectDatabase } from '../restore/database.js';
import { DUMP_PATH } from '../stored-paths.js';

export const database: Artifact = {
  name: 'database',
  title: "dump of Coolify's database",
  onHost: 'pg_dump in the container coolify-db',
  inState: DUMP_PATH,
  required: true,
  proof: 'read to its last block; every table has as many rows as PostgreSQL counted in the same snapshot',
  commands: ({ access, dumpCompression: compression }) => [
    {
      purpose: 'counts in the moment of the dump',
      command: psql(access),
      input: { kind: 'conversation', lines: DUMP_STATEMENTS.flatMap(statementLines) },
    },
    {
      purpose: database.title,
      command: pgDump(access, { compression, snapshot: VALUE }),
      value: 'snapshot',
      input: 'open',
    },
  ],
  async pull(pull: Pull, reporter: TaskReporter): Promise<string> {
    const { signal } = reporter;
    const access = databaseAccessOf(pull.layout.databaseContainer, pull.need('env'));
    // One moment in time: the session exports its snapshot, pg_dump reads in it, and so do the counts.
    await using session = await DatabaseSession.open(pull.connection, access, signal);
    const snapshot = await beginSnapshot(session);
    const dump = await pull.connection.open(
      pgDump(access, { compression: pull.settings.dumpCompression, snapshot }),
      { signal },
    );
    const file = pull.staging.create(DUMP_PATH);
    const { reader, evidence } = inspectDump(pull.need('ring'), signal);
    const streamed = fanOut(dump.stdout, [file, reader], {
      signal,
      onChunk: (chunk) => reporter.moved(chunk.length),
    });
    const counted = countRows(session);
    counted.catch(() => undefined); // told below, unless the dump itself has the better reason
    const [transfer] = await Promise.allSettled([streamed]);
    await expectDump(dump, transfer, "Coolify's database could not be dumped");
    pull.files.push({ path: DUMP_PATH, artifact: database.name, ...file.result() });
    pull.gathered.dump = evidence();
    pull.gathered.rowCounts = await counted;
    pull.gathered.database = await readDatabaseFacts(session, access);
    const { tables } = pull.gathered.dump.summary;
    return `${tables.length} tables, ${tables.reduce((sum, table) => sum + table.rows, 0)} rows`;
  },
  compare: compareDatabases,
  restore: {
    phase: 'database',
    why: 'projects, servers, keys and settings; the live database stays whole until the new one is proven',
    inspect: inspectDatabase,
    apply: applyDatabase,
  },
};
