import { Transform, type TransformCallback } from 'node:stream';
import { messageOf } from '../core/errors.js';
import { damaged } from './decompression-failures.js';
import { createFrameDecoder, hasZstd } from './zstd.js';
import { ZstdFrames } from './zstd-frames.js';

/** Unpacks zstd, of any number of frames; undefined where Node does not have it. */
export function createZstdDecompressor(chunkSize: number): Transform | undefined {
  return hasZstd() ? new ZstdDecompressor(chunkSize) : undefined;
}

/**
 * Gives each frame to a decoder of its own, and watches over what Node's does not: that a frame is there to its end, and
 * that nothing else follows. The decoder checks the checksum.
 */
class ZstdDecompressor extends Transform {
  readonly #chunkSize: number;
  readonly #frames = new ZstdFrames();
  #decoder: FrameDecoder | undefined;

  constructor(chunkSize: number) {
    super({ readableHighWaterMark: chunkSize, writableHighWaterMark: chunkSize });
    this.#chunkSize = chunkSize;
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#take(piece).then(() => done(), done);
  }

  override _flush(done: TransformCallback): void {
    done(this.#frames.isBetween ? null : damaged('truncated', 'it ends too early'));
  }

  override _read(size: number): void {
    this.#decoder?.resume();
    super._read(size);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#decoder?.destroy();
    done(error);
  }

  async #take(piece: Buffer): Promise<void> {
    for (const share of this.#frames.push(piece)) {
      if (share === undefined) throw damaged('trailing-data', 'something follows after its end');
      this.#decoder ??= new FrameDecoder(this.#chunkSize, (chunk) => this.push(chunk));
      await this.#decoder.write(share.bytes);
      if (!share.isLast) continue;
      await this.#decoder.finish();
      this.#decoder = undefined;
    }
  }
}

/** One of Node's decoders, at one frame. */
class FrameDecoder {
  readonly #inner: Transform;
  readonly #ended: Promise<void>;
  #isOver = false;
  #fault: Error | undefined;

  /** `give` takes output and tells whether there is room for more. */
  constructor(chunkSize: number, give: (chunk: Buffer) => boolean) {
    const inner = createFrameDecoder(chunkSize);
    if (inner === undefined) throw new TypeError('this Node has no zstd');
    this.#inner = inner;
    inner.on('data', (chunk: Buffer) => {
      if (!give(chunk)) inner.pause();
    });
    this.#ended = new Promise((resolve) => {
      const over = (fault?: Error): void => {
        this.#isOver = true;
        this.#fault ??= fault;
        resolve();
      };
      inner.once('error', over);
      inner.once('end', () => over());
      inner.once('close', () => over());
    });
  }

  /** Node's decoder may end with the last bytes of a frame still to come in: nothing in them is missed. */
  async write(bytes: Buffer): Promise<void> {
    if (this.#isOver) return this.#check();
    const taken = new Promise<void>((resolve) => this.#inner.write(bytes, () => resolve()));
    await Promise.race([taken, this.#ended]);
    this.#check();
  }

  async finish(): Promise<void> {
    if (!this.#isOver) this.#inner.end();
    await this.#ended;
    this.#check();
  }

  resume(): void {
    this.#inner.resume();
  }

  destroy(): void {
    this.#inner.destroy();
  }

  #check(): void {
    if (this.#fault !== undefined) throw damaged('corrupt', messageOf(this.#fault), this.#fault);
  }
}
