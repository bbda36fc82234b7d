import { finished, Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ResumedDownloadOptions {
  /** The answer to the first request. */
  readonly body: Readable;
  /** Position of its first byte, and of the end of the object. */
  readonly from: number;
  readonly size: number;
  /** Asks for the rest of the same object. */
  readonly reopen: (from: number) => Promise<Readable>;
  /** How often in a row it may break off without progress worth the name. */
  readonly maxAttempts: number;
  /** Whether an error of `reopen` is worth another attempt. */
  readonly mayRetry: (error: unknown) => boolean;
  /** What to throw in the end, for the last error. */
  readonly failure: (error: unknown) => Error;
  readonly signal: AbortSignal | undefined;
}

const FIRST_DELAY = 100;
const LONGEST_DELAY = 5_000;
/** Bytes that count as progress: a line that breaks off after each few would take forever. */
const PROGRESS = 64 * 1024;

/**
 * The bytes of an object as one stream, although the connection may break off: it goes on from the byte reached. Ends only
 * at the object's last byte. Destroying it gives the connection back at once.
 */
export class ResumedDownload extends Readable {
  readonly #options: ResumedDownloadOptions;
  #body: Readable;
  #at: number;
  #fruitless = 0;
  /** How far it has to come for the next break not to count. */
  #progressAt: number;

  constructor(options: ResumedDownloadOptions) {
    super({ highWaterMark: 1024 * 1024 });
    this.#options = options;
    this.#at = options.from;
    this.#progressAt = options.from + PROGRESS;
    this.#body = options.body;
    this.#follow();
    const { signal } = options;
    const abort = () => this.destroy(options.failure(signal?.reason));
    signal?.addEventListener('abort', abort, { once: true });
    this.once('close', () => signal?.removeEventListener('abort', abort));
  }

  override _read(): void {
    this.#body.resume();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#body.destroy();
    done(error);
  }

  #follow(): void {
    const body = this.#body;
    body.pause();
    body.on('data', (chunk: Buffer) => {
      this.#at += chunk.length;
      if (this.#at >= this.#progressAt) {
        this.#fruitless = 0;
        this.#progressAt = this.#at + PROGRESS;
      }
      if (!this.push(chunk)) body.pause();
    });
    finished(body, (error) => {
      if (!this.destroyed) void this.#bodyIsOver(error);
    });
  }

  async #bodyIsOver(error: unknown): Promise<void> {
    const { size, failure } = this.#options;
    if (this.#at === size) {
      this.push(null);
      return;
    }
    try {
      if (this.#at > size) throw new Error(`the store sent more than the ${size} bytes it had announced`);
      this.#body = await this.#reopened(error);
      if (this.destroyed) this.#body.destroy();
      this.#follow();
      this.#body.resume();
    } catch (thrown) {
      this.destroy(failure(thrown));
    }
  }

  async #reopened(broken: unknown): Promise<Readable> {
    const { maxAttempts, mayRetry, reopen, signal } = this.#options;
    for (let last = broken; ; ) {
      this.#fruitless += 1;
      if (this.#fruitless >= maxAttempts) throw last;
      await sleep(Math.min(FIRST_DELAY * 2 ** this.#fruitless, LONGEST_DELAY), undefined, { signal });
      try {
        return await reopen(this.#at);
      } catch (error) {
        if (!mayRetry(error)) throw error;
        last = error;
      }
    }
  }
}
