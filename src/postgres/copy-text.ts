/**
 * The text format of COPY: a row is a line, fields are parted by tabs, `\N` is NULL, and a backslash escapes what
 * could be taken for any of that (PostgreSQL's documentation, COPY, "Text Format"). A tab or a line end is therefore
 * never part of a field.
 */

/** How the bytes of a field become text. `latin1` gives one character for each byte of any other encoding. */
export type FieldEncoding = 'utf8' | 'latin1';

const TAB = 0x09;
const BACKSLASH = 0x5c;

/** A row as `onRow` sees it. It lives in a buffer that is used again: read it before the callback returns. */
export interface RowView {
  /** The field of the column with this index, unescaped; null for NULL, and where there is no such column. */
  field(column: number): string | null;
}

/** A row in `buffer` from `start` to its line end at `end`. Fields are found when one is asked for. */
export class RowInBuffer implements RowView {
  readonly #buffer: Buffer;
  readonly #start: number;
  readonly #end: number;
  readonly #encoding: FieldEncoding;
  #starts: number[] | undefined;

  constructor(buffer: Buffer, start: number, end: number, encoding: FieldEncoding) {
    this.#buffer = buffer;
    this.#start = start;
    this.#end = end;
    this.#encoding = encoding;
  }

  field(column: number): string | null {
    this.#starts ??= this.#fieldStarts();
    const start = this.#starts[column];
    if (start === undefined) return null;
    return fieldText(this.#buffer, start, (this.#starts[column + 1] ?? this.#end + 1) - 1, this.#encoding);
  }

  #fieldStarts(): number[] {
    const starts = [this.#start];
    for (let at = this.#start; at < this.#end; at++) {
      if (this.#buffer[at] === TAB) starts.push(at + 1);
    }
    return starts;
  }
}

/** The value of a field that stands in `buffer` from `start` to before `end`: null for `\N`, otherwise unescaped. */
export function fieldText(
  buffer: Buffer,
  start: number,
  end: number,
  encoding: FieldEncoding,
): string | null {
  const field = buffer.subarray(start, end);
  if (!field.includes(BACKSLASH)) return field.toString(encoding);
  if (field.length === 2 && field[1] === 0x4e) return null;
  return unescaped(field).toString(encoding);
}

const LETTERS: ReadonlyMap<number, number> = new Map(
  Object.entries({ b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 }).map(([letter, byte]) => [
    letter.charCodeAt(0),
    byte,
  ]),
);

function unescaped(field: Buffer): Buffer {
  const out = Buffer.alloc(field.length);
  let used = 0;
  for (let at = 0; at < field.length; at++) {
    let byte = field[at] ?? 0;
    if (byte === BACKSLASH && at + 1 < field.length) {
      // Octal and hexadecimal escapes are read by PostgreSQL too; pg_dump never writes them, but others may.
      const number = numberEscape(field, at + 1);
      if (number === undefined) {
        at++;
        const escaped = field[at] ?? 0;
        byte = LETTERS.get(escaped) ?? escaped;
      } else {
        at += number.length;
        byte = number.value;
      }
    }
    out[used++] = byte;
  }
  return out.subarray(0, used);
}

function numberEscape(field: Buffer, at: number): { value: number; length: number } | undefined {
  const ahead = field.toString('latin1', at, at + 3);
  const octal = /^[0-7]{1,3}/.exec(ahead)?.[0];
  if (octal !== undefined) return { value: Number.parseInt(octal, 8) & 0xff, length: octal.length };
  const hex = /^x([0-9A-Fa-f]{1,2})/.exec(ahead)?.[1];
  return hex === undefined ? undefined : { value: Number.parseInt(hex, 16), length: hex.length + 1 };
}
