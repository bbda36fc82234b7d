import { promisify } from 'node:util';
import { constants, crc32, createDeflateRaw, type DeflateRaw, deflateRaw, gzip } from 'node:zlib';
import { outputOf } from './block-output.js';
import type { BlockCompressor } from './parallel-blocks.js';

/** These, as the streams below, run in libuv's thread pool. */
const gzipAsync = promisify(gzip);
const deflateAsync = promisify(deflateRaw);

/** Of a member's header (RFC 1952, section 2.3): the method, where two bytes stand, and "unknown". */
const DEFLATE = 8;
const EXTRA_OFFSET = 8;
const OS_OFFSET = 9;
const OS_UNKNOWN = 255;
/** Twice zlib's usual memory for what it looks up: a tenth faster for a quarter MiB more. */
const MEMORY_LEVEL = 9;
const OUTPUT_BYTES = 64 * 1024;
/** Header, trailer and the frames of stored data are smaller than this, so that one output buffer is always enough. */
const MEMBER_OVERHEAD_BYTES = 1024;
const PROBE_SLICES = 8;
const PROBE_SLICE_BYTES = 4096;
/** A sample is small: with less memory than usual zlib is set up sooner than with its own 256 KiB. */
const PROBE_OPTIONS = { level: 1, windowBits: 12, memLevel: 5 };
/** A sample that keeps more than this of its size is not worth compressing. */
const PROBE_RATIO = 0.98;

/**
 * Makes gzip members of blocks, one at a time. What does not shrink is stored: random data, and dumps that are compressed
 * already, cost a copy and a checksum then, and not twenty times that. A sample of the block decides; zlib is right in the
 * end.
 *
 * zlib's state is kept from block to block, and its output comes in pieces as it is made: a fresh state and a buffer of
 * the block's size for each had V8 collect garbage for a tenth of the time.
 */
export class GzipBlockCompressor implements BlockCompressor {
  readonly #level: number;
  #deflate: DeflateRaw | undefined;

  constructor(level: number) {
    this.#level = level;
  }

  async compress(block: Buffer): Promise<readonly Buffer[]> {
    if (!(await seemsCompressible(block))) return [await stored(block)];
    const pieces = await this.#deflated(block);
    const size = pieces.reduce((sum, piece) => sum + piece.length, 0);
    return size < block.length ? pieces : [await stored(block)];
  }

  close(): void {
    this.#deflate?.destroy();
  }

  async #deflated(block: Buffer): Promise<Buffer[]> {
    const settings = { level: this.#level, memLevel: MEMORY_LEVEL, chunkSize: OUTPUT_BYTES };
    this.#deflate ??= createDeflateRaw(settings);
    const stream = this.#deflate;
    const pieces = await outputOf(stream, (done) => {
      stream.write(block);
      stream.flush(constants.Z_FINISH, done);
    });
    // The next block begins anew.
    stream.reset();
    return [header(this.#level), ...pieces, trailer(block)];
  }
}

/** No time, no name, no operating system: the same input makes the same bytes (RFC 1952, section 2.3). */
function header(level: number): Buffer {
  const bytes = Buffer.from([0x1f, 0x8b, DEFLATE, 0, 0, 0, 0, 0, 0, OS_UNKNOWN]);
  // What zlib says of its slowest and its fastest.
  bytes[EXTRA_OFFSET] = level === 9 ? 2 : level === 1 ? 4 : 0;
  return bytes;
}

/** Checksum and size of what was compressed. */
function trailer(block: Buffer): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt32LE(crc32(block), 0);
  bytes.writeUInt32LE(block.length, 4);
  return bytes;
}

async function stored(block: Buffer): Promise<Buffer> {
  const framing = MEMBER_OVERHEAD_BYTES + Math.ceil(block.length / 1024);
  const bytes = await gzipAsync(block, { level: 0, chunkSize: block.length + framing });
  bytes[OS_OFFSET] = OS_UNKNOWN;
  return bytes;
}

async function seemsCompressible(block: Buffer): Promise<boolean> {
  if (block.length <= PROBE_SLICES * PROBE_SLICE_BYTES) return true;
  const step = Math.floor((block.length - PROBE_SLICE_BYTES) / (PROBE_SLICES - 1));
  const slices = Array.from({ length: PROBE_SLICES }, (_, index) =>
    block.subarray(index * step, index * step + PROBE_SLICE_BYTES),
  );
  const sample = Buffer.concat(slices);
  const compressed = await deflateAsync(sample, {
    ...PROBE_OPTIONS,
    chunkSize: sample.length + MEMBER_OVERHEAD_BYTES,
  });
  return compressed.length < sample.length * PROBE_RATIO;
}
