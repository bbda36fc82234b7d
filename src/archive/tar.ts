import { constants } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { messageOf, StateError } from '../core/errors.js';
import { writeNewFile } from './new-file.js';
import { parseTar } from './tar-parser.js';
import {
  type ArchiveLimits,
  DEFAULT_LIMITS,
  EntryCounter,
  PathRegister,
  relativePath,
  unsafe,
} from './tar-rules.js';
import { writeTar } from './tar-writer.js';

/** What an entry is. `other` are devices, pipes, sparse files and whatever else tar may know. */
export type EntryType = 'file' | 'directory' | 'symlink' | 'link' | 'other';

export interface EntryHeader {
  /** Relative, without `./` and trailing slash when read; `.` is the root itself. Written as it is given. */
  readonly path: string;
  readonly type: EntryType;
  /** Bytes of content. */
  readonly size: number;
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Owner and group by name, empty when unknown. */
  readonly uname: string;
  readonly gname: string;
  /** Seconds since the epoch. */
  readonly mtime: number;
  /** What a link points to: untrusted text, never followed here. */
  readonly linkname?: string;
}

/** An entry to write. A buffer or stream has exactly `header.size` bytes. */
export interface TarEntry {
  readonly header: EntryHeader;
  readonly content: Buffer | Readable;
  /** Hex; what the content must hash to, where that is known. */
  readonly sha256?: string | undefined;
}

/** A file to pack. */
export interface PackFile {
  /** Relative to the root, and the name in the archive. */
  readonly path: string;
  /** Bytes it must have. */
  readonly size: number;
  readonly mode: number;
  readonly mtime: Date;
  /** Hex; what it must hash to, where that is known. */
  readonly sha256?: string | undefined;
}

/** A file that was unpacked. */
export interface ExtractedFile {
  /** Relative to the target folder. */
  readonly path: string;
  readonly size: number;
  /** What the archive says; on disk it is 0600. */
  readonly mode: number;
  /** Hex. */
  readonly sha256: string;
}

export interface ReadOptions {
  readonly signal?: AbortSignal;
  readonly limits?: ArchiveLimits;
}

export interface ExtractOptions extends ReadOptions {
  /**
   * Asked before a file is written; what is not wanted is passed over. Everything in the archive before it is on the
   * disk by then. What it throws comes out unchanged.
   */
  readonly wants?: (file: Pick<ExtractedFile, 'path' | 'size'>) => Promise<boolean>;
}

export interface PackOptions {
  readonly signal?: AbortSignal;
  /** Told how long each piece of content is that goes into the archive. */
  readonly onPacked?: (bytes: number) => void;
}

const READ_BYTES = 256 * 1024;

/**
 * Packs regular files in the order given, owned by root, with nothing of this machine in it: the same files make the
 * same bytes. The stream fails when a file is not as long as was said, changes while it is read, or is no file, and when
 * two names could not be unpacked beside each other.
 *
 * Fails with StateError `archive.source-changed`, `archive.source-altered`, `archive.source-unreadable`,
 * `archive.unsafe-entry`.
 */
export function packFiles(
  root: string,
  files: readonly PackFile[],
  { signal, onPacked }: PackOptions = {},
): Readable {
  return writeTar(filesOf(root, files), signal, onPacked);
}

/**
 * Packs entries of any owner and mode, for `tar -xpf -` on a host. Files and directories only. An entry's content is
 * read when its turn comes; a content that is longer or shorter than its header says makes the stream fail with
 * StateError `archive.source-changed`.
 */
export function packEntries(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
  { signal }: { readonly signal?: AbortSignal } = {},
): Readable {
  return writeTar(entries, signal);
}

/**
 * Reads a tar stream entry by entry without touching the disk. `onEntry` gets every entry, links and devices too, and
 * takes its content before the next one comes; what it leaves is skipped. The source is consumed or destroyed, whatever
 * the outcome, and an error of `onEntry` comes out unchanged.
 *
 * @throws StateError `archive.truncated` (also without tar's end mark), `archive.corrupt`, `archive.unsafe-entry`,
 *   `archive.limit-exceeded`
 */
