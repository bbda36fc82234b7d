import { availableParallelism } from 'node:os';
import { Duplex } from 'node:stream';

/** Compresses blocks, one at a time, each on its own. */
export interface BlockCompressor {
  /** The pieces of what became of it, in order. The block must not change until then. */
  compress(block: Buffer): Promise<readonly Buffer[]>;
  close(): void;
}

export interface BlockOptions {
  /** Bytes that are compressed on their own. */
  readonly blockSize?: number;
  /** Blocks in work at once. Memory grows by about two blocks for each. */
  readonly concurrency?: number;
}

const DEFAULT_BLOCK_BYTES = 1024 * 1024;
/** libuv has four threads unless it is told otherwise. */
const MAX_CONCURRENCY = 4;
/** More blocks than processors: one is being filled or handed on, and others wait for this thread between two pieces. */
const BLOCKS_THAT_WAIT = 2;

/**
 * Compresses in blocks, several at once in libuv's thread pool, for formats of which files in a row are one file. The same
 * input makes the same bytes, however it is cut and however many blocks are in work.
 */
export class ParallelBlocks extends Duplex {
  readonly #createCompressor: () => BlockCompressor;
  readonly #options: Required<BlockOptions>;
  /** Blocks in work, in order; the first is due next. */
  readonly #compressed: Promise<readonly Buffer[]>[] = [];
  /** Those that have no block at the moment. */
  readonly #idle: BlockCompressor[] = [];
  /** Blocks that can be filled again, so that memory stays what it is. */
  readonly #spare: Buffer[] = [];
  #block: Buffer | undefined;
  #filled = 0;
  #isEmpty = true;
  #wakeReader: (() => void) | undefined;

  constructor(createCompressor: () => BlockCompressor, options: BlockOptions = {}) {
    const blockSize = options.blockSize ?? DEFAULT_BLOCK_BYTES;
    super({ readableHighWaterMark: blockSize, writableHighWaterMark: blockSize });
    this.#createCompressor = createCompressor;
    const usual = Math.min(MAX_CONCURRENCY, availableParallelism() + BLOCKS_THAT_WAIT);
    this.#options = { blockSize, concurrency: options.concurrency ?? usual };
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
    // There is a first block, even when there is nothing in it: a file of no bytes is none.
    if (this.#filled > 0 || this.#isEmpty) await this.#start(this.#block ?? Buffer.alloc(0));
    while (this.#compressed.length > 0) await this.#deliver();
    this.#release();
    this.push(null);
  }

  async #start(block: Buffer): Promise<void> {
    const compressor = this.#idle.pop() ?? this.#createCompressor();
    const compressed = compressor.compress(block.subarray(0, this.#filled)).finally(() => {
      if (this.destroyed) compressor.close();
      else this.#idle.push(compressor);
    });
    // A failure is thrown when the block is due; until then it must not count as unhandled.
    compressed.then(
      () => this.#spare.push(block),
      () => undefined,
    );
    this.#compressed.push(compressed);
    this.#block = undefined;
    this.#filled = 0;
    this.#isEmpty = false;
    while (this.#compressed.length >= this.#options.concurrency) await this.#deliver();
  }

  async #deliver(): Promise<void> {
    const pieces = await this.#compressed.shift();
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
