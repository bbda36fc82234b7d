import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { encryptionStream } from '../../archive/age-stream.js';
import { type Compression, compressionStream } from '../../archive/compression.js';
import type { NamedRecipient } from '../../archive/recipients.js';
import { packFiles } from '../../archive/tar.js';
import { GUIDE_PATH } from '../../coolify/stored-paths.js';
import type { Generation } from '../../state/generations.js';
import { MANIFEST } from '../../state/manifest.js';

/**
 * A generation as the bytes of a snapshot: tar, gzip or zstd, age. Files stand in it under the names of the manifest,
 * without a folder around them; the guide and the manifest come first.
 *
 * @throws StateError `archive.compression-unsupported`
 * @returns the encrypted stream and the end of the work behind it; both fail together.
 */
export async function sealGeneration(
  generation: Generation,
  recipients: readonly NamedRecipient[],
  compression: Compression,
  signal: AbortSignal,
): Promise<{ body: Readable; done: Promise<void> }> {
  const first = [GUIDE_PATH, MANIFEST];
  const names = [
    ...first,
    ...generation.manifest.files.map(({ path }) => path).filter((path) => !first.includes(path)),
  ];
  const mtime = new Date(generation.manifest.createdAt);
  const files = await Promise.all(
    names.map(async (path) => ({
      path,
      size: (await stat(join(generation.folder, path))).size,
      mode: 0o600,
      mtime,
    })),
  );
  const encrypted = await encryptionStream(recipients.map(({ recipient }) => recipient));
  const done = pipeline(
    packFiles(generation.folder, files, { signal }),
    compressionStream(compression),
    encrypted,
    { signal },
  );
  done.catch(() => undefined); // whoever reads the body sees the failure; `done` tells it once more
  return { body: encrypted, done };
}
