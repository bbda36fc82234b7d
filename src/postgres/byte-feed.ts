/**
 * Bytes that arrive in pieces and are taken in pieces of another size. Takers are generators that yield while they
 * wait for more: parsing stays synchronous and costs no promise per field.
 */
export class ByteFeed {
  #buffer: Buffer = Buffer.alloc(0);
  #position = 0;
  #ended = false;
  /** Bytes taken so far. */
  taken = 0;

  push(piece: Buffer): void {
    this.#buffer =
      this.#position === this.#buffer.length
        ? piece
        : Buffer.concat([this.#buffer.subarray(this.#position), piece]);
    this.#position = 0;
  }

  end(): void {
    this.#ended = true;
  }

  get available(): number {
    return this.#buffer.length - this.#position;
  }

  /** Exactly `count` bytes, or undefined when the feed ends before. The result is only good until the next push. */
  *take(count: number): Generator<undefined, Buffer | undefined> {
    while (this.available < count) {
      if (this.#ended) return undefined;
      yield undefined;
    }
    return this.takeNow(count);
  }

  /** One to `most` bytes, as many as are there; undefined at the end. */
  *takeSome(most: number): Generator<undefined, Buffer | undefined> {
    while (this.available === 0) {
      if (this.#ended) return undefined;
      yield undefined;
    }
    return this.takeNow(Math.min(most, this.available));
  }

  /** Bytes that are known to be there. */
  takeNow(count: number): Buffer {
    const bytes = this.#buffer.subarray(this.#position, this.#position + count);
    this.#position += count;
    this.taken += count;
    return bytes;
  }

  /** The byte `offset` places ahead, which is known to be there. */
  peek(offset: number): number {
    return this.#buffer[this.#position + offset] ?? 0;
  }
}
