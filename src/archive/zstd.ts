import { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/**
 * Node has zstd since 22.15 (and 23.8); on older ones these give `undefined`. Asked for at run time, because the types
 * are those of the oldest Node that is supported.
 */

export function hasZstd(): boolean {
  return typeof Reflect.get(zlib, 'createZstdCompress') === 'function';
}

/** The least that zlib takes. */
const LEAST_CHUNK_BYTES = 64;

/** Unpacks one frame; what Node makes of a frame that is cut, or of more than one, is not to be relied on. */
export function createFrameDecoder(chunkSize: number): Transform | undefined {
  return create('createZstdDecompress', { chunkSize });
}

/** Unpacks a frame that is there as a whole, and says how much it holds. In libuv's thread pool. */
export function unpackFrame(frame: Buffer, contentSize: number): Promise<Buffer> {
  const unpack: unknown = Reflect.get(zlib, 'zstdDecompress');
  return new Promise((resolve, reject) => {
    if (typeof unpack !== 'function') throw new TypeError('this Node has no zstd');
    const options = { chunkSize: Math.max(contentSize, LEAST_CHUNK_BYTES), maxOutputLength: contentSize + 1 };
    Reflect.apply(unpack, undefined, [
      frame,
      options,
      (fault: Error | null, content: Buffer) => (fault === null ? resolve(content) : reject(fault)),
    ]);
  });
}

/**
 * Makes one frame, with a checksum, of each buffer that is written: zstd sees a buffer as a whole then, and neither copies
 * it nor takes its slower path for what lies in two places.
 */
export function createFrameEncoder(level: number, chunkSize: number): Transform | undefined {
  const {
    ZSTD_c_compressionLevel: levelKey,
    ZSTD_c_checksumFlag: checksumKey,
    ZSTD_e_end: endOfFrame,
  } = Object.fromEntries(Object.entries(zlib.constants));
  if (levelKey === undefined || checksumKey === undefined) return undefined;
  const params = { [levelKey]: level, [checksumKey]: 1 };
  return create('createZstdCompress', { chunkSize, params, flush: endOfFrame });
}

function create(name: string, options: object): Transform | undefined {
  const factory: unknown = Reflect.get(zlib, name);
  if (typeof factory !== 'function') return undefined;
  const made: unknown = Reflect.apply(factory, undefined, [options]);
  return made instanceof Transform ? made : undefined;
}