export async function readEntries(
  source: Readable,
  onEntry: (header: EntryHeader, content: Readable) => Promise<void>,
  { signal, limits = DEFAULT_LIMITS }: ReadOptions = {},
): Promise<void> {
  const counter = new EntryCounter(limits);
  source.on('error', () => undefined);
  await parseTar(
    source,
    async (raw, content) => {
      const header = { ...raw, path: relativePath(raw.path, limits) };
      counter.add(header.path, header.size);
      await onEntry(header, content);
    },
    signal,
  );
}

/**
 * Unpacks into an empty private folder: regular files only, 0600 in folders of 0700, each created anew and hashed on the
 * way. Anything else than files and folders is refused, as are names that lead elsewhere or meet each other. When it
 * fails, what was written so far is still there; the caller removes the folder.
 *
 * @throws StateError as `readEntries`, and `archive.target-unfit`, `archive.write-failed`
 */
export async function extractFiles(
  source: Readable,
  target: string,
  { wants, ...options }: ExtractOptions = {},
): Promise<ExtractedFile[]> {
  const extracted: ExtractedFile[] = [];
  const register = new PathRegister();
  // What breaks the source is told by this promise; before anybody reads it, nobody else would listen.
  source.on('error', () => undefined);
  await requireEmpty(target, source);
  await readEntries(
    source,
    async (header, content) => {
      const { path, size, mode } = header;
      if (header.type === 'directory') return register.addDirectory(path);
      if (header.type !== 'file') throw unsafe(path, NO_FILES[header.type]);
      register.addFile(path);
      if (wants !== undefined && !(await wants({ path, size }))) return;
      extracted.push({ path, size, mode, sha256: await writeNewFile(join(target, path), content) });
    },
    options,
  );
  return extracted;
}

const NO_FILES: Readonly<Record<'symlink' | 'link' | 'other', string>> = {
  symlink: 'it is a symbolic link',
  link: 'it is a hard link',
  other: 'it is a device, a pipe, a sparse file, or something else that is no plain file',
};

async function* filesOf(root: string, files: readonly PackFile[]): AsyncGenerator<TarEntry> {
  const register = new PathRegister();
  for (const { path, size, mode, mtime, sha256 } of files) {
    if (relativePath(path, DEFAULT_LIMITS) !== path) throw unsafe(path, 'its path is not in its plain form');
    register.addFile(path);
    const seconds = Math.floor(mtime.getTime() / 1000);
    const owner = { uid: 0, gid: 0, uname: '', gname: '' };
    const header: EntryHeader = { path, type: 'file', size, mode, mtime: seconds, ...owner };
    yield { header, content: await openFile(join(root, path)), sha256 };
  }
}

async function openFile(path: string): Promise<Readable> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if ((await handle.stat()).isFile()) return handle.createReadStream({ highWaterMark: READ_BYTES });
    await handle.close();
  } catch (cause) {
    throw new StateError({
      kind: 'failed',
      code: 'archive.source-unreadable',
      what: `${path} cannot be packed`,
      why: messageOf(cause),
      next: 'look at that file; nothing but this program should write there',
      cause,
    });
  }
  throw unsafe(path, 'it is no plain file');
}

async function requireEmpty(target: string, source: Readable): Promise<void> {
  const failure = await readdir(target).then(
    (entries) => (entries.length === 0 ? undefined : { why: 'something is in that folder already' }),
    (cause: unknown) => ({ why: messageOf(cause), cause }),
  );
  if (failure === undefined) return;
  source.destroy();
  throw new StateError({
    kind: 'failed',
    code: 'archive.target-unfit',
    what: `The archive cannot be unpacked into ${target}`,
    next: 'use an empty folder',
    ...failure,
  });
}
