import { lstat, opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../../core/errors.js';

export interface FoundFile {
  /** Relative to the root, joined by `/`. */
  readonly key: string;
  readonly size: number;
  readonly modified: Date;
}

/**
 * Regular files below `root` whose relative path begins with `prefix`. Links are not followed. A root or folder that is
 * not there is empty, and what vanishes meanwhile is passed over.
 */
export async function* filesBelow(
  root: string,
  prefix: string,
  signal?: AbortSignal,
): AsyncGenerator<FoundFile> {
  const pending = [prefix.slice(0, prefix.lastIndexOf('/') + 1)];
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const { name, isFolder } of await entriesOf(join(root, folder))) {
      signal?.throwIfAborted();
      const key = `${folder}${name}`;
      if (isFolder) {
        if (`${key}/`.startsWith(prefix)) pending.push(`${key}/`);
        continue;
      }
      if (!key.startsWith(prefix)) continue;
      const facts = await factsOf(join(root, key));
      if (facts !== undefined) yield { key, ...facts };
    }
  }
}

async function entriesOf(folder: string): Promise<{ name: string; isFolder: boolean }[]> {
  const entries: { name: string; isFolder: boolean }[] = [];
  try {
    for await (const entry of await opendir(folder, { bufferSize: 256 })) {
      if (entry.isDirectory()) entries.push({ name: entry.name, isFolder: true });
      else if (entry.isFile()) entries.push({ name: entry.name, isFolder: false });
    }
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
  return entries;
}

async function factsOf(path: string): Promise<{ size: number; modified: Date } | undefined> {
  try {
    const { size, mtime } = await lstat(path);
    return { size, modified: mtime };
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}
