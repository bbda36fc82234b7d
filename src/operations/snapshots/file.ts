import { type FileHandle, open, stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { isLegacyArchive, LEGACY_HEAD_BYTES } from '../../archive/legacy-openssl.js';
import { errnoOf, messageOf, StateError } from '../../core/errors.js';

/** A snapshot as a file on this machine. The stream is the caller's to consume or destroy. */
export interface SnapshotFile {
  readonly body: Readable;
  /** Its first bytes, enough to tell what it is and which password opens an archive of the replaced role. */
  readonly head: Buffer;
  /** Whether the replaced role made it (`openssl enc`). */
  readonly legacy: boolean;
  readonly size: number;
  readonly modified: Date;
}

const READ_BYTES = 256 * 1024;

/** @throws StateError `restore.no-file` (kind `usage`) */
export async function openSnapshotFile(path: string): Promise<SnapshotFile> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path);
    const { mtime, size } = await handle.stat();
    const head = Buffer.alloc(LEGACY_HEAD_BYTES);
    const { bytesRead } = await handle.read(head, 0, head.length, 0);
    const start = head.subarray(0, bytesRead);
    return {
      body: handle.createReadStream({ start: 0, highWaterMark: READ_BYTES }),
      head: start,
      legacy: isLegacyArchive(start),
      size,
      modified: mtime,
    };
  } catch (error) {
    await handle?.close();
    throw new StateError({
      kind: 'usage',
      code: 'restore.no-file',
      what: `The snapshot file ${path} cannot be read`,
      why: errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error),
      next: 'check the path',
      cause: error,
    });
  }
}

export async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}
