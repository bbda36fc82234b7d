/**
 * Cuts a stream into chunks of one size. The newest chunk, even when full, is held back until more data comes, because
 * only then is it known not to be the last. Copies only where a chunk is spread over several pieces.
 */
export class Rechunker {
  readonly #size: number;
  /** Either a view of somebody's piece, always full, or the first bytes of `#own`. */
  #held: Buffer = Buffer.alloc(0);
  #own: Buffer | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  push(data: Buffer, onChunk: (chunk: Buffer) => void): void {
    let rest = data;
    while (rest.length > 0) {
      if (this.#held.length === this.#size) {
        const full = this.#held;
        this.#held = full.subarray(0, 0);
        onChunk(full);
      }
      const wanted = this.#size - this.#held.length;
      if (wanted === this.#size && rest.length >= this.#size) {
        this.#held = rest.subarray(0, this.#size);
      } else {
        this.#own ??= Buffer.allocUnsafeSlow(this.#size);
        const end = this.#held.length + rest.copy(this.#own, this.#held.length, 0, wanted);
        this.#held = this.#own.subarray(0, end);
      }
      rest = rest.subarray(Math.min(wanted, rest.length));
    }
  }

  /** What is left at the end: at most one chunk. */
  rest(): Buffer {
    return this.#held;
  }
}
