import { Transform, type TransformCallback } from 'node:stream';
import { messageOf } from '../core/errors.js';
import { damaged } from './decompression-failures.js';
import { createFrameDecoder, hasZstd, unpackFrame } from './zstd.js';
import { type FramePiece, ZstdFrames } from './zstd-frames.js';

/** Unpacks zstd, of any number of frames; undefined where Node does not have it. */
export function createZstdDecompressor(chunkSize: number): Transform | undefined {
  return hasZstd() ? new ZstdDecompressor(chunkSize) : undefined;
}

/** Compressed bytes that are gathered of a frame; one that has more is unpacked as it comes. */
const MOST_GATHERED_BYTES = 1280 * 1024;
/** What a gathered frame may unpack to. Frames of ours have 1 MiB. */
const MOST_CONTENT_BYTES = 2 * 1024 * 1024;
/** Frames in work at once. */
const CONCURRENCY = 2;

/**
 * Watches over what Node's decoder does not: that a frame is there to its end, and that nothing else follows. The decoder
 * checks the checksum. Small frames, as they are made here, are unpacked several at once, in their order; each other one by
 * a decoder of its own.
 */
class ZstdDecompressor extends Transform {
  readonly #chunkSize: number;
  readonly #frames = new ZstdFrames();
  /** Of the frame that is coming in. */
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;
  /** Frames in work, in order. */
  readonly #contents: Promise<Buffer>[] = [];
  /** At a large frame. */
  #decoder: FrameDecoder | undefined;
  #wakeReader: (() => void) | undefined;

  constructor(chunkSize: number) {
    super({ readableHighWaterMark: chunkSize, writableHighWaterMark: chunkSize });
    this.#chunkSize = chunkSize;
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#take(piece).then(() => done(), done);
  }

  override _flush(done: TransformCallback): void {
    this.#finish().then(() => done(), done);
  }

  override _read(size: number): void {
    this.#decoder?.resume();
    this.#wakeReader?.();
    super._read(size);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#decoder?.destroy();
    this.#wakeReader?.();
    done(error);
  }

  async #take(piece: Buffer): Promise<void> {
    for (const share of this.#frames.push(piece)) {
      if (share === undefined) {
        await this.#deliverAll();
        throw damaged('trailing-data', 'something follows after its end');
      }
      await this.#takeShare(share);
    }
  }

  async #takeShare({ bytes, isLast }: FramePiece): Promise<void> {
    if (this.#decoder === undefined) {
      this.#gathered.push(bytes);
      this.#gatheredBytes += bytes.length;
      if (!isLast && this.#gatheredBytes <= MOST_GATHERED_BYTES) return;
      const { contentSize } = this.#frames;
      if (isLast && contentSize !== undefined && contentSize <= MOST_CONTENT_BYTES)
        return this.#unpack(this.#takeGathered(), contentSize);
      await this.#deliverAll();
      this.#decoder = new FrameDecoder(this.#chunkSize, (chunk) => this.push(chunk));
      await this.#decoder.write(this.#takeGathered());
    } else await this.#decoder.write(bytes);
    if (!isLast) return;
    await this.#decoder.finish();
    this.#decoder = undefined;
  }

  #takeGathered(): Buffer {
    const all = Buffer.concat(this.#gathered, this.#gatheredBytes);
    this.#gathered = [];
    this.#gatheredBytes = 0;
    return all;
  }

  async #unpack(frame: Buffer, contentSize: number): Promise<void> {
    const content = unpackFrame(frame, contentSize);
    // A failure is thrown when the frame is due; until then it must not count as unhandled.
    content.catch(() => undefined);
    this.#contents.push(content);
    while (this.#contents.length >= CONCURRENCY) await this.#deliver();
  }

  async #deliver(): Promise<void> {
    const content = await this.#contents.shift()?.catch((fault: unknown) => {
      throw damaged('corrupt', messageOf(fault), fault);
    });
    if (content === undefined || this.destroyed || this.push(content)) return;
    await new Promise<void>((resolve) => {
      this.#wakeReader = resolve;
    });
    this.#wakeReader = undefined;
  }

  async #deliverAll(): Promise<void> {
    while (this.#contents.length > 0) await this.#deliver();
  }

  async #finish(): Promise<void> {
    await this.#deliverAll();
    if (!this.#frames.isBetween) throw damaged('truncated', 'it ends too early');
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
