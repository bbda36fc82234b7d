import { randomBytes } from 'node:crypto';

/**
 * Every command prints a marker on both outputs before it begins. What comes earlier is not the command's: a banner
 * from a start-up file of the login shell, sudo's lecture and prompt. Whether the marker came also tells "the
 * command failed" from "the command was never run".
 */
export function newMarker(): string {
  return `${MARKER.before}${randomBytes(MARKER.hexDigits / 2).toString('hex')}${MARKER.after}`;
}

/** What a marker looks like. No shell does anything with its characters. */
export const MARKER = { before: '@coolify-state:', hexDigits: 24, after: '@' } as const;

/**
 * The arguments that print the marker and then become the command, in the C locale: it makes every host's messages
 * and sorting alike.
 */
export function bootArguments(marker: string, argv: readonly string[]): [string, ...string[]] {
  return ['sh', '-c', BOOT, 'sh', marker, ...argv];
}

/** Cuts a stream at its marker. */
export class StartMarker {
  readonly #marker: Buffer;
  #before = Buffer.alloc(0);
  #seen = false;

  constructor(marker: string) {
    this.#marker = Buffer.from(marker, 'latin1');
  }

  get seen(): boolean {
    return this.#seen;
  }

  /** What came before the marker, or all there is while it has not come (the end of it, if it is long). */
  get preamble(): string {
    return this.#before.toString('utf8');
  }

  /** What of this chunk belongs to the command; empty until the marker has come. */
  push(chunk: Buffer): Buffer {
    if (this.#seen) return chunk;
    const all = Buffer.concat([this.#before, chunk]);
    const at = all.indexOf(this.#marker);
    if (at < 0) {
      this.#before = all.subarray(-PREAMBLE_LIMIT);
      return Buffer.alloc(0);
    }
    this.#seen = true;
    this.#before = all.subarray(0, at);
    return all.subarray(at + this.#marker.length);
  }
}

const BOOT = 'm=$1; shift; printf %s "$m"; printf %s "$m" >&2; unset m; LC_ALL=C; export LC_ALL; exec "$@"';

const PREAMBLE_LIMIT = 64 * 1024;
