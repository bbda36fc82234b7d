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
    return firstFrame(await outputOf(this.#encoder, (done) => this.#encoder.write(block, () => done())));
  }

  close(): void {
    this.#encoder.destroy();
  }
}

/**
 * Without the empty frame that follows now and then: where a frame fills Node's buffer to its last byte, Node asks for more,
 * and zstd begins anew. Which block that meets depends on those before it; the same input shall make the same bytes.
 */
function firstFrame(pieces: readonly Buffer[]): Buffer[] {
  const frames = new ZstdFrames();
  const first: Buffer[] = [];
  let ended = 0;
  for (const piece of pieces) {
    for (const share of frames.push(piece)) {
      if (share === undefined || (ended > 0 && share.isLast && frames.contentSize !== 0))
        throw new Error('zstd made something else than one frame of a block');
      if (ended === 0) first.push(share.bytes);
      if (share.isLast) ended++;
    }
  }
  if (!frames.isBetween || ended === 0) throw new Error('zstd did not end the frame of a block');
  return first;
}
