/**
 * Lets a limited number of channels be open at once, first come first served: sshd refuses more than its
 * MaxSessions (10 by default).
 */
export class Sessions {
  #limit: number;
  #active = 0;
  readonly #waiting: { readonly enter: () => void; readonly refuse: (reason: unknown) => void }[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Resolves with the function that gives the place back. @throws the signal's reason */
  async enter(signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#active >= this.#limit) await this.#queue(signal);
    else this.#active += 1;
    let left = false;
    return () => {
      if (left) return;
      left = true;
      this.#active -= 1;
      this.#admit();
    };
  }

  /**
   * The host refused a channel: it allows fewer than was thought. Returns false when no other one is open, so that
   * waiting would not help. Call it while holding the refused place.
   */
  lower(): boolean {
    const others = this.#active - 1;
    if (others < 1) return false;
    this.#limit = Math.min(this.#limit, others);
    return true;
  }

  /** Refuses everybody who waits. */
  abort(reason: unknown): void {
    for (const { refuse } of this.#waiting.splice(0)) refuse(reason);
  }

  async #queue(signal: AbortSignal | undefined): Promise<void> {
    let onAbort = (): void => undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        const entry = { enter: resolve, refuse: reject };
        onAbort = () => {
          const index = this.#waiting.indexOf(entry);
          if (index >= 0) this.#waiting.splice(index, 1);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', onAbort, { once: true });
        this.#waiting.push(entry);
      });
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  #admit(): void {
    while (this.#active < this.#limit) {
      const next = this.#waiting.shift();
      if (!next) return;
      this.#active += 1;
      next.enter();
    }
  }
}
