import type { Duplex } from 'node:stream';
import { StateError } from '../core/errors.js';
import { gzipStream } from './gzip.js';
import { hasZstd } from './zstd.js';
import { zstdStream } from './zstd-block.js';

export type CompressionAlgorithm = 'gzip' | 'zstd';

/** How an archive is compressed. */
export interface Compression {
  readonly algorithm: CompressionAlgorithm;
  /** Of the algorithm: 1 to 9 of gzip, 1 to 19 of zstd. Higher is smaller and slower. */
  readonly level: number;
}

/** Levels that the tools of either algorithm know, and the one that is taken without a word. */
const LEVELS: Readonly<
  Record<CompressionAlgorithm, { readonly least: number; readonly most: number; readonly usual: number }>
> = {
  gzip: { least: 1, most: 9, usual: 2 },
  zstd: { least: 1, most: 19, usual: 3 },
};

export const USUAL_COMPRESSION: Compression = { algorithm: 'gzip', level: LEVELS.gzip.usual };

/** Reads `gzip`, `zstd`, or either with a level: `gzip:9`, `zstd:19`. Undefined for everything else. */
export function parseCompression(text: string): Compression | undefined {
  const [, name, digits] = /^(gzip|zstd)(?::(\d{1,2}))?$/.exec(text) ?? [];
  if (name !== 'gzip' && name !== 'zstd') return undefined;
  const { least, most, usual } = LEVELS[name];
  const level = digits === undefined ? usual : Number(digits);
  return level >= least && level <= most ? { algorithm: name, level } : undefined;
}

/**
 * Says before any work whether this Node can compress so.
 *
 * @throws StateError `archive.compression-unsupported` (kind `usage`)
 */
export function requireCompression({ algorithm }: Pick<Compression, 'algorithm'>): void {
  if (algorithm === 'zstd' && !hasZstd()) throw cannotCompress();
}

/**
 * Compresses an archive into what gzip or zstd unpack in one go.
 *
 * @throws StateError `archive.compression-unsupported` (kind `usage`)
 */
export function compressionStream({ algorithm, level }: Compression): Duplex {
  const stream = algorithm === 'gzip' ? gzipStream({ level }) : zstdStream({ level });
  if (stream === undefined) throw cannotCompress();
  return stream;
}

function cannotCompress(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'archive.compression-unsupported',
    what: 'Archives cannot be compressed with zstd here',
    why: `Node ${process.versions.node} does not have it`,
    next: 'use Node 22.15 or newer, or gzip',
  });
}
