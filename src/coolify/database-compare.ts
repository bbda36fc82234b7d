import { pipeline } from 'node:stream/promises';
import type { Connection } from '../ssh/connection.js';
import type { KeyRing } from './app-key.js';
import { type DatabaseAccess, pgDump } from './database-commands.js';
import { expectDump } from './dump-end.js';
import { type DumpEvidence, inspectDump, tableTitle } from './dump-evidence.js';
import type { Instance } from './instance.js';

/** Reads a live database as a dump that is checked while it streams past and kept nowhere. */
export async function readDatabase(
  connection: Connection,
  access: DatabaseAccess,
  ring: KeyRing,
  { signal, onBytes }: { readonly signal: AbortSignal; readonly onBytes?: (bytes: number) => void },
): Promise<DumpEvidence> {
  const dump = await connection.open(pgDump(access, { compression: 0 }), { signal });
  if (onBytes !== undefined) dump.stdout.on('data', (chunk: Buffer) => onBytes(chunk.length));
  const { reader, evidence } = inspectDump(ring, signal);
  const [streamed] = await Promise.allSettled([pipeline(dump.stdout, reader, { signal })]);
  await expectDump(dump, streamed, `The database ${access.database} could not be read`);
  return evidence();
}

/** What is different from the database that the manifest records; empty when all rows and sequences are the same. */
export function databaseDifferences(recorded: Instance['database'], { summary }: DumpEvidence): string[] {
  const differences: string[] = [];
  const present = new Map(summary.tables.map((table) => [`${table.schema}.${table.name}`, table]));
  for (const table of recorded.tables) {
    const live = present.get(`${table.schema}.${table.name}`);
    present.delete(`${table.schema}.${table.name}`);
    if (live === undefined) differences.push(`${tableTitle(table)} is missing`);
    else if (live.rows !== table.rows)
      differences.push(`${tableTitle(table)}: ${live.rows} rows instead of ${table.rows}`);
    else if (live.sha256 !== table.sha256)
      differences.push(`${tableTitle(table)}: other content in ${table.rows} rows`);
  }
  for (const table of present.values()) differences.push(`${tableTitle(table)} is not in the snapshot`);
  const sequences = new Map(
    summary.sequences.map((sequence) => [`${sequence.schema}.${sequence.name}`, sequence]),
  );
  for (const { schema, name, lastValue, isCalled } of recorded.sequences) {
    const live = sequences.get(`${schema}.${name}`);
    if (live === undefined) differences.push(`sequence ${name} is missing`);
    else if (String(live.lastValue) !== lastValue || live.isCalled !== isCalled) {
      differences.push(`sequence ${name} stands at ${live.lastValue} instead of ${lastValue}`);
    }
  }
  return differences;
}
