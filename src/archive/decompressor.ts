import { Duplex, type Transform } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { errnoOf, messageOf, StateError } from '../core/errors.js';
import { damaged } from './decompression-failures.js';
import { createZstdDecompressor } from './zstd-decompressor.js';

/** How much of a file tells what it is: the magic of tar ends here. */
const HEAD_BYTES = 263;
const TAR_MAGIC_OFFSET = 257;
const OUTPUT_BYTES = 256 * 1024;

type Format = 'gzip' | 'zstd' | 'tar';

/** What is taken for a bomb: see `DecompressionOptions`. */
export interface DecompressionLimits {
  readonly maxOutputBytes: number;
  readonly maxRatio: number;
  readonly ratioFromBytes: number;
}

/** See `decompressionStream`. */
export class Decompressor extends Duplex {
  readonly #limits: DecompressionLimits;
  #head = Buffer.alloc(0);
  #inner: Transform | undefined;
  /** The archive passes as it is. */
  #isPlain = false;
  #inputBytes = 0;
  #outputBytes = 0;
  #inputEnded = false;
  #wakeReader: (() => void) | undefined;

  constructor(limits: DecompressionLimits) {
    super({ readableHighWaterMark: OUTPUT_BYTES, writableHighWaterMark: OUTPUT_BYTES });
    this.#limits = limits;
  }

  override _write(piece: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#inputBytes += piece.length;
    if (this.#inner !== undefined || this.#isPlain) {
      this.#forward(piece, done);
      return;
    }
    this.#head = Buffer.concat([this.#head, piece]);
    this.#start(formatOf(this.#head, false), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    const finish = (error?: Error | null): void => {
      if (error) done(error);
      else this.#finish(done);
    };
    if (this.#inner !== undefined || this.#isPlain) finish();
    else if (this.#head.length === 0) done(damaged('truncated', 'it is empty'));
    else this.#start(formatOf(this.#head, true), finish);
  }

  override _read(): void {
    this.#inner?.resume();
    this.#wakeReader?.();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#inner?.destroy();
    done(error);
  }

  #start(format: Format | StateError | undefined, done: (error?: Error | null) => void): void {
    if (format === undefined) done();
    else if (format instanceof StateError) done(format);
    else this.#startAs(format, done);
  }

  #startAs(format: Format, done: (error?: Error | null) => void): void {
    if (format === 'tar') this.#isPlain = true;
    else {
      const inner = decompressorFor(format);
      if (inner === undefined) {
        done(zstdUnsupported());
        return;
      }
      this.#inner = this.#connect(inner);
    }
    const head = this.#head;
    this.#head = Buffer.alloc(0);
    this.#forward(head, done);
  }

  #connect(inner: Transform): Transform {
    inner.on('data', (chunk: Buffer) => {
      if (!this.#give(chunk)) inner.pause();
    });
    inner.once('end', () => {
      if (this.#inputEnded) this.push(null);
      else this.destroy(damaged('trailing-data', 'something follows after its end'));
    });
    inner.once('error', (error) => this.destroy(zlibFailure(error)));
    return inner;
  }

  #forward(piece: Buffer, done: (error?: Error | null) => void): void {
    if (this.#inner !== undefined) {
      // On an error the whole stream is destroyed with a better one.
      this.#inner.write(piece, (error) => {
        if (!error) done();
      });
    } else if (this.#give(piece) || this.destroyed) done();
    else {
      this.#wakeReader = () => {
        this.#wakeReader = undefined;
        done();
      };
    }
  }

  #finish(done: (error?: Error | null) => void): void {
    this.#inputEnded = true;
    if (this.#inner === undefined) {
      this.push(null);
      done();
      return;
    }
    this.#inner.once('finish', () => done());
    this.#inner.end();
  }

  #give(chunk: Buffer): boolean {
    this.#outputBytes += chunk.length;
    const excess = this.#excess();
    if (excess === undefined) return this.push(chunk);
    this.destroy(
      new StateError({
        kind: 'proof',
        code: 'archive.limit-exceeded',
        what: 'The archive is larger than is accepted',
        why: excess,
        next: 'check that this is the right archive; by hand, "age -d" and "tar" unpack it whatever its size',
      }),
    );
    return false;
  }

  #excess(): string | undefined {
    const { maxOutputBytes, maxRatio, ratioFromBytes } = this.#limits;
    if (this.#outputBytes > maxOutputBytes) return `it unpacks to more than ${maxOutputBytes} bytes`;
    if (this.#outputBytes > ratioFromBytes && this.#outputBytes > this.#inputBytes * maxRatio)
      return `${this.#inputBytes} bytes of it unpack to more than ${maxRatio} times as many`;
    return undefined;
  }
}

/** What the first bytes are; `undefined` while there are too few to tell. */
function formatOf(head: Buffer, isAll: boolean): Format | StateError | undefined {
  if (head.length < 4 && !isAll) return undefined;
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  if (head.length >= 4 && head.readUInt32LE(0) === 0xfd2fb528) return 'zstd';
  if (head.length < HEAD_BYTES && !isAll) return undefined;
  // An archive without entries is nothing but zeros.
  const isTar = head.toString('latin1', TAR_MAGIC_OFFSET, TAR_MAGIC_OFFSET + 5) === 'ustar';
  if (isTar || (head.length >= HEAD_BYTES && head.subarray(0, HEAD_BYTES).every((byte) => byte === 0)))
    return 'tar';
  return new StateError({
    kind: 'proof',
    code: 'archive.unknown-format',
    what: 'The archive is in no format that is known here',
    why: 'it is neither gzip nor zstd nor tar',
    next: 'check that this is the right file',
  });
}

function decompressorFor(format: 'gzip' | 'zstd'): Transform | undefined {
  return format === 'gzip' ? createGunzip({ chunkSize: OUTPUT_BYTES }) : createZstdDecompressor(OUTPUT_BYTES);
}

function zstdUnsupported(): StateError {
  return new StateError({
    kind: 'failed',
    code: 'archive.zstd-unsupported',
    what: 'The archive cannot be unpacked here',
    why: `it is compressed with zstd, which Node ${process.versions.node} does not have`,
    next: 'use Node 22.15 or newer, or unpack it by hand: age -d -i KEY FILE | zstd -d | tar -x',
  });
}

function zlibFailure(error: Error): StateError {
  if (error instanceof StateError) return error;
  if (error.message === 'incorrect header check') {
    return damaged('trailing-data', 'something follows after its end', error);
  }
  if (errnoOf(error) === 'Z_BUF_ERROR') return damaged('truncated', 'it ends too early', error);
  return damaged('corrupt', messageOf(error), error);
}
