import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { DumpReader, type DumpSummary } from '../../../src/postgres/dump-reader.js';
import { expectAgreement, fillCrowd, fillShop, readFileDump } from './agreement.js';
import { type Cluster, startCluster } from './cluster.js';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster(['-c max_locks_per_transaction=300']);
  await fillShop(cluster);
  await fillCrowd(cluster, 10_000);
}, 120_000);

afterAll(() => cluster?.stop());

async function readBytes(dump: Buffer): Promise<DumpSummary> {
  const reader = new DumpReader();
  await pipeline(async function* () {
    yield dump;
  }, reader);
  return reader.summary();
}

describe('a dump of everything', () => {
  const LEVELS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((level) => `-Z${level}`);
  it.each([...LEVELS, '-Z0 into a file', '-Z6 into a file'])(
    'is read as pg_restore reads it: %s',
    async (how) => {
      const file = join(cluster.folder, 'shop.dump');
      const [level = ''] = how.split(' ');
      if (how.endsWith('file')) await cluster.dumpToFile('shop', file, level);
      else await writeFile(file, await cluster.dump('shop', level));
      const summary = await expectAgreement(cluster, file);
      expect(summary.header).toMatchObject({
        compression: level === '-Z0' ? 'none' : 'gzip',
        database: 'shop',
      });
      expect(summary.largeObjects).toMatchObject({ count: 3, bytes: 1_200_004 });
      const rows = new Map(summary.tables.map(({ name, rows: count }) => [name, count]));
      expect(rows.get('many')).toBe(30_000);
      expect(rows.get('empty')).toBe(0);
      expect(rows.get('no_columns')).toBe(3);
      expect(rows.has('measured')).toBe(false);
      expect((rows.get('measured_2025') ?? 0) + (rows.get('measured_2026') ?? 0)).toBe(400);
    },
  );

  it.each([
    '--no-acl --no-owner',
    '--data-only',
    '--schema-only',
    '--quote-all-identifiers',
    '--load-via-partition-root',
    '--no-blobs',
    '--create --clean',
    '--section=pre-data',
    '--section=data',
    '--section=post-data',
    '--exclude-table-data=many',
    '--table=texts',
  ])('is read as pg_restore reads it with %s', async (options) => {
    const file = join(cluster.folder, 'variant.dump');
    await cluster.dumpToFile('shop', file, '-Z1', ...options.split(' '));
    await expectAgreement(cluster, file);
  });

  it('tells where the sequences stand', async () => {
    const { sequences } = await readBytes(await cluster.dump('shop'));
    for (const { schema, name, lastValue, isCalled } of sequences) {
      const quoted = `"${schema}"."${name.replaceAll('"', '""')}"`;
      const live = await cluster.psql('shop', `SELECT last_value, is_called FROM ${quoted}`);
      expect(`${name} ${lastValue}|${isCalled ? 't' : 'f'}`).toBe(`${name} ${live.trim()}`);
    }
    expect(sequences.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['it\'s "a" seq', 'fresh', 'far', 'texts_id_seq', 'every_type_id_seq']),
    );
  });

  it('shows rows as the database holds them', async () => {
    const file = join(cluster.folder, 'rows.dump');
    await cluster.dumpToFile('shop', file, '-Z0');
    const shown: (string | null)[][] = [];
    await readFileDump(file, {
      wantsRows: ({ name }) => name === 'texts',
      onRow: (_table, row) => shown.push([row.field(0), row.field(1), row.field(2)]),
    });
    const query = 'SELECT json_agg(json_build_array(id::text, value, note) ORDER BY id) FROM texts';
    expect(shown).toEqual(JSON.parse(await cluster.psql('shop', query)));
  });

  it('finds the values that begin like an encrypted payload', async () => {
    const found: string[] = [];
    const reader = new DumpReader({
      payloadPrefix: Buffer.from('eyJpdiI6'),
      onMatch: ({ name }, column, value) => found.push(`${name}.${column}: ${value}`),
    });
    const dump = await cluster.dump('shop', '-Z1');
    await pipeline(async function* () {
      yield dump;
    }, reader);
    expect(found).toEqual(['texts.value: eyJpdiI6abc', 'texts.value: eyJpdiI6\\\n', 'texts.note: eyJpdiI6']);
  });

  it('is refused when its rows are INSERT statements', async () => {
    const dump = await cluster.dump('shop', '--inserts', '--table=texts');
    await expect(readBytes(dump)).rejects.toMatchObject({ code: 'dump.unsupported' });
  });

  it('is not mistaken for pg_dump of another format', async () => {
    const script = await cluster.dump('shop', '--format=plain');
    await expect(readBytes(script)).rejects.toMatchObject({ code: 'dump.not-a-dump' });
    const tar = await cluster.dump('shop', '--format=tar');
    await expect(readBytes(tar)).rejects.toMatchObject({ code: 'dump.not-a-dump' });
  });
});

