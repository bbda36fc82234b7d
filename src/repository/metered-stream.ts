import { createHash } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

/** Passes bytes on unchanged, counts them and hashes them. Ask for `bytes` and `sha256` when it has ended. */
export class MeteredStream extends Transform {
  readonly #hash = createHash('sha256');
  readonly #onProgress: ((bytes: number) => void) | undefined;
  #bytes = 0;
  #digest: string | undefined;

  constructor(onProgress?: (bytes: number) => void) {
    super({ highWaterMark: 1024 * 1024 });
    this.#onProgress = onProgress;
  }

  /** How many passed so far. Not called `size`: lib-storage would take that for the length of the body. */
  get bytes(): number {
    return this.#bytes;
  }

  /** SHA-256 of all that passed, hex. Only complete once the stream has ended. */
  get sha256(): string {
    this.#digest ??= this.#hash.digest('hex');
    return this.#digest;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    this.#onProgress?.(this.#bytes);
    done(null, chunk);
  }
}

/** SHA-256 of a few bytes, hex. */
export function sha256Of(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
