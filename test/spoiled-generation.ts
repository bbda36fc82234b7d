import { createHash, randomBytes } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Generation } from '../src/state/generations.js';
import { type Manifest, renderManifest } from '../src/state/manifest.js';

/** What can be wrong with a snapshot although every checksum fits. */
export type Spoiling = 'dump' | 'key archive' | 'APP_KEY';

/** Which files of a generation are changed, and how. */
const CHANGES: Readonly<Record<Spoiling, Readonly<Record<string, (content: Buffer) => Buffer>>>> = {
  dump: { 'backups/coolify/coolify_db.dump': (content) => content.subarray(0, content.length >> 1) },
  'key archive': {
    'backups/coolify/coolify_ssh_keys.tar.gz': (content) => content.subarray(0, content.length >> 1),
  },
  APP_KEY: {
    'backups/coolify/APP_KEY': otherKey,
    'backups/coolify/.env': (content) =>
      Buffer.from(content.toString().replace(/^APP_KEY=.*$/m, `APP_KEY=${OTHER_KEY}`)),
  },
};

const OTHER_KEY = `base64:${randomBytes(32).toString('base64')}`;

function otherKey(): Buffer {
  return Buffer.from(OTHER_KEY);
}

/** Spoils a generation and writes its manifest anew, so that all that is said of its files is true. */
export async function spoil(generation: Generation, spoiling: Spoiling): Promise<Generation> {
  const changed = new Map<string, Buffer>();
  for (const [path, change] of Object.entries(CHANGES[spoiling])) {
    const content = change(await readFile(join(generation.folder, path)));
    await writeFile(join(generation.folder, path), content);
    changed.set(path, content);
  }
  const files = generation.manifest.files.map((file) => {
    const content = changed.get(file.path);
    if (content === undefined) return file;
    const sha256 = createHash('sha256').update(content).digest('hex');
    return { ...file, size: content.length, sha256 };
  });
  const manifest: Manifest = { ...generation.manifest, files };
  await writeFile(join(generation.folder, 'manifest.json'), renderManifest(manifest));
  return { ...generation, manifest };
}
