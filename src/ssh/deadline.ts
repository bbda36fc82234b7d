/** A time limit that stands still while a person is asked something. */
export class Deadline {
  #left: number;
  readonly #onExpiry: () => void;
  #timer: NodeJS.Timeout | undefined;
  #startedAt = 0;

  constructor(milliseconds: number, onExpiry: () => void) {
    this.#left = milliseconds;
    this.#onExpiry = onExpiry;
    this.resume();
  }

  /** Starts over with another limit. */
  restart(milliseconds: number): void {
    this.clear();
    this.#left = milliseconds;
    this.resume();
  }

  pause(): void {
    if (this.#timer === undefined) return;
    this.clear();
    this.#left = Math.max(1, this.#left - (performance.now() - this.#startedAt));
  }

  resume(): void {
    if (this.#timer !== undefined) return;
    this.#startedAt = performance.now();
    this.#timer = setTimeout(this.#onExpiry, this.#left);
  }

  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
