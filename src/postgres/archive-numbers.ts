import { createHash } from 'node:crypto';
import type { ByteCursor } from './byte-cursor.js';
import { dumpFailure } from './dump-failures.js';

/**
 * Integers and strings as pg_dump's archiver writes them (ReadInt, ReadStr, ReadOffset of pg_backup_archiver.c).
 * An integer is a sign byte and `intSize` bytes, lowest first; a string its length and its bytes, with the
 * length -1 for none.
 */
export class ArchiveNumbers {
  readonly #cursor: ByteCursor;
  readonly #intSize: number;
  readonly #offsetSize: number;

  constructor(cursor: ByteCursor, intSize: number, offsetSize: number) {
    this.#cursor = cursor;
    this.#intSize = intSize;
    this.#offsetSize = offsetSize;
  }

  get position(): number {
    return this.#cursor.position;
  }

  async int(): Promise<number> {
    const at = this.#cursor.position;
    const sign = await this.#cursor.byte();
    const magnitude = await this.#magnitude(this.#intSize);
    if (sign > 1 || (sign === 1 && magnitude === 0)) {
      throw dumpFailure('malformed', 'there is no number where one belongs', { byte: at });
    }
    return sign === 1 ? -magnitude : magnitude;
  }

  /** The next integer if all of it is in the cursor's window: for loops that cannot afford to wait each time. */
  intAtHand(): number | undefined {
    const { window, offset } = this.#cursor;
    if (this.#intSize !== 4 || window[offset] !== 0 || offset + 5 > window.length) return undefined;
    this.#cursor.moveTo(offset + 5);
    return window.readUInt32LE(offset + 1);
  }

  /** A string of at most `limit` bytes; undefined for none. `what` names it in errors. */
  async text(what: string, limit: number): Promise<string | undefined> {
    const length = await this.#length(what);
    if (length === undefined) return undefined;
    if (length > limit) {
      throw dumpFailure('malformed', `${what} claims to be ${length} bytes long`, { byte: this.position });
    }
    return (await this.#cursor.take(length)).toString('utf8');
  }

  /** Passes over a string without holding it. */
  async skipText(what: string): Promise<void> {
    await this.#cursor.skip((await this.#length(what)) ?? 0);
  }

  /** The SHA-256, in hexadecimal, of a string that is not held; of none, that of an empty one. */
  async hashOfText(what: string): Promise<string> {
    const hash = createHash('sha256');
    await this.#cursor.skip((await this.#length(what)) ?? 0, (piece) => hash.update(piece));
    return hash.digest('hex');
  }

  /** A place in the file: whether it is known, and where it is. */
  async offset(): Promise<{ readonly flag: number; readonly position: number }> {
    const flag = await this.#cursor.byte();
    return { flag, position: await this.#magnitude(this.#offsetSize) };
  }

  async #length(what: string): Promise<number | undefined> {
    const at = this.position;
    const length = await this.int();
    if (length < -1) throw dumpFailure('malformed', `${what} has the length ${length}`, { byte: at });
    return length === -1 ? undefined : length;
  }

  async #magnitude(size: number): Promise<number> {
    let value = 0;
    for (let index = 0; index < size; index++) value += (await this.#cursor.byte()) * 256 ** index;
    if (value > Number.MAX_SAFE_INTEGER) {
      throw dumpFailure('malformed', 'a number is larger than any dump needs', { byte: this.position });
    }
    return value;
  }
}
