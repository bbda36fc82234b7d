import { Readable } from 'node:stream';

/** Bytes that may wait in a bridge. */
const HIGH_WATER_MARK = 256 * 1024;

/**
 * A real Node stream over one of tar-stream's, which are streamx and differ in how they end, fail and are destroyed.
 * Destroying the bridge does not touch the source: what remains of it flows away, so that an archive can be read on
 * behind an entry that somebody lost interest in.
 */
export class StreamxBridge extends Readable {
  readonly #source: Readable;
  /** Settles when the source has nothing more to give, regularly or not. Never rejects. */
  readonly exhausted: Promise<void>;

  constructor(source: Readable) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#source = source;
    let ended = false;
    source.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) source.pause();
    });
    source.once('end', () => {
      ended = true;
      this.push(null);
    });
    source.once('error', (error: Error) => this.destroy(error));
    source.once('close', () => {
      if (!ended) this.destroy(new Error('the archive closed early'));
    });
    this.exhausted = new Promise((resolve) => {
      source.once('end', resolve);
      source.once('close', resolve);
    });
  }

  override _read(): void {
    this.#source.resume();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#source.resume();
    done(error);
  }
}
