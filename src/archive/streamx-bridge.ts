import { Readable } from 'node:stream';
import { messageOf } from '../core/errors.js';

/** Bytes that may wait in a bridge. */
const HIGH_WATER_MARK = 256 * 1024;

/** What is used of a streamx readable; its own types are not those of Node. */
export interface StreamxReadable {
  on(event: 'data', listener: (chunk: unknown) => void): unknown;
  once(event: 'end' | 'close', listener: () => void): unknown;
  once(event: 'error', listener: (error: unknown) => void): unknown;
  pause(): unknown;
  resume(): unknown;
}

/** The same for a streamx writable. */
export interface StreamxWritable {
  readonly destroyed: boolean;
  on(event: 'drain' | 'close', listener: () => void): unknown;
  off(event: 'drain' | 'close', listener: () => void): unknown;
}

/** Waits until a streamx writable takes more, or is closed. */
export function drained(sink: StreamxWritable): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      sink.off('drain', done);
      sink.off('close', done);
      resolve();
    };
    sink.on('drain', done);
    sink.on('close', done);
    // Nothing would come any more.
    if (sink.destroyed) done();
  });
}

/**
 * A real Node stream over one of tar-stream's, which are streamx and differ in how they end, fail and are destroyed.
 * Destroying the bridge does not touch the source: what remains of it flows away, so that an archive can be read on
 * behind an entry that somebody lost interest in.
 */
export class StreamxBridge extends Readable {
  readonly #source: StreamxReadable;
  /** Settles when the source has nothing more to give, regularly or not. Never rejects. */
  readonly exhausted: Promise<void>;

  constructor(source: StreamxReadable) {
    super({ highWaterMark: HIGH_WATER_MARK });
    this.#source = source;
    let ended = false;
    source.on('data', (chunk) => {
      if (!this.destroyed && !this.push(chunk)) source.pause();
    });
    source.once('end', () => {
      ended = true;
      this.push(null);
    });
    source.once('error', (error) =>
      this.destroy(error instanceof Error ? error : new Error(messageOf(error))),
    );
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
