import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { DumpReader } from '../../../src/postgres/dump-reader.js';
import { readDump, type WrittenArchive, written } from './archive-writer.js';
import { everything, table } from './small-dumps.js';

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

const FORMS: Omit<WrittenArchive, 'entries'>[] = ([14, 15, 16] as const).flatMap((minor) =>
  (['none', 'gzip'] as const).flatMap((compression) =>
    [true, false].map((offsets) => ({ minor, compression, offsets })),
  ),
);

describe('a dump that is whole', () => {
  it.each(FORMS)('tells all that is in it: 1.$minor, $compression, offsets noted: $offsets', async (form) => {
    const { bytes } = written(everything(form));
    const summary = await readDump(bytes);
    expect(summary.header).toEqual({
      archiveVersion: `1.${form.minor}-0`,
      compression: form.compression,
      createdAt: '2026-01-31T23:58:59',
      database: 'shop',
      serverVersion: '15.18',
      dumpVersion: '16.4',
    });
    expect(summary.encoding).toBe('UTF8');
    const rows = '1\tAda\t\\N\n2\tGrëtê\tone\\ttwo\n3\t\\\\N\t\n';
    expect(summary.tables).toEqual([
      {
        schema: 'public',
        name: 'users',
        columns: ['id', 'name', 'Note, of'],
        rows: 3,
        bytes: Buffer.byteLength(rows),
        sha256: sha256(rows),
        withheldRows: 0,
      },
      {
        schema: 'public',
        name: 'empty',
        columns: ['id'],
        rows: 0,
        bytes: 0,
        sha256: sha256(''),
        withheldRows: 0,
      },
    ]);
    expect(summary.sequences).toEqual([
      { schema: 'public', name: 'users_id_seq', lastValue: '9223372036854775807', isCalled: true },
    ]);
    expect(summary.largeObjects).toEqual({
      count: 2,
      bytes: 18,
      sha256: sha256('first object16401:12;second4000000000:6;'),
    });
    expect(summary.entries.map(({ id, desc }) => `${id} ${desc}`)).toEqual([
      '1 ENCODING',
      '2 TABLE',
      '5 TABLE DATA',
      '6 TABLE DATA',
      '7 SEQUENCE SET',
      '8 BLOBS',
    ]);
    expect(summary.entries[0]).toEqual({
      id: 1,
      tag: 'ENCODING',
      desc: 'ENCODING',
      owner: 'postgres',
      namespace: '',
      definitionSha256: createHash('sha256').update("SET client_encoding = 'UTF8';\n").digest('hex'),
    });
    expect(summary.bytes).toBe(bytes.length);
  });

  it('may have integers of 8 and offsets of 4 bytes', async () => {
    const summary = await readDump(written(everything({ intSize: 8, offsetSize: 4, offsets: true })).bytes);
    expect(summary.tables.map(({ rows }) => rows)).toEqual([3, 0]);
  });

  it('reads the same in whatever pieces it arrives', async () => {
    for (const compression of ['none', 'gzip'] as const) {
      const { bytes } = written(everything({ compression }));
      const whole = await readDump(bytes);
      await fc.assert(
        fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }), async (sizes) => {
          expect(await readDump(bytes, {}, sizes)).toEqual(whole);
        }),
        { numRuns: 25 },
      );
      expect(await readDump(bytes, {}, [1])).toEqual(whole);
    }
  });

  it('leaves the bytes it was given as they were', async () => {
    const { bytes } = written(everything());
    const before = Buffer.from(bytes);
    await readDump(bytes);
    expect(bytes).toEqual(before);
  });

  it('may hold tables in another order than its table of contents', async () => {
    const [first, second] = [table(1, 'a', 'x', ['1']), table(2, 'b', 'x', ['1', '2'])];
    const { bytes, dataAt } = written({ entries: [first, second] });
    const blockOfA = 1 + 5 + (5 + 2) + (5 + 5) + 5;
    const swapped = Buffer.concat([
      bytes.subarray(0, dataAt),
      bytes.subarray(dataAt + blockOfA),
      bytes.subarray(dataAt, dataAt + blockOfA),
    ]);
    const summary = await readDump(swapped);
    expect(summary.tables.map(({ name, rows }) => `${name} ${rows}`)).toEqual(['b 2', 'a 1']);
  });

  it('may end with its table of contents once more, as pg_dump of PostgreSQL 16 leaves it in `> file`', async () => {
    const { bytes } = written(everything({ minor: 16 }));
    const noted = written(everything({ minor: 16, offsets: true }));
    const contents = noted.bytes.subarray(noted.bytes.indexOf('16.4') + 4, noted.dataAt);
    const twice = Buffer.concat([bytes, contents]);
    expect(await readDump(twice, {}, [7])).toEqual({ ...(await readDump(bytes)), bytes: twice.length });
  });

  it('may be without any data', async () => {
    const summary = await readDump(written({ entries: [] }).bytes);
    expect(summary).toMatchObject({ tables: [], sequences: [], entries: [], encoding: '' });
    expect(summary.largeObjects.count).toBe(0);
  });
});

