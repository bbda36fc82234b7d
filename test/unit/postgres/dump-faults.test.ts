import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import type { DumpReaderOptions, DumpSummary } from '../../../src/postgres/dump-reader.js';
import { readDump, type WrittenEntry, written } from './archive-writer.js';
import { everything, table } from './small-dumps.js';

async function faultOf(dump: Buffer, options: DumpReaderOptions = {}): Promise<StateError> {
  const error = await readDump(dump, options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StateError);
  if (!(error instanceof StateError)) throw new Error('no StateError');
  expect(error.kind).toBe('proof');
  return error;
}

const oneTable = (rows: readonly string[], columns = 'a, b'): Buffer =>
  written({ entries: [encoding, table(7, 'prices', columns, rows)] }).bytes;

const withData = (data: readonly (string | Buffer)[], entry: Partial<WrittenEntry> = {}): Buffer =>
  written({ entries: [{ ...table(7, 'prices', 'a, b', []), data, ...entry }] }).bytes;

const encoding: WrittenEntry = {
  id: 1,
  tag: 'ENCODING',
  desc: 'ENCODING',
  definition: "SET client_encoding = 'UTF8';\n",
};

/** Milliseconds for tests that read a dump once for every byte or bit of it, on a busy machine. */
const EVERY_BYTE = 60_000;

const { bytes: plain, dataAt } = written(everything());
const { bytes: zipped, dataAt: zippedDataAt } = written(everything({ compression: 'gzip' }));

describe('what is not a dump', () => {
  it('is told from a dump by its first bytes', async () => {
    for (const text of ['--\n-- PostgreSQL database dump\n--\n', 'PGDMx', 'X', '\x1f\x8b\x08']) {
      expect((await faultOf(Buffer.from(text))).code).toBe('dump.not-a-dump');
    }
  });

  it('is cut off when it is empty or a mere beginning', async () => {
    for (const text of ['', 'P', 'PGDM', 'PGDMP', 'PGDMP\x01']) {
      expect((await faultOf(Buffer.from(text, 'latin1'))).code).toBe('dump.truncated');
    }
  });
});

describe('what cannot be read', () => {
  it.each([
    ['an older archive', Buffer.concat([Buffer.from('PGDMP\x01\x0d'), plain.subarray(7)]), '1.13-0'],
    ['a newer archive', Buffer.concat([Buffer.from('PGDMP\x01\x11'), plain.subarray(7)]), '1.17-0'],
    [
      'another format',
      Buffer.concat([plain.subarray(0, 10), Buffer.from([3]), plain.subarray(11)]),
      'number 3',
    ],
    ['lz4', written(everything({ minor: 15, compression: 'lz4' })).bytes, 'lz4'],
    ['zstd', written(everything({ minor: 16, compression: 'zstd' })).bytes, 'zstd'],
    [
      'rows as INSERT statements',
      withData(['INSERT INTO public.prices VALUES (1, 2);\n'], { copy: '' }),
      'INSERT',
    ],
  ])('is named: %s', async (_what, dump, word) => {
    const fault = await faultOf(dump);
    expect(fault.code).toBe('dump.unsupported');
    expect(fault.why).toContain(word);
    expect(fault.next).toContain('pg_dump --format=custom');
  });
});

describe('what is missing or too much', () => {
  it('is the data of a table that the table of contents announces', async () => {
    const one = written({ entries: [table(1, 'here', 'a', ['1'])] });
    const two = written({
      entries: [table(1, 'here', 'a', ['1']), table(2, 'gone', 'a', []), table(3, 'too', 'a', [])],
    });
    const block = one.bytes.subarray(one.dataAt);
    const fault = await faultOf(Buffer.concat([two.bytes.subarray(0, two.dataAt), block]));
    expect(fault.code).toBe('dump.missing-data');
    expect(fault.why).toContain('public.gone and of 1 more');
    expect(fault.why).toContain(`byte ${two.dataAt + block.length} of the dump`);
  });

  it('is anything after the last block', async () => {
    const noted = written(everything({ offsets: true }));
    const contents = noted.bytes.subarray(noted.bytes.indexOf('16.4') + 4, noted.dataAt);
    const shifted = Buffer.from(contents);
    shifted.writeUInt32LE(noted.dataAt + 1, contents.indexOf(Buffer.from([2, noted.dataAt & 0xff])) + 1);
    const withoutPlaces = plain.subarray(plain.indexOf('16.4') + 4, dataAt);
    const tails = [
      Buffer.from([0]),
      plain.subarray(dataAt),
      contents.subarray(0, -1),
      Buffer.concat([contents, Buffer.from([0])]),
      shifted,
      withoutPlaces,
    ];
    for (const tail of tails) {
      const fault = await faultOf(Buffer.concat([plain, tail]));
      expect(fault.code).toBe('dump.trailing-data');
      expect(fault.why).toContain(`byte ${plain.length} of the dump`);
    }
  });

  it('is a block that comes twice', async () => {
    const { bytes, dataAt: start } = written({
      entries: [table(1, 'a', 'x', ['1']), table(2, 'b', 'x', ['1'])],
    });
    const middle = start + (bytes.length - start) / 2;
    const fault = await faultOf(Buffer.concat([bytes.subarray(0, middle), bytes.subarray(start, middle)]));
    expect(fault).toMatchObject({ code: 'dump.malformed' });
    expect(fault.why).toContain('entry 1, which awaits none');
  });

  it.each([
    ['plain', plain, dataAt, 0],
    ['compressed', zipped, zippedDataAt, zippedDataAt],
  ] as const)(
    'shows where a dump is cut: at every byte, with the table and the position (%s)',
    async (_form, dump, start, first) => {
      for (let length = first; length < dump.length; length++) {
        const { code, why = '' } = await faultOf(dump.subarray(0, length));
        if (!/^dump\.(truncated|missing-data)$/.test(code)) expect.fail(`${length}: ${code}`);
        if (!why.includes(`byte ${length} of the dump`)) expect.fail(`${length}: ${why}`);
        if (length > start + 6 && length < start + 20) expect(why).toContain('table public.users');
      }
    },
    EVERY_BYTE,
  );
});

