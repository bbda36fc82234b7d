import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Readable } from 'node:stream';
import { messageOf, StateError } from '../core/errors.js';
import { makeFolders } from '../core/folders.js';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * Writes a file that must not exist yet, 0600 in folders of 0700, and gives the SHA-256 (hex) of what was written.
 *
 * @throws StateError `archive.write-failed`; errors of the content unchanged
 */
export async function writeNewFile(path: string, content: Readable): Promise<string> {
  const hash = createHash('sha256');
  const handle = await create(path).catch((error: unknown) => {
    throw writeFailed(path, error);
  });
  try {
    for await (const chunk of content) {
      // The disk works while the hash is computed.
      const writing = writeAll(handle, chunk).catch((error: unknown) => {
        throw writeFailed(path, error);
      });
      hash.update(chunk);
      await writing;
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

async function create(path: string): Promise<FileHandle> {
  await makeFolders(dirname(path), 0o700);
  return open(path, NEW_FILE, 0o600);
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten;
  }
}

function writeFailed(path: string, cause: unknown): StateError {
  return new StateError({
    kind: 'failed',
    code: 'archive.write-failed',
    what: `The archive could not be unpacked to ${path}`,
    why: messageOf(cause),
    next: 'check the space and the permissions of that folder',
    cause,
  });
}
