/**
 * Hands things over from whoever finds them to whoever works on them, one at a time: `put` comes back when the next one is
 * asked for, so that what belongs to a thing (the content of an archive's entry) is used up by then.
 */
export class EntryChannel<Item> implements AsyncIterable<Item> {
  #offered: { readonly item: Item; readonly taken: () => void } | undefined;
  #outcome: { readonly error?: unknown } | undefined;
  #isClosed = false;
  #wake: (() => void) | undefined;

  /** Settles when the item was worked on. When nobody wants it any more it rejects. */
  async put(item: Item): Promise<void> {
    if (this.#isClosed) throw new Error('nobody takes it any more');
    await new Promise<void>((resolve) => {
      this.#offered = { item, taken: resolve };
      this.#wake?.();
    });
    if (this.#isClosed) throw new Error('nobody takes it any more');
  }

  /** There is nothing more. */
  end(): void {
    this.#outcome ??= {};
    this.#wake?.();
  }

  /** Whoever takes gets this error. */
  fail(error: unknown): void {
    this.#outcome ??= { error };
    this.#wake?.();
  }

  /** Nobody takes any more. */
  close(): void {
    this.#isClosed = true;
    this.#offered?.taken();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item> {
    for (;;) {
      const offered = this.#offered;
      if (offered !== undefined) {
        yield offered.item;
        this.#offered = undefined;
        offered.taken();
      } else if (this.#outcome !== undefined) {
        if ('error' in this.#outcome) throw this.#outcome.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
