import { mkdir, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf } from './errors.js';

/**
 * Makes a folder and the parents that it lacks.
 *
 * Node's own `mkdir` with `recursive` says ENOENT when a disk is full, out of inodes or read-only: the asynchronous one looks at
 * the folder that it could not make, and throws what that look said (`MKDirpAsync` in Node's src/node_file.cc). Nobody could
 * tell the user why. And both of its kinds try for ever below `/proc`, where a folder is there and takes none.
 *
 * @param mode of each new folder, less the umask
 * @returns the first that was missing; undefined when all were there
 * @throws the system's error for the folder that could not be made; `EEXIST` or `ENOTDIR` when something else has its name
 */
export async function makeFolders(path: string, mode = 0o777): Promise<string | undefined> {
  try {
    await mkdir(path, { mode });
    return path;
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') return await acceptFolder(path, error);
  }
  const parent = dirname(path);
  const first = parent === path ? undefined : await makeFolders(parent, mode);
  try {
    await mkdir(path, { mode });
    return first ?? path;
  } catch (error) {
    // Others may have made it by now.
    await acceptFolder(path, error);
    return first;
  }
}

/** A folder that is there already is what was wanted, whatever the system said first. */
async function acceptFolder(path: string, error: unknown): Promise<undefined> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() !== true) throw error;
}
