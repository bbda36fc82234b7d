import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { type EntryHeader, packEntries, readEntries, type TarEntry } from '../archive/tar.js';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { type RemoteCommand, script } from '../ssh/command.js';
import type { Connection } from '../ssh/connection.js';
import type { FileOrigin } from '../state/manifest.js';

/**
 * Files of a host come and go as a tar stream over one channel: contents, owners, modes and times of many files
 * in one round trip, with the same code under sudo and without an SFTP subsystem.
 */

/** All files in a folder whose names match a shell pattern. */
export interface Glob {
  readonly folder: string;
  readonly pattern: string;
}

export interface RemoteFile {
  readonly origin: FileOrigin;
  readonly size: number;
}

/** What can be compared of a file: its bytes by hash, and whose it is. */
export interface FileState {
  readonly sha256: string;
  readonly uid: number;
  readonly gid: number;
  readonly mode: number;
}

// The arguments are consumed from the front while the files found are added at the end. Nothing is expanded but
// the patterns, which come from the artifact list, never from outside.
const PACK_GLOBS = `
IFS=
n=$#
while [ "$n" -gt 0 ]; do
  folder=$1 pattern=$2; shift 2; n=$((n - 2))
  for file in "$folder"/$pattern; do if [ -f "$file" ]; then set -- "$@" "$file"; fi; done
done
if [ "$#" -eq 0 ]; then head -c 10240 /dev/zero; exit 0; fi
exec tar -chf - -- "$@" 2>/dev/null
`;

const PACK_PATHS = `
n=$#
while [ "$n" -gt 0 ]; do
  file=$1; shift; n=$((n - 1))
  if [ -e "$file" ]; then set -- "$@" "$file"; fi
done
if [ "$#" -eq 0 ]; then head -c 10240 /dev/zero; exit 0; fi
exec tar -chf - -- "$@" 2>/dev/null
`;

const PACK_FOLDER = `cd "$1" 2>/dev/null || { head -c 10240 /dev/zero; exit 0; }; exec tar -cf - .`;

/** The commands behind `readGlobs`, `readPaths` and `readFolder`. */
export function packGlobs(globs: readonly Glob[]): RemoteCommand {
  return script(PACK_GLOBS, ...globs.flatMap(({ folder, pattern }) => [folder, pattern]));
}

export function packPaths(paths: readonly string[]): RemoteCommand {
  return script(PACK_PATHS, ...paths);
}

export function packFolder(folder: string): RemoteCommand {
  return script(PACK_FOLDER, folder);
}

/** Reads the files that match; `onFile` takes each one's content before the next comes. Missing files are none. */
export function readGlobs(
  connection: Connection,
  globs: readonly Glob[],
  onFile: (file: RemoteFile, content: Readable) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  return readTar(
    connection,
    packGlobs(globs),
    (header, content) => {
      const file = remoteFile(header);
      const { dir, base } = posix.parse(file.origin.path);
      if (!globs.some(({ folder, pattern }) => dir === folder && matchesGlob(base, pattern)))
        throw unasked(file);
      return onFile(file, content);
    },
    signal,
  );
}

/** The same for paths that are known; of a folder, everything in it. */
export function readPaths(
  connection: Connection,
  paths: readonly string[],
  onFile: (file: RemoteFile, content: Readable) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  return readTar(
    connection,
    packPaths(paths),
    (header, content) => {
      const file = remoteFile(header);
      if (!paths.some((path) => isWithin(file.origin.path, path))) throw unasked(file);
      return header.type === 'file' ? onFile(file, content) : discard(content);
    },
    signal,
  );
}

/** Everything in a folder; the folder itself comes as `.`. A missing folder has no entries. */
export function readFolder(
  connection: Connection,
  folder: string,
  onEntry: (header: EntryHeader, content: Readable) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  return readTar(connection, packFolder(folder), onEntry, signal);
}

