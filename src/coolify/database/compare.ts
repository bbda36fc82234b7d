import { pipeline } from 'node:stream/promises';
import type { Connection } from '../../ssh/connection.js';
import type { KeyRing } from '../app-key.js';
import type { Instance } from '../instance.js';
import { type DatabaseAccess, pgDump } from './commands.js';
import { expectDump } from './dump-end.js';
import { type DumpEvidence, inspectDump, tableTitle } from './dump-evidence.js';

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

/** One thing in which a database differs from the one that a manifest records. */
export interface DatabaseDifference {
  /** Name of the table, where it is one in schema `public`. */
  readonly table?: string;
  /** Whether something is not there at all. */
  readonly missing: boolean;
  readonly text: string;
}

/** What is different from the database that the manifest records; empty when all rows and sequences are the same. */
export function databaseDifferences(
  recorded: Instance['database'],
  { summary }: DumpEvidence,
): DatabaseDifference[] {
  const differences: DatabaseDifference[] = [];
  const present = new Map(summary.tables.map((table) => [`${table.schema}.${table.name}`, table]));
  for (const table of recorded.tables) {
    const live = present.get(`${table.schema}.${table.name}`);
    present.delete(`${table.schema}.${table.name}`);
    const title = tableTitle(table);
    if (live === undefined) differences.push({ table: title, missing: true, text: `${title} is missing` });
    else if (live.rows !== table.rows) {
      differences.push({
        table: title,
        missing: false,
        text: `${title}: ${live.rows} rows instead of ${table.rows}`,
      });
    } else if (live.sha256 !== table.sha256) {
      differences.push({
        table: title,
        missing: false,
        text: `${title}: other content in ${table.rows} rows`,
      });
    }
  }
  for (const table of present.values()) {
    differences.push({ missing: false, text: `${tableTitle(table)} is not in the snapshot` });
  }
  return [...differences, ...sequenceDifferences(recorded, summary)];
}

function sequenceDifferences(
  recorded: Instance['database'],
  summary: DumpEvidence['summary'],
): DatabaseDifference[] {
  const live = new Map(
    summary.sequences.map((sequence) => [`${sequence.schema}.${sequence.name}`, sequence]),
  );
  return recorded.sequences.flatMap(({ schema, name, lastValue, isCalled }): DatabaseDifference[] => {
    const found = live.get(`${schema}.${name}`);
    if (found === undefined) return [{ missing: true, text: `sequence ${name} is missing` }];
    if (found.lastValue === lastValue && found.isCalled === isCalled) return [];
    return [
      { missing: false, text: `sequence ${name} stands at ${found.lastValue} instead of ${lastValue}` },
    ];
  });
}
