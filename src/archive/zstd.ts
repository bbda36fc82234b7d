import { Transform } from 'node:stream';
import * as zlib from 'node:zlib';

/**
 * Node has zstd since 22.15 (and 23.8); on older ones these give `undefined`. Asked for at run time, because the types
 * are those of the oldest Node that is supported.
 */

export function hasZstd(): boolean {
  return typeof Reflect.get(zlib, 'createZstdCompress') === 'function';
}

/** Unpacks one frame; what Node makes of a frame that is cut, or of more than one, is not to be relied on. */
export function createFrameDecoder(chunkSize: number): Transform | undefined {
  return create('createZstdDecompress', { chunkSize });
}

/** Packs into one zstd frame with a checksum. Level 1 to 19, zstd's own default is 3. */
export function zstdStream({ level = 3 }: { readonly level?: number } = {}): Transform | undefined {
  const { ZSTD_c_compressionLevel: levelKey, ZSTD_c_checksumFlag: checksumKey } = Object.fromEntries(
    Object.entries(zlib.constants),
  );
  if (levelKey === undefined || checksumKey === undefined) return undefined;
  return create('createZstdCompress', {
    chunkSize: 256 * 1024,
    params: { [levelKey]: level, [checksumKey]: 1 },
  });
}

function create(name: string, options: object): Transform | undefined {
  const factory: unknown = Reflect.get(zlib, name);
  if (typeof factory !== 'function') return undefined;
  const made: unknown = Reflect.apply(factory, undefined, [options]);
  return made instanceof Transform ? made : undefined;
}
