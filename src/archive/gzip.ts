import { availableParallelism } from 'node:os';
import { Duplex } from 'node:stream';
import { Decompressor } from './decompressor.js';
import { BlockCompressor } from './gzip-block.js';

/** How an archive is compressed. The output is always one gzip file for every tool there is. */
export interface GzipOptions {
  /** zlib's level, 1 to 9. Higher is smaller and slower. */
  readonly level?: number;
  /** Bytes that are compressed on their own. */
  readonly blockSize?: number;
  /** Blocks in work at once. Memory grows by about two blocks for each. */
  readonly concurrency?: number;
}

export interface DecompressionOptions {
  /** Output beyond this is taken for a bomb. */
  readonly maxOutputBytes?: number;
  /** So is output of more than this many times its input... */
  readonly maxRatio?: number;
  /** ...but not before there are this many bytes of it: little harm is done, and a short text may shrink to nothing. */
  readonly ratioFromBytes?: number;
}

const DEFAULT_LEVEL = 2;
const DEFAULT_BLOCK_BYTES = 1024 * 1024;
/** gzip alone reaches 1,032 with zeros; logs and dumps reach 30. */
const MAX_RATIO = 500;
const RATIO_FROM_BYTES = 1024 ** 3;
/** libuv has four threads unless it is told otherwise. */
const MAX_CONCURRENCY = 4;
/** More blocks than processors: one is being filled or handed on, and others wait for this thread between two pieces. */
const BLOCKS_THAT_WAIT = 2;

/**
 * Compresses in blocks, several at once in libuv's thread pool: each becomes a gzip member, and members in order are one
 * gzip file (RFC 1952, section 2.2). The same input makes the same bytes: no time, no name, no operating system in it.
 */
export function gzipStream(options: GzipOptions = {}): Duplex {
  return new ParallelGzip({
    level: options.level ?? DEFAULT_LEVEL,
    blockSize: options.blockSize ?? DEFAULT_BLOCK_BYTES,
    concurrency: options.concurrency ?? Math.min(MAX_CONCURRENCY, availableParallelism() + BLOCKS_THAT_WAIT),
  });
}

/**
 * Unpacks gzip (any number of members) or zstd, where this Node has it, and passes a plain tar archive unchanged; the
 * first bytes tell which it is.
 *
 * The stream fails with StateError: `archive.unknown-format`, `archive.truncated`, `archive.corrupt`,
 * `archive.trailing-data`, `archive.limit-exceeded`, `archive.zstd-unsupported`.
 */
export function decompressionStream(options: DecompressionOptions = {}): Duplex {
  return new Decompressor({
    maxOutputBytes: options.maxOutputBytes ?? Number.POSITIVE_INFINITY,
    maxRatio: options.maxRatio ?? MAX_RATIO,
    ratioFromBytes: options.ratioFromBytes ?? RATIO_FROM_BYTES,
  });
}

class ParallelGzip extends Duplex {
  readonly #options: Required<GzipOptions>;
  /** Blocks in work, in order; the first is due next. */
  readonly #members: Promise<readonly Buffer[]>[] = [];
  /** Those that have no block at the moment. */
  readonly #idle: BlockCompressor[] = [];
  /** Blocks that can be filled again, so that memory stays what it is. */
  readonly #spare: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  #isEmpty = true;
  #wakeReader: (() => void) | undefined;

  constructor(options: Required<GzipOptions>) {
    super({ readableHighWaterMark: options.blockSize, writableHighWaterMark: options.blockSize });
    this.#options = options;
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#take(piece).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#finish().then(() => done(), done);
  }

  override _read(): void {
    this.#wakeReader?.();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#wakeReader?.();
    this.#release();
    done(error);
  }

  #release(): void {
    for (const compressor of this.#idle.splice(0)) compressor.close();
  }

  async #take(piece: Buffer): Promise<void> {
    let rest = piece;
    while (rest.length > 0) {
      this.#block ??= this.#spare.pop() ?? Buffer.allocUnsafeSlow(this.#options.blockSize);
      const taken = rest.copy(this.#block, this.#filled);
      this.#filled += taken;
      rest = rest.subarray(taken);
      if (this.#filled === this.#block.length) await this.#start(this.#block);
    }
  }

  async #finish(): Promise<void> {
    // A gzip file has at least one member, even when there is nothing in it.
    if (this.#filled > 0 || this.#isEmpty) await this.#start(this.#block ?? Buffer.alloc(0));
    while (this.#members.length > 0) await this.#deliver();
    this.#release();
    this.push(null);
  }

  async #start(block: Buffer): Promise<void> {
    const compressor = this.#idle.pop() ?? new BlockCompressor(this.#options.level);
    const member = compressor.compress(block.subarray(0, this.#filled)).finally(() => {
      if (this.destroyed) compressor.close();
      else this.#idle.push(compressor);
    });
    // A failure is thrown when the member is due; until then it must not count as unhandled.
    member.then(
      () => this.#spare.push(block),
      () => undefined,
    );
    this.#members.push(member);
    this.#block = undefined;
    this.#filled = 0;
    this.#isEmpty = false;
    while (this.#members.length >= this.#options.concurrency) await this.#deliver();
  }

  async #deliver(): Promise<void> {
    const pieces = await this.#members.shift();
    if (pieces === undefined || this.destroyed) return;
    // The reader of a piece may be full; it is asked after the last one, as they are in memory anyway.
    let isWanted = true;
    for (const piece of pieces) isWanted = this.push(piece);
    if (isWanted) return;
    await new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
    });
    this.#wakeReader = undefined;
  }
}