describe('rows that COPY cannot have written', () => {
  it.each([
    ['a field too few', ['1\t2', '3'], 'a row has 1 fields, not 2', 2],
    ['a field too many', ['1\t2\t3'], 'a row has 3 fields, not 2', 1],
    ['a NUL', ['1\t\0'], 'control character', 1],
    ['a carriage return', ['1\t2', '3\t4', '\r\t'], 'control character', 3],
    ['a backspace', ['\b\t'], 'control character', 1],
  ])('are refused with their place: %s', async (_what, rows, words, row) => {
    const fault = await faultOf(oneTable(rows));
    expect(fault.code).toBe('dump.malformed');
    expect(fault.why).toContain(words);
    expect(fault.why).toContain(`table public.prices, row ${row}, byte`);
  });

  it('are refused when they are not UTF-8 in a dump that says so', async () => {
    const data = ['1\tä\n', Buffer.from('2\t\xe4\n', 'latin1'), '3\tö\n', '\\.\n\n\n'];
    const entry = { ...table(7, 'prices', 'a, b', []), data };
    const fault = await faultOf(written({ entries: [encoding, entry] }).bytes);
    expect(fault.why).toContain('not valid UTF-8 (table public.prices, row 2,');
    const latin1 = { ...encoding, definition: "SET client_encoding = 'LATIN1';\n" };
    expect((await readDump(written({ entries: [latin1, entry] }).bytes)).tables[0]?.rows).toBe(3);
  });

  it.each([
    ['no end marker', ['1\t2\n'], 'without the end marker'],
    ['half an end marker', ['1\t2\n', '\\.'], 'without the end marker'],
    ['no data at all', [], 'without the end marker'],
    ['a row after the end marker', ['1\t2\n', '\\.\n\n\n', '3\t4\n'], 'something follows'],
    ['a letter after the end marker', ['1\t2\n', '\\.\n\n\nx'], 'something follows'],
  ])('are refused at the end of a table: %s', async (_what, data, words) => {
    const fault = await faultOf(withData(data));
    expect(fault.code).toBe('dump.malformed');
    expect(fault.why).toContain(words);
  });

  it('are refused in a table without columns', async () => {
    expect((await readDump(oneTable(['', ''], ''))).tables[0]?.rows).toBe(2);
    expect((await faultOf(oneTable(['x'], ''))).why).toContain('a row has 1 fields, not 0');
  });
});

describe('compressed data', () => {
  const head = written({ compression: 'gzip', entries: [table(1, 'a', 'x', ['1'])] });
  const block = (stream: Buffer): Buffer => {
    const length = Buffer.alloc(5);
    length.writeUInt32LE(stream.length, 1);
    const start = head.bytes.subarray(0, head.dataAt + 6);
    return Buffer.concat([start, ...(stream.length > 0 ? [length, stream] : []), Buffer.alloc(5)]);
  };
  const stream = head.bytes.subarray(head.dataAt + 6 + 5, -5);

  it.each([
    ['is cut within its block', block(stream.subarray(0, -1))],
    ['is not there', block(Buffer.alloc(0))],
    ['is followed by other bytes in its block', block(Buffer.concat([stream, Buffer.from('x')]))],
    ['is followed by a second stream', block(Buffer.concat([stream, stream]))],
    ['is followed by far more bytes', block(Buffer.concat([stream, Buffer.alloc(300_000)]))],
    ['is not of zlib', block(Buffer.from('1\n\\.\n\n\n'))],
  ])('is refused when it %s', async (_what, dump) => {
    const fault = await faultOf(dump);
    expect(fault.code).toBe('dump.malformed');
    expect(fault.why).toMatch(/its compressed data .*public\.a/);
  });

  it(
    'is refused when a bit of a table was changed, unless the bit means nothing',
    async () => {
      const { bytes, dataAt: start } = written({
        compression: 'gzip',
        entries: [table(1, 'a', 'x, y', ['1\tone', '2\ttwo', '3\tthree']), table(2, 'b', 'x', [])],
      });
      const whole = await readDump(bytes);
      let accepted = 0;
      for (let at = start; at < bytes.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const outcome = await readDump(flipped(bytes, at, bit)).catch((error: unknown) => error);
          if (outcome instanceof StateError) continue;
          expect(outcome).toEqual(whole);
          accepted++;
        }
      }
      // Deflate fills its last byte up with up to seven bits: once in each table.
      expect(accepted).toBeLessThanOrEqual(14);
    },
    EVERY_BYTE,
  );
});

