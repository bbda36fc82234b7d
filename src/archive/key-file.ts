import { open } from 'node:fs/promises';
import { errnoOf, messageOf, StateError } from '../core/errors.js';

/** Large enough for any key and for long lists of recipients; small enough to hold in memory. */
const MAX_KEY_FILE_BYTES = 4 * 1024 * 1024;

/**
 * The first of the paths at which something is.
 *
 * @throws StateError `key-file.missing`
 */
export async function findKeyFile(...paths: readonly string[]): Promise<string> {
  for (const path of paths) {
    try {
      await (await open(path, 'r')).close();
      return path;
    } catch (error) {
      const code = errnoOf(error);
      if (code !== 'ENOENT' && code !== 'ENOTDIR') return path;
    }
  }
  throw new StateError({
    kind: 'usage',
    code: 'key-file.missing',
    what: `There is no key file ${paths.join(' or ')}`,
    next: 'check the path that names the key',
  });
}

/**
 * Reads a whole key file as latin1, so that binary files survive.
 *
 * @throws StateError `key-file.missing`, `key-file.unreadable`, `key-file.too-large`
 */
export async function readKeyFile(path: string): Promise<string> {
  const bytes = await readBounded(path);
  if (bytes.length > MAX_KEY_FILE_BYTES) {
    throw new StateError({
      kind: 'usage',
      code: 'key-file.too-large',
      what: `${path} is too large for a key file`,
      next: 'check the path that names the key',
    });
  }
  return bytes.toString('latin1');
}

async function readBounded(path: string): Promise<Buffer> {
  try {
    await using handle = await open(path, 'r');
    const buffer = Buffer.alloc(MAX_KEY_FILE_BYTES + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) return buffer.subarray(0, length);
    }
  } catch (cause) {
    const missing = errnoOf(cause) === 'ENOENT';
    throw new StateError({
      kind: 'usage',
      code: missing ? 'key-file.missing' : 'key-file.unreadable',
      what: `The key file ${path} cannot be read`,
      why: messageOf(cause),
      next: 'check the path and its permissions',
      cause,
    });
  }
}
