import type { StateError } from '../core/errors.js';
import { type DumpPlace, dumpFailure } from './dump-failures.js';

/** A field that begins with the prefix that was searched. */
export interface FieldMatch {
  /** Where it begins in the buffer. */
  readonly start: number;
  readonly column: number;
}

/** Bytes with a view of them as words of four, for looking at four at once. The length is a multiple of 4. */
export interface WordBuffer {
  readonly bytes: Buffer;
  readonly words: Int32Array;
}

export function wordBuffer(size: number): WordBuffer {
  const bytes = Buffer.allocUnsafeSlow(Math.ceil(size / 4) * 4);
  return { bytes, words: new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4) };
}

const TAB = 0x09;
const LINE_END = 0x0a;
const LAST_CONTROL = 0x0d;
const BACKSLASH = 0x5c;
const DOT = 0x2e;

/**
 * Counts the rows and fields of one table's COPY text, finds its end marker `\.`, and refuses what pg_dump cannot
 * have written. The one loop that looks at every byte.
 */
export class RowCounter {
  readonly #columns: number;
  readonly #prefix: Buffer | undefined;
  readonly #place: () => DumpPlace;
  rows = 0;
  /** The end marker was found. */
  ended = false;
  /** The last look ended within a row, which goes on in the next. */
  withinRow = false;
  /** Fields found in the last look, in rows that were whole. */
  matches: FieldMatch[] = [];
  #tabs = 0;

  constructor(columns: number, prefix: Buffer | undefined, place: () => DumpPlace) {
    this.#columns = columns;
    this.#prefix = prefix !== undefined && prefix.length > 0 ? prefix : undefined;
    this.#place = place;
  }

  /** Looks at the buffer up to `end`. Gives where the rows end: there, or where the end marker begins. */
  count({ bytes, words }: WordBuffer, end: number): number {
    const separators = Math.max(this.#columns - 1, 0);
    const first = this.#prefix?.[0];
    let tabs = this.#tabs;
    let rowStart = this.withinRow ? -1 : 0;
    this.matches = [];
    if (rowStart === 0) this.#match(bytes, 0, end, 0);
    const wordCount = Math.ceil(end / 4);
    for (let word = 0; word < wordCount; word++) {
      const four = words[word] ?? 0;
      // Zero unless one of the four bytes is at most LAST_CONTROL: the usual trick with borrows into bit 7.
      if (((four - 0x0e0e0e0e) & ~four & 0x80808080) === 0) continue;
      const stop = Math.min(word * 4 + 4, end);
      for (let at = word * 4; at < stop; at++) {
        const byte = bytes[at] ?? 0;
        if (byte > LAST_CONTROL) continue;
        if (byte === TAB) {
          tabs++;
        } else if (byte === LINE_END) {
          if (at - rowStart === 2 && bytes[rowStart] === BACKSLASH && bytes[rowStart + 1] === DOT) {
            this.ended = true;
            return rowStart;
          }
          if (tabs !== separators) throw this.#wrongFields(tabs + 1);
          if (this.#columns === 0 && at !== rowStart) throw this.#wrongFields(1);
          this.rows++;
          tabs = 0;
          rowStart = at + 1;
        } else if (byte === 0 || byte > 0x07) {
          throw this.malformed('a row holds a control character that COPY would have escaped');
        } else {
          continue;
        }
        if (bytes[at + 1] === first && rowStart !== -1) this.#match(bytes, at + 1, end, tabs);
      }
    }
    this.#tabs = tabs;
    this.withinRow = rowStart !== end;
    return end;
  }

  /** The error for a row, if not another then the one after those counted. */
  malformed(why: string, row = this.rows + 1): StateError {
    return dumpFailure('malformed', why, { ...this.#place(), row });
  }

  #match(bytes: Buffer, start: number, end: number, column: number): void {
    const prefix = this.#prefix;
    if (prefix === undefined || start + prefix.length > end) return;
    for (let index = 0; index < prefix.length; index++) {
      if (bytes[start + index] !== prefix[index]) return;
    }
    this.matches.push({ start, column });
  }

  #wrongFields(found: number): StateError {
    return this.malformed(`a row has ${found} fields, not ${this.#columns}`);
  }
}
