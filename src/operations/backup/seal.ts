import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { encryptionStream } from '../../archive/age-stream.js';
import { type Compression, compressionStream } from '../../archive/compression.js';
import type { NamedRecipient } from '../../archive/recipients.js';
import { packFiles } from '../../archive/tar.js';
import { sourceAltered } from '../../archive/tar-writer.js';
import { GUIDE_PATH } from '../../coolify/stored-paths.js';
import { errnoOf } from '../../core/errors.js';
import type { Generation } from '../../state/generations.js';
import { MANIFEST } from '../../state/manifest.js';

export interface SealedGeneration {
  /** The encrypted stream. Destroy it when it is not read to its end. */
  readonly body: Readable;
  /** The end of the work behind it: both fail together. */
  readonly done: Promise<void>;
  /** Which part of the files is packed. */
  packedShare(): number;
}

/**
 * A generation as the bytes of a snapshot: tar, gzip or zstd, age. Files stand in it under the names of the manifest,
 * without a folder around them; the guide and the manifest come first. Every file is held against the manifest on the way: what
 * was altered since it was proven is refused, by its size at once and by its hash when it was read.
 *
 * @throws StateError `archive.compression-unsupported`, `archive.source-altered`
 */
export async function sealGeneration(
  generation: Generation,
  recipients: readonly NamedRecipient[],
  compression: Compression,
  signal: AbortSignal,
): Promise<SealedGeneration> {
  const first = [GUIDE_PATH, MANIFEST];
  const names = [
    ...first,
    ...generation.manifest.files.map(({ path }) => path).filter((path) => !first.includes(path)),
  ];
  const mtime = new Date(generation.manifest.createdAt);
  const recorded = new Map(generation.manifest.files.map((file) => [file.path, file]));
  const files = await Promise.all(
    names.map(async (path) => {
      const record = recorded.get(path);
      const { size } = await stat(join(generation.folder, path)).catch((error: unknown) => {
        throw errnoOf(error) === 'ENOENT' ? sourceAltered(path, 'it is gone') : error;
      });
      if (record !== undefined && record.size !== size)
        throw sourceAltered(path, `it has ${size} bytes, ${record.size} were recorded`);
      return { path, size, mode: 0o600, mtime, sha256: record?.sha256 };
    }),
  );
  const total = files.reduce((sum, { size }) => sum + size, 0);
  let packed = 0;
  const onPacked = (bytes: number): void => {
    packed += bytes;
  };
  const encrypted = await encryptionStream(recipients.map(({ recipient }) => recipient));
  const done = pipeline(
    packFiles(generation.folder, files, { signal, onPacked }),
    compressionStream(compression),
    encrypted,
    { signal },
  );
  done.catch(() => undefined); // whoever reads the body sees the failure; `done` tells it once more
  return { body: encrypted, done, packedShare: () => packed / total };
}
