import type { Duplex, Transform } from 'node:stream';
import { outputOf } from './block-output.js';
import { type BlockCompressor, type BlockOptions, ParallelBlocks } from './parallel-blocks.js';
import { createFrameEncoder, hasZstd } from './zstd.js';
import { ZstdFrames } from './zstd-frames.js';

export interface ZstdOptions extends BlockOptions {
  /** 1 to 19. Higher is smaller and slower; zstd's own default is 3. */
  readonly level?: number;
}

const DEFAULT_LEVEL = 3;
const OUTPUT_BYTES = 64 * 1024;

/**
 * Compresses in blocks, several at once: each becomes a zstd frame with a checksum, and frames in order are one zstd file
 * (RFC 8878, section 3). Undefined where Node does not have zstd.
 */
export function zstdStream({ level = DEFAULT_LEVEL, ...options }: ZstdOptions = {}): Duplex | undefined {
  return hasZstd() ? new ParallelBlocks(() => new ZstdBlockCompressor(level), options) : undefined;
}

class ZstdBlockCompressor implements BlockCompressor {
  readonly #encoder: Transform;

  constructor(level: number) {
    const encoder = createFrameEncoder(level, OUTPUT_BYTES);
    if (encoder === undefined) throw new TypeError('this Node has no zstd');
    this.#encoder = encoder;
  }

  async compress(block: Buffer): Promise<readonly Buffer[]> {
    const pieces = await outputOf(this.#encoder, (done) => this.#encoder.write(block, () => done()));
    if (!isOneFrame(pieces)) throw new Error('zstd gave something else than one frame');
    return pieces;
  }

  close(): void {
    this.#encoder.destroy();
  }
}

/** Costs nothing, and stands for what no version of Node promises: that a write is answered after its last output. */
function isOneFrame(pieces: readonly Buffer[]): boolean {
  const frames = new ZstdFrames();
  const shares = pieces.flatMap((piece) => [...frames.push(piece)]);
  return frames.isBetween && shares.filter((share) => share?.isLast !== false).length === 1;
}
