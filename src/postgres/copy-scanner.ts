import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { StateError } from '../core/errors.js';
import type { ByteSink } from './byte-sink.js';
import { type FieldEncoding, fieldText, RowInBuffer, type RowView } from './copy-text.js';
import type { DumpPlace } from './dump-failures.js';
import { RowCounter, wordBuffer } from './row-counter.js';

/** What to look out for in a table, besides counting. */
export interface CopyWishes {
  readonly onRow?: ((row: RowView) => void) | undefined;
  /** Fields that begin with `prefix`, as COPY writes them, go to `onMatch` with the index of their column. */
  readonly prefix?: Buffer | undefined;
  readonly onMatch?: ((column: number, value: string) => void) | undefined;
}

/** What was counted in a table. */
export interface CopyTally {
  readonly rows: number;
  /** Length of the rows, line ends included, end marker not. */
  readonly bytes: number;
  /** SHA-256 of those bytes, in hexadecimal. */
  readonly sha256: string;
  /** Rows too long to be shown or searched, though that was wished. */
  readonly withheldRows: number;
}

const FIRST_SIZE = 8 * 1024;
const USUAL_SIZE = 256 * 1024;
const TAB = 0x09;
const LINE_END = 0x0a;
const MARKER_LENGTH = 3;

/**
 * Counts, checks and hashes the rows of one table while they stream past, up to the end marker. Whole rows are
 * looked at in a buffer that grows with the longest row; a row longer than `rowBytes` goes through it in parts.
 */
export class CopyScanner implements ByteSink {
  readonly #encoding: FieldEncoding;
  readonly #largest: number;
  readonly #wishes: CopyWishes;
  readonly #counter: RowCounter;
  readonly #hash = createHash('sha256');
  #buffer = wordBuffer(FIRST_SIZE);
  #used = 0;
  #bytes = 0;
  #withheldRows = 0;

  constructor(
    columns: number,
    encoding: FieldEncoding,
    rowBytes: number,
    wishes: CopyWishes,
    place: () => DumpPlace,
  ) {
    this.#encoding = encoding;
    this.#largest = Math.max(rowBytes, FIRST_SIZE);
    this.#wishes = wishes;
    this.#counter = new RowCounter(columns, wishes.onMatch === undefined ? undefined : wishes.prefix, place);
  }

  write(source: Buffer, from: number, to: number): undefined {
    for (let at = from; at < to; ) {
      if (this.#used === this.#buffer.bytes.length) this.#makeRoom();
      const copied = source.copy(this.#buffer.bytes, this.#used, at, to);
      this.#used += copied;
      at += copied;
    }
  }

  /** To be called at the end of the block. */
  finish(): CopyTally {
    this.#lookAtRows();
    if (!this.#counter.ended) throw this.#counter.malformed('its rows end without the end marker of COPY');
    if (this.#used > 0) throw this.#afterMarker();
    return {
      rows: this.#counter.rows,
      bytes: this.#bytes,
      sha256: this.#hash.digest('hex'),
      withheldRows: this.#withheldRows,
    };
  }

  #makeRoom(): void {
    const { length } = this.#buffer.bytes;
    if (length >= Math.min(USUAL_SIZE, this.#largest)) {
      this.#lookAtRows();
      if (this.#used < length) return;
    }
    if (length < this.#largest) {
      const larger = wordBuffer(Math.min(length * 2, this.#largest));
      this.#buffer.bytes.copy(larger.bytes, 0, 0, this.#used);
      this.#buffer = larger;
    } else {
      this.#lookAtPart();
    }
  }

  /** Looks at all rows that are whole, and keeps the rest. */
  #lookAtRows(): void {
    const { bytes } = this.#buffer;
    const whole = bytes.subarray(0, this.#used).lastIndexOf(LINE_END) + 1;
    if (whole === 0) return;
    if (this.#counter.ended) {
      this.#expectBlank(0, whole);
    } else {
      const start = this.#counter.withinRow ? bytes.indexOf(LINE_END) + 1 : 0;
      const end = this.#counter.count(this.#buffer, whole);
      this.#account(end);
      this.#showRows(start, end);
      this.#showMatches(end);
      if (this.#counter.ended) this.#expectBlank(end + MARKER_LENGTH, whole);
    }
    this.#keepFrom(whole);
  }

  /** Looks at a full buffer that holds nothing but a part of one row. */
  #lookAtPart(): void {
    if (this.#counter.ended) throw this.#afterMarker();
    const wished = this.#wishes.onRow !== undefined || this.#wishes.onMatch !== undefined;
    if (wished && !this.#counter.withinRow) this.#withheldRows++;
    const end = lastCharacterEnd(this.#buffer.bytes, this.#used);
    this.#account(this.#counter.count(this.#buffer, end));
    this.#keepFrom(end);
  }

  #account(end: number): void {
    if (end === 0) return;
    const rows = this.#buffer.bytes.subarray(0, end);
    if (this.#encoding === 'utf8' && !isUtf8(rows)) throw this.#notUtf8(rows);
    this.#hash.update(rows);
    this.#bytes += end;
  }

  #showRows(start: number, end: number): void {
    const { onRow } = this.#wishes;
    if (onRow === undefined) return;
    for (let at = start; at < end; ) {
      const lineEnd = this.#buffer.bytes.indexOf(LINE_END, at);
      onRow(new RowInBuffer(this.#buffer.bytes, at, lineEnd, this.#encoding));
      at = lineEnd + 1;
    }
  }

  #showMatches(end: number): void {
    const rows = this.#buffer.bytes.subarray(0, end);
    for (const { start, column } of this.#counter.matches) {
      const lineEnd = rows.indexOf(LINE_END, start);
      const tab = rows.subarray(start, lineEnd).indexOf(TAB);
      const fieldEnd = tab === -1 ? lineEnd : start + tab;
      this.#wishes.onMatch?.(column, fieldText(rows, start, fieldEnd, this.#encoding) ?? '');
    }
  }

  /** pg_dump lets line ends follow the end marker. */
  #expectBlank(from: number, to: number): void {
    for (let at = from; at < to; at++) {
      if (this.#buffer.bytes[at] !== LINE_END) throw this.#afterMarker();
    }
  }

  /** Finds the row to blame: the counter already stands after all of them. */
  #notUtf8(rows: Buffer): StateError {
    let [good, whole, start] = [0, 0, 0];
    for (let end = rows.indexOf(LINE_END); end !== -1; end = rows.indexOf(LINE_END, start)) {
      if (good === whole && isUtf8(rows.subarray(start, end))) good++;
      whole++;
      start = end + 1;
    }
    return this.#counter.malformed('a row is not valid UTF-8', this.#counter.rows - whole + good + 1);
  }

  #afterMarker(): StateError {
    return this.#counter.malformed('something follows the end marker of COPY');
  }

  #keepFrom(start: number): void {
    this.#buffer.bytes.copyWithin(0, start, this.#used);
    this.#used -= start;
  }
}

/** Where the last whole UTF-8 character before `end` ends: at most 3 bytes earlier. */
function lastCharacterEnd(buffer: Buffer, end: number): number {
  for (let back = 1; back <= 3; back++) {
    const byte = buffer[end - back] ?? 0;
    if (byte < 0x80) return end;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? end - back : end;
    }
  }
  return end;
}
