import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';

/** How much of an archive is read before it is taken for a bomb. */
export interface ArchiveLimits {
  /** Entries, folders included. */
  readonly files: number;
  /** Bytes of all files together. */
  readonly bytes: number;
  /** Bytes of one file. */
  readonly fileBytes: number;
  /** Bytes of one path. */
  readonly pathBytes: number;
}

/** Far above what any controller holds. */
export const DEFAULT_LIMITS: ArchiveLimits = {
  files: 200_000,
  bytes: 4 * 1024 ** 4,
  fileBytes: 2 * 1024 ** 4,
  pathBytes: 4096,
};

const MAX_NAME_BYTES = 255;

/**
 * The relative path that an entry's name means: without `./`, doubled or trailing slashes; `.` for the root itself.
 *
 * @throws StateError `archive.unsafe-entry` for absolute paths, `..`, NUL, names that are no UTF-8 and absurd lengths
 */
export function relativePath(name: string, limits: ArchiveLimits): string {
  if (name === '') throw unsafe(name, 'it has no name');
  if (name.startsWith('/')) throw unsafe(name, 'its path is absolute');
  if (name.includes('\0')) throw unsafe(name, 'its name holds a NUL');
  if (name.includes('\ufffd')) throw unsafe(name, 'its name is not UTF-8');
  if (Buffer.byteLength(name) > limits.pathBytes) throw unsafe(name, 'its path is too long');
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw unsafe(name, 'its path leads out of the archive');
  if (parts.some((part) => Buffer.byteLength(part) > MAX_NAME_BYTES))
    throw unsafe(name, 'its name is too long');
  return parts.length === 0 ? '.' : parts.join('/');
}

/** Counts what an archive holds and stops at the limits. */
export class EntryCounter {
  readonly #limits: ArchiveLimits;
  #files = 0;
  #bytes = 0;

  constructor(limits: ArchiveLimits) {
    this.#limits = limits;
  }

  /** `@throws StateError` `archive.limit-exceeded` */
  add(path: string, size: number): void {
    this.#files++;
    this.#bytes += size;
    const { files, bytes, fileBytes } = this.#limits;
    if (!Number.isSafeInteger(size) || size < 0) throw unsafe(path, 'its size is absurd');
    if (this.#files > files) throw limitExceeded(`it holds more than ${files} entries`);
    if (size > fileBytes) throw limitExceeded(`${printable(path)} has more than ${fileBytes} bytes`);
    if (this.#bytes > bytes) throw limitExceeded(`its files have more than ${bytes} bytes`);
  }
}

/**
 * Remembers what stands where in a folder that an archive is written to. Names that differ only in case or in how
 * Unicode composes them are one name, as they are on some file systems.
 */
export class PathRegister {
  readonly #kinds = new Map<string, 'file' | 'directory'>();

  /** Enters a file and its folders. `@throws StateError` `archive.unsafe-entry` */
  addFile(path: string): void {
    if (path === '.') throw unsafe(path, 'a file cannot be the folder itself');
    this.addDirectory(path.split('/').slice(0, -1).join('/'));
    const known = this.#kinds.get(folded(path));
    if (known !== undefined)
      throw unsafe(path, known === 'file' ? 'it comes twice' : 'it is a folder as well');
    this.#kinds.set(folded(path), 'file');
  }

  /** Enters a folder and those above it. `@throws StateError` `archive.unsafe-entry` */
  addDirectory(path: string): void {
    const parts = path.split('/').filter((part) => part !== '' && part !== '.');
    for (let depth = parts.length; depth > 0; depth--) {
      const folder = parts.slice(0, depth).join('/');
      const known = this.#kinds.get(folded(folder));
      if (known === 'file') throw unsafe(path, `${printable(folder)} is a file as well`);
      if (known === 'directory') return;
      this.#kinds.set(folded(folder), 'directory');
    }
  }
}

export function unsafe(name: string, why: string): StateError {
  const shown = printable(name.length > 200 ? `${name.slice(0, 200)}...` : name);
  return new StateError({
    kind: 'proof',
    code: 'archive.unsafe-entry',
    what: `The archive holds an entry that is not accepted: "${shown}"`,
    why,
    next: 'do not use this archive; it was not made by this program, or was changed',
  });
}

function limitExceeded(why: string): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.limit-exceeded',
    what: 'The archive is larger than is accepted',
    why,
    next: 'check that this is the right archive',
  });
}

function folded(path: string): string {
  return path.normalize('NFC').toLowerCase();
}