describe('other databases', () => {
  it('may have 10,000 tables', async () => {
    const file = join(cluster.folder, 'crowd.dump');
    await writeFile(file, await cluster.dump('crowd', '-Z1'));
    expect((await expectAgreement(cluster, file)).tables).toHaveLength(10_000);
  });

  it('may be in another encoding', async () => {
    await cluster.psql(
      'postgres',
      "CREATE DATABASE western ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0",
    );
    await cluster.psql(
      'western',
      "SET client_encoding = 'UTF8'; CREATE TABLE t (a text); INSERT INTO t VALUES ('Grüße'), (E'\\u00e4\\t');",
    );
    const file = join(cluster.folder, 'western.dump');
    await cluster.dumpToFile('western', file);
    expect((await expectAgreement(cluster, file)).encoding).toBe('LATIN1');
    const shown: (string | null)[] = [];
    await readFileDump(file, { onRow: (_table, row) => shown.push(row.field(0)) });
    expect(shown).toEqual(['Grüße', 'ä\t']);
  });
});

describe('a dump that came to harm', () => {
  it('is refused wherever it was cut, and never read as another', async () => {
    const dumps = [
      await cluster.dump('shop', '-Z0', '--table=texts', '--table=generated', '--table=fresh'),
      await cluster.dump('shop', '-Z6', '--table=texts', '--table=generated', '--table=fresh'),
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...dumps), fc.nat(), async (dump, at) => {
        const failure = await readBytes(dump.subarray(0, at % dump.length)).catch((error: unknown) => error);
        expect(failure).toBeInstanceOf(StateError);
        expect(failure).toMatchObject({ code: expect.stringMatching(/^dump\.(truncated|missing-data)$/) });
      }),
      { numRuns: 150 },
    );
  });

  it('is refused or, uncompressed, has another hash when a bit of its data was changed', async () => {
    for (const level of ['-Z0', '-Z6']) {
      const dump = await cluster.dump('shop', level, '--table=generated', '--table=texts');
      const { tables } = await readBytes(dump);
      // Near the end of each entry stands whether its table has OIDs; the data follows the last entry.
      const dataAt = dump.lastIndexOf(Buffer.from('\x05\0\0\0false', 'latin1')) + 100;
      await fc.assert(
        fc.asyncProperty(fc.integer({ min: dataAt, max: dump.length - 1 }), fc.nat(7), async (at, bit) => {
          const bent = Buffer.from(dump);
          bent[at] = (bent[at] ?? 0) ^ (1 << bit);
          const outcome = await readBytes(bent).catch((error: unknown) => error);
          if (outcome instanceof StateError) return;
          const expected = expect.objectContaining({ tables });
          // Deflate has a few bits that mean nothing; uncompressed, every bit counts.
          if (level === '-Z0') expect(outcome).not.toEqual(expected);
          else expect(outcome).toEqual(expected);
        }),
        { numRuns: 100 },
      );
    }
  });
});
