import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import { copiedColumns } from '../../../src/postgres/copy-statement.js';
import { DumpReader, type DumpReaderOptions, type DumpSummary } from '../../../src/postgres/dump-reader.js';
import type { Cluster } from './cluster.js';
import { listedEntries, restoredTables } from './restored.js';

/** Fills the database `shop` with something of everything that pg_dump writes. */
export async function fillShop(cluster: Cluster): Promise<void> {
  await cluster.psql('postgres', 'CREATE DATABASE shop;');
  await cluster.psql('shop', await readFile(join(import.meta.dirname, 'shop.sql'), 'utf8'));
}

/** Makes the database `crowd` of so many small tables. */
export async function fillCrowd(cluster: Cluster, tables: number): Promise<void> {
  await cluster.psql('postgres', 'CREATE DATABASE crowd;');
  // A transaction of its own for every hundred: all in one would need more locks than there are.
  const rounds = Array.from({ length: tables / 100 }, (_, round) => {
    const range = `${round * 100 + 1}..${round * 100 + 100}`;
    return `DO $$ BEGIN FOR i IN ${range} LOOP
      EXECUTE format('CREATE TABLE t%s (id integer, note text)', i);
      EXECUTE format('INSERT INTO t%s SELECT n, %L FROM generate_series(1, %s) AS n', i, 'table ' || i, i % 5);
    END LOOP; END $$;`;
  });
  await cluster.psql('crowd', rounds.join('\n'));
}

export async function readFileDump(file: string, options: DumpReaderOptions = {}): Promise<DumpSummary> {
  const reader = new DumpReader(options);
  await pipeline(createReadStream(file), reader);
  return reader.summary();
}

/** What pg_restore does not list. */
const SETTINGS = new Set(['ENCODING', 'STDSTRINGS', 'SEARCHPATH', 'DATABASE']);

/** Holds our reading of a dump against pg_restore's. */
export async function expectAgreement(cluster: Cluster, file: string): Promise<DumpSummary> {
  const summary = await readFileDump(file);
  const listed = listedEntries(await cluster.restore(file, '-l'));
  expect(
    summary.entries
      .filter(({ desc }) => !SETTINGS.has(desc))
      .map(({ id, desc, namespace, tag, owner }) => `${id} ${desc} ${namespace || '-'} ${tag} ${owner}`),
  ).toEqual(listed);
  const restored = restoredTables(await cluster.restore(file, '-f', '-'));
  expect(
    summary.tables.map(({ schema, name, columns, rows, bytes, sha256 }) => ({
      title: `${name}; Type: TABLE DATA; Schema: ${schema}`,
      columns,
      rows,
      bytes,
      sha256,
    })),
  ).toEqual(
    restored.map(({ title, statement, rows, bytes, sha256 }) => ({
      title,
      columns: copiedColumns(statement),
      rows,
      bytes,
      sha256,
    })),
  );
  return summary;
}
