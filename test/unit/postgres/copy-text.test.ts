import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fieldText, RowInBuffer } from '../../../src/postgres/copy-text.js';

const read = (field: string): string | null => {
  const bytes = Buffer.from(`before\t${field}\tafter`);
  return fieldText(bytes, 7, bytes.length - 6, 'utf8');
};

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
};

/** What PostgreSQL's COPY TO makes of a value. */
const copied = (value: string | null): string =>
  value === null ? '\\N' : value.replace(/[\\\b\f\n\r\t\v]/g, (character) => ESCAPES[character] ?? '');

const value = fc.oneof(
  fc.constant(null),
  fc.string({ unit: fc.constantFrom('\\', '\t', '\n', '\r', 'N', 'n', '.', 'x', '7', 'ä', '€', '😀') }),
  fc.string({ unit: 'grapheme' }),
);

describe('a field of COPY', () => {
  it('comes back as it went in', () => {
    fc.assert(
      fc.property(value, (original) => {
        expect(read(copied(original))).toBe(original);
      }),
    );
  });

  it.each([
    ['\\N', null],
    ['\\\\N', '\\N'],
    ['N', 'N'],
    ['', ''],
    ['\\NN', 'NN'],
    ['\\.', '.'],
    ['\\101\\60', 'A0'],
    ['\\7z', '\x07z'],
    ['\\x41\\x9g', 'A\tg'],
    ['\\xg', 'xg'],
    ['\\303\\xa4', 'ä'],
    ['\\ä', 'ä'],
    ['end\\', 'end\\'],
  ])('%j means %j', (field, expected) => {
    expect(read(field)).toBe(expected);
  });

  it('is one character for each byte in an encoding that is not UTF-8', () => {
    const bytes = Buffer.from('\xe4\\t\xff', 'latin1');
    expect(fieldText(bytes, 0, bytes.length, 'latin1')).toBe('ä\tÿ');
  });
});

describe('a row', () => {
  it('gives its fields by index, in any order', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 8 }), fc.nat(7), (values, index) => {
        const line = Buffer.from(`x\n${values.map(copied).join('\t')}\nx\ty`);
        const row = new RowInBuffer(line, 2, line.length - 4, 'utf8');
        expect(row.field(index)).toBe(values[index] ?? null);
        expect(values.map((_, each) => row.field(each))).toEqual(values);
        expect(row.field(values.length)).toBeNull();
      }),
    );
  });
});