/** State of known paths on the host, by path. Missing ones are absent. */
export async function statesOf(
  connection: Connection,
  paths: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, FileState>> {
  const states = new Map<string, FileState>();
  await readPaths(
    connection,
    paths,
    async ({ origin }, content) => {
      states.set(origin.path, {
        sha256: await hashOf(content),
        uid: origin.uid,
        gid: origin.gid,
        mode: origin.mode,
      });
    },
    signal,
  );
  return states;
}

/** Unpacks entries into an existing folder on the host, owners and modes included. */
export async function writeFolder(
  connection: Connection,
  folder: string,
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
  signal: AbortSignal,
): Promise<void> {
  const unpack = script('cd "$1" && exec tar -xpf - --same-owner', folder);
  const process = await connection.open(unpack, { signal });
  process.stdout.resume();
  await Promise.all([
    pipeline(packEntries(entries), process.stdin, { signal }),
    expectSuccess(process.done, `unpack files into ${folder}`),
  ]);
}

export async function hashOf(content: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return hash.digest('hex');
}

/** A small file's content. @throws StateError `host.file-too-large` */
export async function contentOf(content: Readable, limitBytes: number, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of content) {
    size += chunk.length;
    if (size > limitBytes) {
      throw new StateError({
        kind: 'failed',
        code: 'host.file-too-large',
        what: `${what} is larger than the ${limitBytes} bytes that such a file can have`,
        next: 'look at that file on the host',
      });
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

export function sameState(a: FileState | undefined, b: FileState): boolean {
  return a !== undefined && a.sha256 === b.sha256 && a.uid === b.uid && a.gid === b.gid && a.mode === b.mode;
}

async function readTar(
  connection: Connection,
  pack: RemoteCommand,
  onEntry: (header: EntryHeader, content: Readable) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const process = await connection.open(pack, { signal });
  process.stdin.end();
  try {
    await readEntries(process.stdout, onEntry, { signal });
  } catch (error) {
    process.stdout.destroy();
    const refusal = error instanceof StateError ? notTaken(error) : undefined;
    if (refusal !== undefined && !signal.aborted) throw refusal;
    // Where the command itself failed, the host's own words say more than "the archive ends early".
    const { code } = await process.done.catch(() => ({ code: undefined }));
    if (code !== undefined && code !== 0 && !signal.aborted) await expectSuccess(process.done, 'read files');
    throw error;
  }
  await expectSuccess(process.done, 'read files');
}

export async function expectSuccess(
  done: Promise<{ readonly code: number | undefined; readonly stderr: string }>,
  what: string,
): Promise<void> {
  const { code, stderr } = await done;
  if (code === 0) return;
  throw new StateError({
    kind: 'failed',
    code: 'host.command-failed',
    what: `The host could not ${what}`,
    why: `the command ended with status ${code ?? 'unknown'}`,
    next: 'see what the host said, and whether its disk is full or failing, then run it again',
    ...(stderr.trim() !== '' && { detail: stderr }),
  });
}

function remoteFile(header: EntryHeader): RemoteFile {
  return {
    size: header.size,
    origin: {
      path: `/${header.path}`,
      uid: header.uid,
      gid: header.gid,
      owner: header.uname,
      group: header.gname,
      mode: header.mode & 0o7777,
      mtime: header.mtime,
    },
  };
}

/** Waits until a stream is done without keeping its content. */
export async function discard(content: Readable): Promise<void> {
  content.resume();
  await finished(content);
}

/**
 * Whether a path that tar told is one that was asked for, or lies below it. What was asked for may end in a slash or hold
 * two of them.
 */
export function isWithin(path: string, asked: string): boolean {
  const root = posix.resolve('/', asked);
  return root === '/' || path === root || path.startsWith(`${root}/`);
}

/** The patterns of the artifact list are a name with `*` at its end. */
function matchesGlob(name: string, pattern: string): boolean {
  return pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern;
}

function unasked({ origin }: RemoteFile): StateError {
  return new StateError({
    kind: 'failed',
    code: 'host.file-unasked',
    what: `The host sent a file that it was not asked for: ${printable(origin.path)}`,
    why: 'tar there, or the host itself, does not do what it should',
    next: 'look at that host before anything that came from it is used',
  });
}

/** What the reader of archives refuses, said of a host; undefined for what is no refusal of its content. */
function notTaken({ code, what, why }: StateError): StateError | undefined {
  const said = { kind: 'failed', what: `What the host sent is not taken: ${what}`, why: why ?? '' } as const;
  if (code === 'archive.unsafe-entry') {
    const next = 'rename or remove that file on the host';
    return new StateError({ ...said, code: 'host.file-name-unsafe', next });
  }
  if (code === 'archive.limit-exceeded') {
    const next = 'look at those files on the host, and at coolify_extra_paths';
    return new StateError({ ...said, code: 'host.file-too-large', next });
  }
  return undefined;
}
