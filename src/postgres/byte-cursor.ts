import type { StateError } from '../core/errors.js';
import { type DumpPlace, dumpFailure } from './dump-failures.js';

const NOTHING = Buffer.alloc(0);

/**
 * Reads a stream of buffers in order, and knows the position. Holds a copy of one buffer of the source at a time.
 * Everything that asks for bytes which are not there throws `dump.truncated`.
 */
export class ByteCursor {
  readonly #source: AsyncIterator<Buffer>;
  #before = 0;
  #window: Buffer = NOTHING;
  #offset = 0;
  #memory: Buffer = NOTHING;
  /** What is being read, for errors: the name of a table. */
  table: string | undefined;

  constructor(source: AsyncIterable<Buffer>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** Bytes read so far. */
  get position(): number {
    return this.#before + this.#offset;
  }

  /**
   * The bytes at hand; what is still unread begins at `offset`. A copy of the source's buffer, which others may be
   * reading too: what was read may be written over.
   */
  get window(): Buffer {
    return this.#window;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Marks bytes of the window as read, up to the given offset in it. */
  moveTo(offset: number): void {
    this.#offset = offset;
  }

  /** Makes sure that at least one byte is unread; false at the end of the source. */
  async fill(): Promise<boolean> {
    while (this.#offset === this.#window.length) {
      const { value, done } = await this.#source.next();
      if (done) return false;
      this.#before += this.#window.length;
      this.#window = this.#copyOf(value);
      this.#offset = 0;
    }
    return true;
  }

  async byte(): Promise<number> {
    const value = this.#window[this.#offset];
    if (value !== undefined) {
      this.#offset++;
      return value;
    }
    if (!(await this.fill())) throw this.cutOff();
    return this.byte();
  }

  /** A copy of the next `length` bytes. The caller limits `length`; memory grows with what arrives, not with it. */
  async take(length: number): Promise<Buffer> {
    const pieces: Buffer[] = [];
    for (let left = length; left > 0; ) {
      if (!(await this.fill())) throw this.cutOff();
      const piece = Buffer.from(this.#window.subarray(this.#offset, this.#offset + left));
      this.#offset += piece.length;
      left -= piece.length;
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  }

  /** Passes over `length` bytes, showing them as they go by. */
  async skip(length: number, see?: (piece: Buffer) => void): Promise<void> {
    for (let left = length; left > 0; ) {
      if (!(await this.fill())) throw this.cutOff();
      const step = Math.min(left, this.#window.length - this.#offset);
      see?.(this.#window.subarray(this.#offset, this.#offset + step));
      this.#offset += step;
      left -= step;
    }
  }

  #copyOf(buffer: Buffer): Buffer {
    if (this.#memory.length < buffer.length) this.#memory = Buffer.allocUnsafeSlow(buffer.length);
    return this.#memory.subarray(0, buffer.copy(this.#memory));
  }

  /** The error for a source that ended here. */
  cutOff(): StateError {
    return dumpFailure('truncated', 'it ends in the middle of something', this.place());
  }

  /** Where the reader stands, for errors. */
  place(): DumpPlace {
    return { byte: this.position, ...(this.table !== undefined && { table: this.table }) };
  }
}
