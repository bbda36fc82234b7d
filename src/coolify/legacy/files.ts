import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { gzipStream } from '../../archive/gzip.js';
import { packEntries, type TarEntry } from '../../archive/tar.js';
import type { FileOrigin, ManifestFile } from '../../state/manifest.js';
import { PrivateFileWriter } from '../../state/private-files.js';
import { COOLIFY_UID, type Layout } from '../layout.js';
import type { ManagedKey } from '../managed-keys.js';
import {
  APP_KEY_PATH,
  AUTHORIZED_KEYS_PATH,
  DUMP_PATH,
  ENV_PATH,
  GUIDE_PATH,
  HOST_KEY_FOLDER,
  KEY_ARCHIVE_PATH,
  PUBLIC_KEY_FOLDER,
} from '../stored-paths.js';

const ARTIFACT_OF: ReadonlyMap<string, string> = new Map([
  [ENV_PATH, 'env'],
  [APP_KEY_PATH, 'app-key'],
  [DUMP_PATH, 'database'],
  [KEY_ARCHIVE_PATH, 'managed-keys'],
  [AUTHORIZED_KEYS_PATH, 'authorized-keys'],
  [GUIDE_PATH, 'recovery-guide'],
]);

/** Writes a file of an adopted state, over the one that may be there. */
export async function putFile(folder: string, path: string, content: Buffer | Readable): Promise<void> {
  await rm(join(folder, path), { force: true });
  const source = Buffer.isBuffer(content) ? Readable.from([content], { objectMode: false }) : content;
  await pipeline(source, new PrivateFileWriter(join(folder, path)));
}

/** The archive of managed keys as Coolify itself would write the folder: from the rows. */
export async function putKeyArchive(
  folder: string,
  keys: readonly ManagedKey[],
  modified: Date,
): Promise<void> {
  const archive = gzipStream();
  const packed = packEntries(entriesOf(keys, Math.floor(modified.getTime() / 1000)));
  await Promise.all([pipeline(packed, archive), putFile(folder, KEY_ARCHIVE_PATH, archive)]);
}

function* entriesOf(keys: readonly ManagedKey[], mtime: number): Generator<TarEntry> {
  const owner = { uid: COOLIFY_UID, gid: 0, uname: '', gname: 'root', mtime };
  for (const { row, privateText } of keys) {
    yield {
      header: {
        path: `./ssh_key@${row.uuid}`,
        type: 'file',
        size: privateText.length,
        mode: 0o600,
        ...owner,
      },
      content: privateText,
    };
  }
}

/**
 * Every file of an adopted state, as its manifest lists them. Where host keys stood is known from the role, which only
 * took them from there; of all else the origin is not known.
 */
export async function describeFiles(
  folder: string,
  layout: Layout,
  titles: ReadonlyMap<string, string>,
  signal: AbortSignal,
): Promise<ManifestFile[]> {
  const files: ManifestFile[] = [];
  for (const path of await pathsBelow(folder)) {
    const title = titles.get(path);
    const origin = originOf(path, layout);
    files.push({
      path,
      artifact:
        origin !== undefined ? 'host-keys' : (ARTIFACT_OF.get(path) ?? (title ? 'public-keys' : 'imported')),
      ...(await measured(join(folder, path), signal)),
      ...(origin !== undefined && { origin }),
      ...(title !== undefined && { title }),
    });
  }
  return files.sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** A small text file of the folder; undefined when there is none. */
export async function textOf(path: string): Promise<string | undefined> {
  return (await sizeOf(path)) === undefined ? undefined : await readFile(path, 'utf8');
}

/** Bytes of a file; undefined when there is no such file. */
export async function sizeOf(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(() => undefined);
  return found?.isFile() === true ? found.size : undefined;
}

/** The path of a managed key's public half, by the safe name of it. */
export function publicKeyPath(name: string): string {
  return `${PUBLIC_KEY_FOLDER}/${name}`;
}

function originOf(path: string, { systemSsh, rootSsh }: Layout): FileOrigin | undefined {
  const name = path.startsWith(`${HOST_KEY_FOLDER}/`) ? path.slice(HOST_KEY_FOLDER.length + 1) : '';
  if (!/^(ssh_host_|id_)[^/]+$/.test(name)) return undefined;
  const folder = name.startsWith('ssh_host_') ? systemSsh : rootSsh;
  const mode = name.endsWith('.pub') ? 0o644 : 0o600;
  return { path: `${folder}/${name}`, uid: 0, gid: 0, owner: 'root', group: 'root', mode, mtime: 0 };
}

async function pathsBelow(folder: string, below = ''): Promise<string[]> {
  const paths: string[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true })) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (entry.isDirectory()) paths.push(...(await pathsBelow(folder, path)));
    else if (entry.isFile()) paths.push(path);
  }
  return paths;
}

async function measured(path: string, signal: AbortSignal): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal })) {
    hash.update(chunk);
    size += chunk.length;
  }
  return { size, sha256: hash.digest('hex') };
}
