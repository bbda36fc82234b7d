import { createHash, type Hash, randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { chmod, type FileHandle, open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Writable } from 'node:stream';
import { errnoOf } from '../core/errors.js';
import { makeFolders } from '../core/folders.js';
import { writeFailure } from './write-failures.js';

/** Folders of state are for their owner alone. */
export const FOLDER_MODE = 0o700;
/** Files of state are for their owner alone, whatever they were on the host (the manifest keeps that). */
export const FILE_MODE = 0o600;

export interface WrittenFile {
  readonly size: number;
  readonly sha256: string;
}

/**
 * Makes a folder and its missing parents, private from the first moment, and so that a power cut leaves them there: what is
 * synced in a folder without a name is lost.
 * @throws StateError as `writeFailure` has them: `state.disk-full`, `state.read-only`, `state.forbidden`, `state.disk-broken`
 */
export async function makePrivateFolder(path: string): Promise<void> {
  try {
    const made = await makeFolders(path, FOLDER_MODE);
    if (made !== undefined) await syncNewFolders(made, path);
  } catch (error) {
    throw writeFailure(error, path);
  }
}

/** Makes the names of new folders last, from the first one that was missing down to the last. */
async function syncNewFolders(first: string, last: string): Promise<void> {
  const top = resolve(first);
  for (let folder = resolve(last); ; folder = dirname(folder)) {
    // The parent of the first one may be somebody else's, whose names we may not read.
    await syncFolder(dirname(folder)).catch((error: unknown) => {
      if (folder !== top || !['EACCES', 'EPERM', 'EINVAL', 'ENOTSUP'].includes(errnoOf(error) ?? ''))
        throw error;
    });
    if (folder === top || folder === dirname(folder)) return;
  }
}

/**
 * Writes a new private file from a stream, hashing as it goes: `sink` is fed by a pipeline, `result` is there
 * once that has finished. An existing file is an error (`EEXIST`); nothing is ever overwritten. A full disk
 * is StateError `state.disk-full`.
 */
export class PrivateFileWriter extends Writable {
  readonly #path: string;
  readonly #hash: Hash = createHash('sha256');
  #handle: FileHandle | undefined;
  #size = 0;
  #sha256: string | undefined;

  constructor(path: string) {
    super({ highWaterMark: 1024 * 1024, decodeStrings: true });
    this.#path = path;
  }

  /** Size and hash of what was written. Only after the stream has finished. */
  result(): WrittenFile {
    if (this.#sha256 === undefined) throw new Error('the file is still being written');
    return { size: this.#size, sha256: this.#sha256 };
  }

  override _construct(callback: (error?: Error | null) => void): void {
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | constants.O_NOFOLLOW;
    const opening = makePrivateFolder(dirname(this.#path)).then(async () => {
      this.#handle = await open(this.#path, flags, FILE_MODE);
    });
    this.#settle(opening, callback);
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#settle(this.#append([chunk]), callback);
  }

  override _writev(
    chunks: { chunk: Buffer; encoding: BufferEncoding }[],
    callback: (error?: Error | null) => void,
  ): void {
    this.#settle(this.#append(chunks.map(({ chunk }) => chunk)), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#sha256 = this.#hash.digest('hex');
    this.#settle(this.#handle?.sync() ?? Promise.resolve(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle === undefined) callback(error);
    else handle.close().then(() => callback(error), callback);
  }

  #settle(work: Promise<void>, callback: (error?: Error | null) => void): void {
    work.then(
      () => callback(),
      (error: unknown) => callback(writeFailure(error, this.#path)),
    );
  }

  async #append(chunks: readonly Buffer[]): Promise<void> {
    for (const chunk of chunks) this.#hash.update(chunk);
    let left = chunks;
    while (left.length > 0) {
      // Destroyed in the middle: nobody waits for the rest.
      if (this.#handle === undefined) throw new Error(`${this.#path} was closed before all was written`);
      const { bytesWritten } = await this.#handle.writev(left.slice(0, AT_ONCE));
      this.#size += bytesWritten;
      left = after(left, bytesWritten);
    }
  }
}

/** What one system call takes (IOV_MAX). */
const AT_ONCE = 1024;

/** What is left of chunks when so many bytes of them are done with. */
function after(chunks: readonly Buffer[], bytes: number): Buffer[] {
  let done = bytes;
  return chunks.flatMap((chunk) => {
    const rest = chunk.subarray(done);
    done -= chunk.length - rest.length;
    return rest.length > 0 ? [rest] : [];
  });
}

/**
 * Puts a small private file in place in one step (temporary neighbour, sync, rename, sync of the folder).
 * @throws StateError `state.disk-full`
 */
export async function replacePrivateFile(path: string, content: string): Promise<void> {
  const temporary = join(dirname(path), `.${randomBytes(6).toString('hex')}.tmp`);
  try {
    const handle = await open(temporary, 'wx', FILE_MODE);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw writeFailure(error, path);
  }
}

/** Makes renames and creations in a folder survive a power cut. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Sets every folder below (and with) `root` to 0700, every file to 0600, and syncs all folders. */
export async function sealTree(root: string): Promise<void> {
  await chmod(root, FOLDER_MODE);
  for (const entry of await readdir(root, { withFileTypes: true })) {
    const path = join(root, entry.name);
    if (entry.isDirectory()) await sealTree(path);
    else await chmod(path, FILE_MODE);
  }
  await syncFolder(root);
}
