import { addAbortSignal, Writable } from 'node:stream';
import { StateError } from '../core/errors.js';
import type { DumpSummary } from './dump-summary.js';
import { Handoff } from './handoff.js';
import { type DumpWishes, readArchive } from './read-archive.js';

export type { DumpSummary, DumpTable } from './dump-summary.js';
export type { DumpEntry } from './table-of-contents.js';

export interface DumpReaderOptions extends DumpWishes {
  /** Ends the reading with an AbortError. */
  readonly signal?: AbortSignal;
}

/**
 * Proves a dump of pg_dump's custom format while its bytes are written to this stream, without PostgreSQL; memory
 * stays flat whatever the dump's size. Once the stream has finished, `summary()` tells what was in it.
 *
 * Proven is: the table of contents is whole; every entry that has data has exactly one block, where it is expected;
 * compressed data inflates and ends with its own checksum; every table ends with COPY's end marker, every row has
 * a field for each column, is valid UTF-8 (in a UTF8 dump) and free of bytes that COPY escapes; nothing follows the
 * last block, unless it is the table of contents again (see `expectContentsAgain`). Not proven, because uncompressed
 * data carries no checksum, is that a letter within a field was not exchanged for another: that changes the table's
 * `sha256`, to be compared with one from elsewhere.
 *
 * Errors are StateErrors of kind `proof`: `dump.not-a-dump`, `dump.truncated`, `dump.trailing-data`,
 * `dump.malformed`, `dump.missing-data`, `dump.unsupported`; what a callback throws passes unchanged.
 */
export class DumpReader extends Writable {
  readonly #handoff = new Handoff();
  readonly #reading: Promise<void>;
  #summary: DumpSummary | undefined;

  constructor({ signal, ...wishes }: DumpReaderOptions = {}) {
    super();
    this.#reading = readArchive(this.#handoff, wishes).then(
      (summary) => {
        this.#summary = summary;
      },
      (error: unknown) => {
        this.destroy(error instanceof Error ? error : new Error(String(error)));
      },
    );
    if (signal !== undefined) addAbortSignal(signal, this);
  }

  /** What was in the dump. StateError `dump.unread` before the stream has finished. */
  summary(): DumpSummary {
    if (this.#summary !== undefined) return this.#summary;
    throw new StateError({
      kind: 'failed',
      code: 'dump.unread',
      what: 'The dump has not been read to its end',
      next: 'take another backup, or verify an older one',
    });
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#handoff.put(chunk).then(() => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#handoff.end();
    this.#reading.then(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#handoff.fail(error ?? new Error('the stream was destroyed'));
    this.#reading.then(() => done(error));
  }
}
