import type { RemoteEntry } from './files.js';

/** Builds an entry from a full `st_mode`, type bits included (inode(7)). */
export function entryFromMode(
  name: string,
  path: string,
  fullMode: number,
  rest: Pick<RemoteEntry, 'size' | 'uid' | 'gid' | 'mtimeMs'>,
): RemoteEntry {
  return { name, path, type: TYPES.get(fullMode & 0o170000) ?? 'other', mode: fullMode & 0o7777, ...rest };
}

const TYPES: ReadonlyMap<number, RemoteEntry['type']> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
]);
