import { promisify } from 'node:util';
import { deflateRaw, gzip } from 'node:zlib';

/** Both run in libuv's thread pool. */
const gzipAsync = promisify(gzip);
const deflateAsync = promisify(deflateRaw);

/** Where the operating system stands in a member's header (RFC 1952, section 2.3), and the value for "unknown". */
const OS_OFFSET = 9;
const OS_UNKNOWN = 255;
/** Header, trailer and the frames of stored data are smaller than this, so that one output buffer is always enough. */
const MEMBER_OVERHEAD_BYTES = 1024;
const PROBE_SLICES = 8;
const PROBE_SLICE_BYTES = 4096;
/** A sample that keeps more than this of its size is not worth compressing. */
const PROBE_RATIO = 0.98;

/**
 * One gzip member of a block. What does not shrink is stored: random data, and dumps that are compressed already, cost
 * a copy and a checksum then, and not twenty times that. A sample of the block decides; zlib is right in the end.
 */
export async function gzipBlock(block: Buffer, level: number): Promise<Buffer> {
  if (!(await seemsCompressible(block))) return member(block, 0);
  const compressed = await member(block, level);
  return compressed.length < block.length ? compressed : member(block, 0);
}

async function member(block: Buffer, level: number): Promise<Buffer> {
  const framing = MEMBER_OVERHEAD_BYTES + Math.ceil(block.length / 1024);
  const bytes = await gzipAsync(block, { level, chunkSize: block.length + framing });
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
  const compressed = await deflateAsync(sample, { level: 1, chunkSize: sample.length * 2 });
  return compressed.length < sample.length * PROBE_RATIO;
}
