import type { Duplex } from 'node:stream';
import { Decompressor } from './decompressor.js';
import { GzipBlockCompressor } from './gzip-block.js';
import { type BlockOptions, ParallelBlocks } from './parallel-blocks.js';

/** How an archive is compressed. The output is always one gzip file for every tool there is. */
export interface GzipOptions extends BlockOptions {
  /** zlib's level, 1 to 9. Higher is smaller and slower. */
  readonly level?: number;
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
/** gzip alone reaches 1,032 with zeros; logs and dumps reach 30. */
const MAX_RATIO = 500;
const RATIO_FROM_BYTES = 1024 ** 3;

/**
 * Compresses in blocks, several at once: each becomes a gzip member, and members in order are one gzip file (RFC 1952,
 * section 2.2). The same input makes the same bytes: no time, no name, no operating system in it.
 */
export function gzipStream(options: GzipOptions = {}): Duplex {
  const level = options.level ?? DEFAULT_LEVEL;
  return new ParallelBlocks(() => new GzipBlockCompressor(level), options);
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
