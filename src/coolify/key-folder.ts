import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { EntryHeader } from '../archive/tar.js';
import { StateError } from '../core/errors.js';
import { type RemoteCommand, script } from '../ssh/command.js';
import type { Connection } from '../ssh/connection.js';
import { publicHalf } from './managed-keys.js';
import type { KeyFile } from './proofs.js';
import { contentOf, discard, type FileState, readFolder } from './remote-files.js';

/** One file of the key folder, small enough to hold. */
export interface KeyEntry {
  readonly header: EntryHeader;
  readonly content: Buffer;
}

const FILE_LIMIT = 256 * 1024;
const COUNT_LIMIT = 100_000;
/** They are held in memory. A key has some kilobytes at most. */
const FOLDER_LIMIT = 256 * 1024 * 1024;

/**
 * Reads Coolify's key folder, without what comes and goes while it works (locks, write tests) and without anything
 * that is not a plain file. The entry of the folder itself comes first when there is one.
 */
export async function readKeyFolder(
  connection: Connection,
  folder: string,
  signal: AbortSignal,
): Promise<{ self: EntryHeader | undefined; files: KeyEntry[]; ignored: string[] }> {
  let self: EntryHeader | undefined;
  let bytes = 0;
  const files: KeyEntry[] = [];
  const ignored: string[] = [];
  await readFolder(connection, folder, collect, signal);
  files.sort((a, b) => (a.header.path < b.header.path ? -1 : 1));
  return { self, files, ignored };

  async function collect(header: EntryHeader, content: Readable): Promise<void> {
    if (header.path === '' || header.path === '.') {
      self = header;
      return discard(content);
    }
    if (isTransient(header.path)) return discard(content);
    if (header.type !== 'file' || header.path.includes('/')) {
      ignored.push(header.path);
      return discard(content);
    }
    bytes += header.size;
    if (files.length >= COUNT_LIMIT || bytes > FOLDER_LIMIT) {
      throw new StateError({
        kind: 'failed',
        code: 'host.too-many-files',
        what: `${folder} holds more than ${COUNT_LIMIT} files or ${FOLDER_LIMIT} bytes`,
        next: 'look at that folder on the host; Coolify keeps one file for each key there',
      });
    }
    files.push({ header, content: await contentOf(content, FILE_LIMIT, `${folder}/${header.path}`) });
  }
}

/** Locks and write tests of Coolify, which are no part of its state. */
export function isTransient(name: string): boolean {
  return name.endsWith('.lock') || name.startsWith('.test_write_');
}

/** One line for the whole folder: tells whether it moved while it was read. */
export function folderDigestCommand(folder: string): RemoteCommand {
  return script(
    `cd "$1" 2>/dev/null || exit 0
     find . -maxdepth 1 -type f ! -name '*.lock' ! -name '.test_write_*' -exec sha256sum {} + | LC_ALL=C sort | sha256sum`,
    folder,
  );
}

/** The same line computed from what was read. */
export function folderDigest(files: readonly KeyEntry[]): string {
  const lines = files.map(({ header, content }) => {
    // sha256sum escapes such names and marks the line with a leading backslash.
    const escaped = header.path.replace(/[\\\n\r]/g, (c) =>
      c === '\\' ? '\\\\' : c === '\n' ? '\\n' : '\\r',
    );
    return `${escaped === header.path ? '' : '\\'}${sha256(content)}  ./${escaped}\n`;
  });
  lines.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  return sha256(Buffer.from(lines.join('')));
}

export function keyFilesOf(files: readonly KeyEntry[]): KeyFile[] {
  return files.map(({ header, content }) => ({
    name: header.path,
    fingerprint: publicHalf(content)?.fingerprint,
  }));
}

export function keyFileStates(files: readonly KeyEntry[]): Map<string, FileState> {
  return new Map(
    files.map(({ header, content }) => [
      header.path,
      { sha256: sha256(content), uid: header.uid, gid: header.gid, mode: header.mode & 0o7777 },
    ]),
  );
}

function sha256(content: Buffer): string {
  return createHash('sha256').update(content).digest('hex');
}
