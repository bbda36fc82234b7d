import { z } from 'zod';
import type { RowCounts } from '../proofs.js';
import type { DatabaseAccess } from './commands.js';
import type { DatabaseSession } from './session.js';

export interface DatabaseFacts {
  /** `server_version_num`: 150013 */
  readonly versionNumber: number;
  readonly version: string;
  readonly name: string;
  readonly user: string;
  readonly encoding: string;
  readonly dataChecksums: boolean;
  /** Bytes on the disk. */
  readonly sizeBytes: number;
}

const BEGIN = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;';
const EXPORT = 'SELECT pg_export_snapshot();';

/**
 * Opens a read-only transaction that sees one moment and exports it, for pg_dump to read in the same one.
 * @returns the snapshot's name; it holds as long as the session's transaction does.
 */
export async function beginSnapshot(session: DatabaseSession): Promise<string> {
  await session.query(BEGIN);
  return z
    .string()
    .regex(/^[0-9A-F-]+$/i)
    .parse(await session.value(EXPORT));
}

// What pg_dump takes along: ordinary tables outside the system's schemas that do not belong to an extension.
const COUNT_TABLES = `
SELECT format('SELECT json_build_array(%L, %L, count(*)) FROM ONLY %I.%I;', n.nspname, c.relname, n.nspname, c.relname)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1 \\gexec
`;

const countRow = z.tuple([z.string(), z.string(), z.number().int().nonnegative()]);

/** Row counts by `schema.name`, in the session's own snapshot. */
export async function countRows(session: DatabaseSession): Promise<RowCounts> {
  const counts = new Map<string, number>();
  for (const line of await session.query(COUNT_TABLES)) {
    const [schema, name, rows] = countRow.parse(JSON.parse(line));
    counts.set(`${schema}.${name}`, rows);
  }
  return counts;
}

const READ_FACTS = `SELECT json_build_array(current_setting('server_version_num'), current_setting('server_version'),
       current_setting('server_encoding'), current_setting('data_checksums'),
       pg_database_size(current_database()));`;

/** All that a backup asks the database, in this order, beside what pg_dump asks. */
export const DUMP_STATEMENTS: readonly string[] = [BEGIN, EXPORT, COUNT_TABLES, READ_FACTS];

const factsRow = z.tuple([z.string(), z.string(), z.string(), z.string(), z.number()]);

export async function readDatabaseFacts(
  session: DatabaseSession,
  access: DatabaseAccess,
): Promise<DatabaseFacts> {
  const answer = await session.value(READ_FACTS);
  const [versionNumber, version, encoding, checksums, sizeBytes] = factsRow.parse(JSON.parse(answer));
  return {
    versionNumber: Number(versionNumber),
    version,
    encoding,
    dataChecksums: checksums === 'on',
    sizeBytes,
    name: access.database,
    user: access.user,
  };
}
