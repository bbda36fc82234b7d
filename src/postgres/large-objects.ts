import { createHash } from 'node:crypto';
import type { ByteSink } from './byte-sink.js';
import type { DumpedLargeObjects } from './dump-summary.js';

/** Counts and hashes the contents of large objects. */
export class LargeObjectTally implements ByteSink {
  readonly #hash = createHash('sha256');
  #count = 0;
  #bytes = 0;
  #objectBytes = 0;

  write(source: Buffer, from: number, to: number): undefined {
    this.#hash.update(source.subarray(from, to));
    this.#objectBytes += to - from;
  }

  /** To be called after the last byte of each object. */
  endObject(oid: number): void {
    this.#hash.update(`${oid}:${this.#objectBytes};`);
    this.#count++;
    this.#bytes += this.#objectBytes;
    this.#objectBytes = 0;
  }

  /** To be called once, at the end of the dump. */
  total(): DumpedLargeObjects {
    return { count: this.#count, bytes: this.#bytes, sha256: this.#hash.digest('hex') };
  }
}
