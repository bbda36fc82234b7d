import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyScanner, type CopyTally, type CopyWishes } from '../../../src/postgres/copy-scanner.js';

const END = '\\.\n\n\n';
const MIB = 1024 * 1024;

function scan(
  text: string | Buffer,
  columns: number,
  { sizes = [1000], rowBytes = 32 * MIB, wishes = {} as CopyWishes } = {},
): CopyTally {
  const scanner = new CopyScanner(columns, 'utf8', rowBytes, wishes, () => ({ table: 't' }));
  const bytes = Buffer.from(text);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    scanner.write(bytes, at, Math.min(at + size, bytes.length));
    at += size;
  }
  return scanner.finish();
}

const field = fc.oneof(
  fc.constantFrom('\\N', '', 'eyJ', 'eyJabc', 'xeyJ', 'eyJ\\n', 'ä€😀', '\\\\.', '\x01'),
  fc.string({ unit: fc.constantFrom('a', 'e', 'y', 'J', 'ö', '0'), maxLength: 30 }),
);

const rowsOf = (columns: number): fc.Arbitrary<string[][]> =>
  fc.array(fc.array(field, { minLength: columns, maxLength: columns }), { maxLength: 60 });

describe('the rows of a table', () => {
  it('are counted, hashed, shown and searched alike in whatever pieces they arrive', () => {
    const input = fc
      .integer({ min: 2, max: 5 })
      .chain((columns) =>
        fc.tuple(
          fc.constant(columns),
          rowsOf(columns),
          fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1 }),
        ),
      );
    fc.assert(
      fc.property(input, ([columns, rows, sizes]) => {
        const text = rows.map((row) => `${row.join('\t')}\n`).join('');
        const shown: (string | null)[] = [];
        const matched: string[] = [];
        const tally = scan(text + END, columns, {
          sizes,
          wishes: {
            prefix: Buffer.from('eyJ'),
            onRow: (row) => shown.push(row.field(columns - 1)),
            onMatch: (column, found) => matched.push(`${column} ${found}`),
          },
        });
        expect(tally).toEqual({
          rows: rows.length,
          bytes: Buffer.byteLength(text),
          sha256: createHash('sha256').update(text).digest('hex'),
          withheldRows: 0,
        });
        const plain = (each: string): string => each.replaceAll('\\n', '\n').replaceAll('\\\\', '\\');
        expect(shown).toEqual(rows.map((row) => (row.at(-1) === '\\N' ? null : plain(row.at(-1) ?? ''))));
        expect(matched).toEqual(
          rows.flatMap((row) =>
            row.flatMap((each, column) => (each.startsWith('eyJ') ? [`${column} ${plain(each)}`] : [])),
          ),
        );
      }),
    );
  });

  it('may be long: they are shown and searched up to the limit', () => {
    const long = 'x'.repeat(700_000);
    const seen: number[] = [];
    const tally = scan(`1\t${long}\n2\teyJ${long}\n3\t\n${END}`, 2, {
      sizes: [65536],
      wishes: { prefix: Buffer.from('eyJ'), onMatch: (_column, found) => seen.push(found.length) },
    });
    expect(tally).toMatchObject({ rows: 3, withheldRows: 0 });
    expect(seen).toEqual([700_003]);
  });

  it('longer than the limit are counted, checked and hashed, but withheld', () => {
    const limit = 16 * 1024;
    const long = 'ä€😀 '.repeat(20_000);
    const text = `0\teyJ0\n${long}\teyJ1\neyJ2\t${long}\n3\teyJ3\n`;
    const seen: string[] = [];
    for (const sizes of [[65536], [1, 7, 4096], [999]]) {
      seen.length = 0;
      const tally = scan(text + END, 2, {
        sizes,
        rowBytes: limit,
        wishes: {
          prefix: Buffer.from('eyJ'),
          onRow: (row) => seen.push(row.field(0) ?? ''),
          onMatch: (column, found) => seen.push(`${column}=${found}`),
        },
      });
      expect(tally).toEqual({
        rows: 4,
        bytes: Buffer.byteLength(text),
        sha256: createHash('sha256').update(text).digest('hex'),
        withheldRows: 2,
      });
      expect(seen.sort()).toEqual(['0', '1=eyJ0', '1=eyJ3', '3']);
    }
  });

  it('longer than the limit must be right, too', () => {
    const options = { rowBytes: 16 * 1024, sizes: [5000] };
    const long = 'ä'.repeat(50_000);
    expect(() => scan(`1\t${long}\t\n${END}`, 2, options)).toThrow(
      'a row has 3 fields, not 2 (table t, row 1)',
    );
    expect(() => scan(`1\t2\n${long}\n${END}`, 2, options)).toThrow(
      'a row has 1 fields, not 2 (table t, row 2)',
    );
    expect(() => scan(`1\t${long}\0${long}\n${END}`, 2, options)).toThrow('control character');
    const bent = Buffer.from(`1\t${long}\n${END}`);
    bent[60_001] = 0x20;
    expect(() => scan(bent, 2, options)).toThrow('not valid UTF-8 (table t, row 1)');
    expect(() => scan(`1\t2\n${END}${long}`, 2, options)).toThrow('follows the end marker');
  });

  it('cannot end the table with a value that looks like the end marker', () => {
    const tally = scan(`\\\\.\n\\\\.\n.\n${END}`, 1, { sizes: [1] });
    expect(tally.rows).toBe(3);
  });

  it('take no more memory than the limit, however long they are', () => {
    const piece = Buffer.alloc(MIB, 'x');
    const scanner = new CopyScanner(1, 'utf8', MIB, {}, () => ({}));
    const before = process.memoryUsage().arrayBuffers;
    for (let round = 0; round < 200; round++) scanner.write(piece, 0, piece.length);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * MIB);
    scanner.write(Buffer.from(`\n${END}`), 0, 1 + END.length);
    expect(scanner.finish()).toMatchObject({ rows: 1, bytes: 200 * MIB + 1 });
  });
});
