import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Readable } from 'node:stream';

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** Writes a file that must not exist yet, 0600, and gives the SHA-256 (hex) of what was written. */
export async function writeNewFile(path: string, content: Readable): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(path, NEW_FILE, 0o600);
  try {
    for await (const chunk of content) {
      // The disk works while the hash is computed.
      const writing = writeAll(handle, chunk);
      hash.update(chunk);
      await writing;
    }
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

async function writeAll(handle: FileHandle, chunk: Buffer): Promise<void> {
  let written = 0;
  while (written < chunk.length) {
    written += (await handle.write(chunk, written, chunk.length - written)).bytesWritten;
  }
}
