/**
 * Hands buffers from a producer that waits to a consumer that iterates. `put` resolves when the consumer asks for
 * the next buffer: then it is done with the one before, and at no time is more than one held.
 */
export class Handoff implements AsyncIterable<Buffer> {
  #offer: { readonly buffer: Buffer; readonly taken: () => void } | undefined;
  #inUse: (() => void) | undefined;
  #ended = false;
  #failure: { readonly error: unknown } | undefined;
  #wake: () => void = () => undefined;

  put(buffer: Buffer): Promise<void> {
    return new Promise((resolve) => {
      this.#offer = { buffer, taken: resolve };
      this.#wake();
    });
  }

  /** No more buffers will come. */
  end(): void {
    this.#ended = true;
    this.#wake();
  }

  /** Makes the consumer's next step throw `error`. */
  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#wake();
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer> {
    return { next: () => this.#next() };
  }

  async #next(): Promise<IteratorResult<Buffer>> {
    this.#inUse?.();
    this.#inUse = undefined;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error;
      if (this.#offer !== undefined) {
        const { buffer, taken } = this.#offer;
        this.#offer = undefined;
        this.#inUse = taken;
        return { value: buffer, done: false };
      }
      if (this.#ended) return { value: undefined, done: true };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
