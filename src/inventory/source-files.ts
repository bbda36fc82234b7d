import { readdir, readFile, stat } from 'node:fs/promises';
import { errnoOf, messageOf } from '../core/errors.js';
import { shownPath } from './paths.js';
import { fault, SourceText } from './place.js';
import { isVault, type Vault } from './vault.js';

/** A file read for the inventory. */
export interface ReadFile {
  /** Absolute. */
  readonly path: string;
  readonly source: SourceText;
  readonly text: string;
}

/** Larger files are no inventory. */
const LARGEST = 64 * 1024 * 1024;

/**
 * Reads a file as UTF-8 text; a vault file is opened.
 * @throws StateError `inventory.file-unreadable`, `inventory.file-encoding` and those of the vault
 */
export async function readSource(
  path: string,
  {
    cwd,
    vault,
    signal,
  }: { readonly cwd: string; readonly vault: Vault; readonly signal?: AbortSignal | undefined },
): Promise<ReadFile> {
  const shown = shownPath(path, cwd);
  const bytes = await readBytes(path, shown, signal);
  const raw = decodeText(bytes, shown);
  const text = isVault(raw) ? vault.open(raw, `The vault file ${shown}`, undefined).reveal() : raw;
  // Errors of an opened vault file show no line of it.
  return { path, source: new SourceText(shown, isVault(raw) ? '' : text), text };
}

async function readBytes(path: string, shown: string, signal: AbortSignal | undefined): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > LARGEST) throw new Error(`it is larger than ${LARGEST / 1024 / 1024} MiB`);
    return await readFile(path, { signal });
  } catch (thrown) {
    if (signal?.aborted === true) throw thrown;
    throw unreadable(shown, thrown);
  }
}

function decodeText(bytes: Buffer, shown: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    const line = bytes.subarray(0, invalidAt(bytes)).toString('latin1').split('\n').length;
    throw fault({
      code: 'file-encoding',
      what: `${shown}:${line}: The file is not UTF-8 text`,
      next: `iconv -f latin1 -t utf-8 ${shown} turns it into UTF-8, if it is Latin-1`,
      cause,
    });
  }
}

/** Where the first byte stands that is not UTF-8. */
function invalidAt(bytes: Buffer): number {
  const good = bytes.toString('utf8');
  const index = good.indexOf('\u{fffd}');
  return index < 0 ? bytes.length : Buffer.byteLength(good.slice(0, index));
}

/** The entries of a folder in the order of their names' code points, as Ansible sorts them. */
export async function folderEntries(path: string, cwd: string): Promise<string[]> {
  try {
    const names = await readdir(path);
    return names.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  } catch (thrown) {
    throw unreadable(shownPath(path, cwd), thrown);
  }
}

/**
 * What a path is; undefined when there is nothing, or no file can have that name. Links are followed.
 * @throws StateError `inventory.file-unreadable`
 */
export async function kindOfPath(path: string): Promise<'file' | 'folder' | undefined> {
  // The name of a host may hold anything, and is looked for in host_vars/.
  if (path.includes('\0')) return undefined;
  try {
    const found = await stat(path);
    return found.isDirectory() ? 'folder' : 'file';
  } catch (thrown) {
    if (['ENOENT', 'ENOTDIR', 'ENAMETOOLONG'].includes(errnoOf(thrown) ?? '')) return undefined;
    throw unreadable(path, thrown);
  }
}

function unreadable(shown: string, cause: unknown): Error {
  const reason = { ENOENT: 'there is no such file', EACCES: 'it may not be read', EISDIR: 'it is a folder' };
  const code = errnoOf(cause);
  const known = Object.entries(reason).find(([name]) => name === code)?.[1];
  return fault({
    code: 'file-unreadable',
    what: `${shown} cannot be read`,
    expected: known ?? messageOf(cause),
    next: 'check the path and its permissions',
    cause,
  });
}