describe('a table of contents', () => {
  it.each([
    ['two entries of one number', [table(3, 'a', 'x', []), table(3, 'b', 'x', [])], 'have the number 3'],
    ['a number that is none', [{ ...table(3, 'a', 'x', []), id: 0 }], 'has the number 0'],
    ['an unknown section', [{ ...table(3, 'a', 'x', []), section: 9 }], 'no known section'],
    ['a strange statement', [{ ...table(3, 'a', 'x', []), copy: 'DROP TABLE a;' }], 'not a COPY statement'],
    [
      'a sequence in no known state',
      [{ id: 3, tag: 's', desc: 'SEQUENCE SET', namespace: 'public', definition: 'SELECT 1;' }],
      'sequence s',
    ],
  ])('is refused with %s', async (_what, entries, words) => {
    const fault = await faultOf(written({ entries }).bytes);
    expect(fault.code).toBe('dump.malformed');
    expect(fault.why).toContain(words);
  });

  it('is refused when a block is not where it says', async () => {
    const { bytes, dataAt: start } = written({ ...everything(), offsets: true });
    const shifted = Buffer.from(bytes);
    const noted = shifted.indexOf(Buffer.from([2, start & 0xff, start >> 8, 0, 0, 0, 0, 0, 0]));
    shifted[noted + 1] = (start & 0xff) ^ 1;
    expect((await faultOf(shifted)).why).toContain(
      `expects this block at byte ${start ^ 1} (table public.users`,
    );
  });

  it('cannot make the reader hold more than its limits', async () => {
    const huge = Buffer.from(plain);
    huge.writeUInt32LE(0x7fff_ffff, huge.indexOf('shop') - 4);
    expect((await faultOf(huge)).why).toContain(
      'the name of the database claims to be 2147483647 bytes long',
    );
    expect((await faultOf(plain, { limits: { entries: 5 } })).why).toContain('claims 6 entries');
    expect((await faultOf(plain, { limits: { contentsBytes: 700 } })).why).toContain('larger than any');
    expect((await faultOf(plain, { limits: { statementBytes: 20 } })).why).toContain('a COPY statement');
  });
});

/** Whatever could tell two readings apart, except what a dump may change without being another. */
const gist = ({ tables, largeObjects, sequences }: DumpSummary): unknown => ({
  tables,
  largeObjects,
  sequences,
});

function flipped(dump: Buffer, at: number, bit: number): Buffer {
  const copy = Buffer.from(dump);
  copy[at] = (copy[at] ?? 0) ^ (1 << bit);
  return copy;
}

describe('a dump in which bits were changed', () => {
  it(
    'is refused or, uncompressed, has another hash, wherever in its data that was',
    async () => {
      const whole = gist(await readDump(plain));
      for (let at = dataAt; at < plain.length; at++) {
        for (let bit = 0; bit < 8; bit++) {
          const outcome = await readDump(flipped(plain, at, bit)).then(gist, (error: unknown) => error);
          expect(outcome).not.toEqual(whole);
          if (outcome instanceof Error) expect(outcome).toBeInstanceOf(StateError);
        }
      }
    },
    EVERY_BYTE,
  );

  it(
    'never makes the reader crash or hang, and a fault is always a StateError',
    async () => {
      const dumps = ([14, 15, 16] as const).flatMap((minor) =>
        [true, false].map(
          (offsets) => written(everything({ minor, offsets, compression: offsets ? 'none' : 'gzip' })).bytes,
        ),
      );
      const change = fc.record({ at: fc.nat(), byte: fc.nat(255) });
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...dumps),
          fc.array(change, { minLength: 1, maxLength: 6 }),
          fc.option(fc.nat(), { nil: undefined }),
          async (dump, changes, cut) => {
            const bent = Buffer.from(dump.subarray(0, cut === undefined ? dump.length : cut % dump.length));
            for (const { at, byte } of changes) if (bent.length > 0) bent[at % bent.length] = byte;
            const outcome = await readDump(bent).catch((error: unknown) => error);
            if (outcome instanceof Error) expect(outcome).toBeInstanceOf(StateError);
            if (cut !== undefined) expect(outcome).toBeInstanceOf(StateError);
          },
        ),
        { numRuns: 1500 },
      );
    },
    EVERY_BYTE,
  );
});
