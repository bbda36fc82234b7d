import { randomUUID } from 'node:crypto';
import { type FileHandle, link, open, rename, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { errnoOf } from '../../core/errors.js';
import { makeFolders } from '../../core/folders.js';
import { TEMPORARY_PREFIX } from '../keys.js';
import { MeteredStream } from '../metered-stream.js';

export interface NewFileOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Writes chunks to a file that does not exist yet: into a temporary file beside it, synced, then linked into place, so
 * that it appears whole or not at all and never replaces another. Missing folders are made. Files are 0600, folders 0700.
 * On failure nothing is left. Throws the system's errors; `EEXIST` when the name is taken.
 */
export async function writeNewFile(
  path: string,
  body: AsyncIterable<Buffer>,
  { signal, onProgress }: NewFileOptions = {},
): Promise<{ readonly size: number; readonly sha256: string }> {
  await makeFolder(dirname(path));
  const temporary = join(dirname(path), `${TEMPORARY_PREFIX}${randomUUID()}`);
  try {
    const meter = new MeteredStream(onProgress);
    const file = await open(temporary, 'wx', 0o600);
    try {
      await pipeline(body, meter, (chunks) => writeAll(file, chunks), signal === undefined ? {} : { signal });
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    await placeNew(temporary, path);
    return { size: meter.bytes, sha256: meter.sha256 };
  } finally {
    await unlinkIfThere(temporary);
    await syncFolder(dirname(path));
  }
}

/**
 * Gives a finished file its name, only if the name is free. Where the file system has no hard links (exFAT, some network
 * mounts), the name is claimed with an empty file first and the rename replaces that.
 * `linkFile` is there for tests, which have no such file system.
 */
export async function placeNew(temporary: string, path: string, linkFile = link): Promise<void> {
  try {
    await linkFile(temporary, path);
    return;
  } catch (error) {
    if (!NO_HARD_LINKS.has(errnoOf(error) ?? '')) throw error;
  }
  await (await open(path, 'wx', 0o600)).close();
  try {
    await rename(temporary, path);
  } catch (error) {
    await unlinkIfThere(path);
    throw error;
  }
}

/** A folder and its missing parents, whose names outlast a power cut as what is put into them does. */
async function makeFolder(path: string): Promise<void> {
  const made = await makeFolders(path, 0o700);
  if (made === undefined) return;
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    await syncFolder(dirname(folder));
    if (folder === resolve(made) || folder === dirname(folder)) return;
  }
}

/** When a file is written into a folder at this moment, as its file system stamps it. The folder is made; no file is left. */
export async function stampOfNewFile(folder: string): Promise<Date> {
  await makeFolders(folder, 0o700);
  const temporary = join(folder, `${TEMPORARY_PREFIX}${randomUUID()}`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      return (await file.stat()).mtime;
    } finally {
      await file.close();
    }
  } finally {
    await unlinkIfThere(temporary);
  }
}

async function writeAll(file: FileHandle, source: AsyncIterable<Buffer>): Promise<void> {
  for await (const chunk of source) {
    for (let written = 0; written < chunk.length; ) {
      written += (await file.write(chunk, written)).bytesWritten;
    }
  }
}

async function unlinkIfThere(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error;
  }
}

/** Makes changes of names in a folder last. Some network file systems refuse that, and have nothing to offer instead. */
export async function syncFolder(path: string): Promise<void> {
  try {
    const folder = await open(path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  } catch (error) {
    if (!['EINVAL', 'ENOTSUP', 'EISDIR', 'EPERM', 'EACCES', 'ENOENT'].includes(errnoOf(error) ?? ''))
      throw error;
  }
}

const NO_HARD_LINKS: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);
