import { randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import { type Change, type Inspection, outOf, type TaskReporter } from '../../engine/task.js';
import { quoteIdentifier, quoteLiteral } from '../../postgres/identifiers.js';
import { containerState, startContainer, waitUntilDatabaseAnswers } from '../containers.js';
import { type DatabaseAccess, pgRestore } from '../database/commands.js';
import { databaseDifferences, readDatabase } from '../database/compare.js';
import { DatabaseSession } from '../database/session.js';
import {
  databasesLike,
  dated,
  dropDatabases,
  FORMER_PREFIX,
  liveAccess,
  maintenanceAccess,
  markOfLive,
  swap,
} from '../database/swap.js';
import { WRITERS } from '../layout.js';
import { DUMP_PATH } from '../stored-paths.js';
import type { Target } from './target.js';

/**
 * The dump goes into a database of this name and a time first, beside the live one. A run's own: what one that has lost its
 * connection may still say to PostgreSQL is of a database that is no more.
 */
const INCOMING = 'coolify_state_incoming';

export async function inspectDatabase(target: Target, reporter: TaskReporter): Promise<Inspection> {
  const { tables } = target.source.instance.database;
  const rows = tables.reduce((sum, table) => sum + table.rows, 0);
  const restore: Change = {
    summary: `restore ${tables.length} tables with ${rows} rows beside the live database and swap them in`,
  };
  if (
    target.databaseDifferences === undefined &&
    target.resumed &&
    (await isRestored(target, reporter.signal))
  ) {
    // Loaded, compared and swapped in by the run that broke off; what Coolify has changed in it since is its own.
    target.databaseDifferences = [];
  }
  if (target.databaseDifferences === undefined) {
    if (
      (await containerState(target.connection, target.layout.databaseContainer, reporter.signal)) !==
      'running'
    )
      return restore;
    const access = await liveAccess(target, reporter.signal);
    const present = await readDatabase(target.connection, access, target.source.ring, {
      signal: reporter.signal,
    });
    target.databaseDifferences = databaseDifferences(target.source.instance.database, present).map(
      ({ text }) => text,
    );
  }
  if (target.databaseMatches) return { unchanged: `all ${tables.length} tables hold the snapshot's rows` };
  return { ...restore, diff: target.databaseDifferences.slice(0, 50) };
}

/** New database beside the old one, proven there, swapped in by rename: the live one is whole at every moment. */
export async function applyDatabase(target: Target, reporter: TaskReporter): Promise<string> {
  const { signal } = reporter;
  const { connection, layout, source } = target;
  if ((await containerState(connection, layout.databaseContainer, signal)) !== 'running') {
    await startContainer(connection, layout.databaseContainer, signal);
  }
  const access = await liveAccess(target, signal);
  await waitUntilDatabaseAnswers(connection, access, signal);
  await using maintenance = await DatabaseSession.open(
    connection,
    { ...access, database: 'postgres' },
    signal,
  );
  await refuseOlderServer(maintenance, target);
  await dropDatabases(target, await databasesLike(target, INCOMING, signal), signal);
  const name = `${dated(`${INCOMING}_`)}_${randomBytes(3).toString('hex')}`;
  await maintenance.query(
    `CREATE DATABASE ${quoteIdentifier(name)} TEMPLATE template0 ENCODING ${quoteLiteral(source.instance.database.encoding)};`,
  );
  const incoming: DatabaseAccess = { ...access, database: name };
  await load(target, incoming, reporter);
  const present = await readDatabase(connection, incoming, source.ring, { signal });
  const differences = databaseDifferences(source.instance.database, present);
  if (differences.length > 0) {
    throw new StateError({
      kind: 'proof',
      code: 'database.differs',
      what: 'The restored database is not the one of the snapshot',
      why: differences
        .slice(0, 3)
        .map(({ text }) => text)
        .join('; '),
      next: `the live database was not touched; bring the former instance back with "docker start ${[...WRITERS].reverse().join(' ')}" on the host, and check the snapshot with "coolify-state verify --read-data"`,
    });
  }
  await maintenance.query(
    `COMMENT ON DATABASE ${quoteIdentifier(name)} IS ${quoteLiteral(restoredMark(target))};`,
  );
  const former = dated(FORMER_PREFIX);
  await swap(maintenance, { live: access.database, next: name, aside: former });
  target.databaseDifferences = [];
  return `${present.summary.tables.length} tables restored and compared; the former database is kept as ${former} until the end`;
}

/** What a restored database bears until the restore is complete: which snapshot it is of, and which restore this is. */
function restoredMark({ notes }: Target): string {
  return `coolify-state ${notes.snapshot} ${notes.startedAt}`;
}

/** Takes the mark away: the restore is complete. */
export async function removeMark(target: Target, signal: AbortSignal): Promise<void> {
  if (!(await isRestored(target, signal))) return;
  const { database } = await liveAccess(target, signal);
  await using session = await DatabaseSession.open(
    target.connection,
    await maintenanceAccess(target, signal),
    signal,
  );
  await session.query(`COMMENT ON DATABASE ${quoteIdentifier(database)} IS NULL;`);
}

async function isRestored(target: Target, signal: AbortSignal): Promise<boolean> {
  if ((await containerState(target.connection, target.layout.databaseContainer, signal)) !== 'running')
    return false;
  return (await markOfLive(target, signal)) === restoredMark(target);
}

async function load(target: Target, incoming: DatabaseAccess, reporter: TaskReporter): Promise<void> {
  const { signal } = reporter;
  const process = await target.connection.open(pgRestore(incoming), { signal });
  process.stdout.resume();
  const path = target.localPath(DUMP_PATH);
  const { moved } = outOf((await stat(path)).size, reporter);
  const dump = createReadStream(path, { highWaterMark: 256 * 1024 });
  dump.on('data', (chunk) => moved(chunk.length));
  const [sent] = await Promise.allSettled([pipeline(dump, process.stdin, { signal })]);
  const { code, stderr } = await process.done;
  if (code !== 0) {
    throw new StateError({
      kind: 'failed',
      code: 'database.restore-failed',
      what: 'The dump could not be restored',
      why: firstError(stderr) || `pg_restore ended with status ${code ?? 'unknown'}`,
      next: `the live database was not touched; put the cause right and run the restore again, or bring the former instance back with "docker start ${[...WRITERS].reverse().join(' ')}" on the host`,
    });
  }
  if (sent.status === 'rejected') throw sent.reason;
}

/** What went wrong first, and what was said of it; what follows from it comes later. */
function firstError(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const first = lines.findIndex((line) => /\berror:/i.test(line));
  return first < 0 ? lastLines(stderr, 3) : lines.slice(first, first + 3).join('\n');
}

async function refuseOlderServer(session: DatabaseSession, target: Target): Promise<void> {
  const server = Math.trunc(
    Number(await session.value("SELECT current_setting('server_version_num');")) / 10_000,
  );
  const dumped = Math.trunc(target.source.instance.database.versionNumber / 10_000);
  if (server < dumped) throw olderServer(server, dumped);
}

/** The error for a dump of a newer PostgreSQL than the target's. */
export function olderServer(major: number, dumped: number): StateError {
  return new StateError({
    kind: 'failed',
    code: 'database.server-older',
    what: `The target runs PostgreSQL ${major}, older than the dump's ${dumped}`,
    why: 'a dump can be restored into the same or a newer version only',
    next: "upgrade the target's database with Coolify's upgrade-postgres.sh first",
  });
}
