import { inspect } from 'node:util';

const REDACTED = '[redacted]';

/** A value that must not be shown: prints as `[redacted]` in strings, JSON and inspect. */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** Takes the value out. Call it only where it is used, never to build a message. */
  reveal(): string {
    return this.#value;
  }

  toString(): string {
    return REDACTED;
  }

  toJSON(): string {
    return REDACTED;
  }

  [inspect.custom](): string {
    return REDACTED;
  }
}
