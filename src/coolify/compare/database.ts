import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { DumpEntry, DumpSummary } from '../../postgres/dump-reader.js';
import { inspectDump, tableTitle } from '../database/dump-evidence.js';
import type { Source } from '../restore/target.js';
import { DUMP_PATH } from '../stored-paths.js';
import { type Difference, differencesOf } from './difference.js';

/**
 * The databases of two states by their dumps: rows and content of every table, its columns, sequences, and every other
 * object of the schema by its definition.
 */
export async function compareDatabases(
  before: Source,
  after: Source,
  signal: AbortSignal,
): Promise<Difference[]> {
  const versions = [before, after].map(({ instance }) => instance.database.version);
  // One after the other: two dumps at once would be two of everything in memory.
  const was = await readDump(before, signal);
  const is = await readDump(after, signal);
  return [
    ...(versions[0] === versions[1]
      ? []
      : [{ change: 'changed', what: 'PostgreSQL', detail: `${versions[0]} -> ${versions[1]}` } as const]),
    ...differencesOf(objectsOf(was), objectsOf(is), (a, b) =>
      a.definitionSha256 === b.definitionSha256 ? undefined : 'other definition',
    ),
    ...differencesOf(tablesOf(was), tablesOf(is), tableDetail).filter(({ change }) => change === 'changed'),
    ...differencesOf(sequencesOf(was), sequencesOf(is), (a, b) =>
      a.lastValue === b.lastValue && a.isCalled === b.isCalled
        ? undefined
        : `${a.lastValue} -> ${b.lastValue}`,
    ).filter(({ change }) => change === 'changed'),
    ...largeObjectDifferences(was, is),
  ];
}

/** Objects whose data is compared as such, or that are one with what they belong to. */
const DATA = new Set(['TABLE DATA', 'SEQUENCE SET', 'BLOB', 'BLOBS', 'BLOB METADATA', 'ENCODING']);

async function readDump({ generation, ring }: Source, signal: AbortSignal): Promise<DumpSummary> {
  const { reader, evidence } = inspectDump(ring, signal);
  const dump = createReadStream(join(generation.folder, DUMP_PATH), { highWaterMark: 1024 * 1024 });
  await pipeline(dump, reader, { signal });
  return evidence().summary;
}

function objectsOf({ entries }: DumpSummary): Map<string, DumpEntry> {
  return new Map(
    entries
      .filter(({ desc }) => !DATA.has(desc))
      .map((entry) => {
        const name =
          entry.namespace === '' ? entry.tag : tableTitle({ schema: entry.namespace, name: entry.tag });
        return [`${entry.desc.toLowerCase()} ${name}`, entry];
      }),
  );
}

function tablesOf({ tables }: DumpSummary): Map<string, DumpSummary['tables'][number]> {
  return new Map(tables.map((table) => [`rows of ${tableTitle(table)}`, table]));
}

function tableDetail(
  before: DumpSummary['tables'][number],
  after: DumpSummary['tables'][number],
): string | undefined {
  if (before.rows !== after.rows) return `${before.rows} -> ${after.rows} rows`;
  return before.sha256 === after.sha256 ? undefined : `other content in ${after.rows} rows`;
}

function sequencesOf({ sequences }: DumpSummary): Map<string, DumpSummary['sequences'][number]> {
  return new Map(sequences.map((sequence) => [`state of sequence ${tableTitle(sequence)}`, sequence]));
}

function largeObjectDifferences(before: DumpSummary, after: DumpSummary): Difference[] {
  const [was, is] = [before.largeObjects, after.largeObjects];
  if (was.sha256 === is.sha256) return [];
  return [{ change: 'changed', what: 'large objects', detail: `${was.count} -> ${is.count}, other content` }];
}