describe('looking at rows', () => {
  it.each(['none', 'gzip'] as const)(
    'gives the wanted tables row by row, unescaped (%s)',
    async (compression) => {
      const seen: (string | null)[][] = [];
      await readDump(written(everything({ compression })).bytes, {
        wantsRows: ({ schema, name }) => schema === 'public' && name === 'users',
        onRow: ({ columns }, row) => seen.push(columns.map((_, index) => row.field(index))),
      });
      expect(seen).toEqual([
        ['1', 'Ada', null],
        ['2', 'Grëtê', 'one\ttwo'],
        ['3', '\\N', ''],
      ]);
    },
  );

  it('gives null for a column that is not there', async () => {
    const seen: (string | null)[] = [];
    await readDump(written(everything()).bytes, {
      onRow: (_table, row) => seen.push(row.field(-1), row.field(3)),
    });
    expect(seen).toEqual([null, null, null, null, null, null]);
  });

  it('finds the fields that begin with a prefix, and only those', async () => {
    const rows = ['PRE1\tx\tno PRE', '\\N\tPRE2\tPRE', 'xPRE\tPR\tPRE\\n3', 'PRE4\tPRE5\tPRE6'];
    const found: string[] = [];
    await readDump(written({ entries: [table(1, 't', 'a, "B b", c', rows)] }).bytes, {
      payloadPrefix: Buffer.from('PRE'),
      onMatch: ({ name }, column, value) => found.push(`${name}.${column}=${value}`),
    });
    expect(found).toEqual([
      't.a=PRE1',
      't.B b=PRE2',
      't.c=PRE',
      't.c=PRE\n3',
      't.a=PRE4',
      't.B b=PRE5',
      't.c=PRE6',
    ]);
  });

  it.each(['none', 'gzip'] as const)('passes on what a callback throws (%s)', async (compression) => {
    const refusal = new StateError({ kind: 'failed', code: 'mine', what: 'No more' });
    const reading = readDump(written(everything({ compression })).bytes, {
      onRow: () => {
        throw refusal;
      },
    });
    await expect(reading).rejects.toBe(refusal);
  });
});

describe('the stream', () => {
  it('has no summary before it has finished', async () => {
    const { bytes } = written(everything());
    const reader = new DumpReader();
    reader.write(bytes);
    await new Promise((resolve) => setImmediate(resolve));
    expect(() => reader.summary()).toThrow(expect.objectContaining({ code: 'dump.unread' }));
    reader.end();
    await once(reader, 'finish');
    expect(reader.summary().bytes).toBe(bytes.length);
  });

  it('holds the writer back while it is not done with a piece', async () => {
    const { bytes } = written(everything());
    const reader = new DumpReader();
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      reader.write(bytes.subarray(0, 100), () => order.push('first done'));
      reader.write(bytes.subarray(100), () => {
        order.push('second done');
        resolve();
      });
      reader.end();
      order.push('written');
    });
    expect(order).toEqual(['written', 'first done', 'second done']);
  });

  it('ends with an AbortError when its signal fires, before or while it reads', async () => {
    const { bytes } = written(everything({ compression: 'gzip' }));
    const late = new AbortController();
    const reader = new DumpReader({ signal: late.signal });
    const failure = once(reader, 'error');
    reader.write(bytes.subarray(0, -10));
    late.abort();
    expect(await failure).toEqual([expect.objectContaining({ name: 'AbortError' })]);
    await expect(readDump(bytes, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('closes when it is destroyed in the middle of a table', async () => {
    const reader = new DumpReader();
    const { bytes, dataAt } = written(everything({ compression: 'gzip' }));
    reader.write(bytes.subarray(0, dataAt + 30));
    reader.destroy();
    await once(reader, 'close');
    expect(() => reader.summary()).toThrow(expect.objectContaining({ code: 'dump.unread' }));
  });
});
