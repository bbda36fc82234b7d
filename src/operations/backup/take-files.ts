import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { packEntries, type TarEntry } from '../../archive/tar.js';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { nearestNames } from '../../inventory/nearest.js';
import type { Manifest, ManifestFile } from '../../state/manifest.js';
import { EntryChannel } from '../hosts/entry-channel.js';
import type { LocatedSnapshot } from '../snapshots/located-snapshot.js';
import { readFiles } from '../snapshots/look-inside.js';

/** What a path of a snapshot stands for. */
export type Wanted =
  | { readonly kind: 'file'; readonly file: ManifestFile }
  /** A folder, or everything. */
  | { readonly kind: 'folder'; readonly files: readonly ManifestFile[] };

/** @throws StateError `snapshot.no-file` (kind `usage`), with the names most like it */
export function wantedOf(manifest: Manifest, path: string, origin: string): Wanted {
  const plain = path.replace(/^(\.?\/)+/, '').replace(/(?<!\/)\/+$/, '');
  const file = manifest.files.find((one) => one.path === plain);
  if (file !== undefined) return { kind: 'file', file };
  const isAll = plain === '' || plain === '.';
  const files = manifest.files.filter((one) => isAll || one.path.startsWith(`${plain}/`));
  if (files.length > 0) return { kind: 'folder', files };
  const near = nearestNames(
    plain,
    manifest.files.map((one) => one.path),
  );
  const byName = manifest.files.filter((one) => one.path.endsWith(`/${plain}`)).map((one) => one.path);
  const offered = [...new Set([...byName, ...near])].map((name) => printable(name));
  throw new StateError({
    kind: 'usage',
    code: 'snapshot.no-file',
    what: `There is no ${printable(plain)} in ${origin}`,
    next:
      offered.length > 0
        ? `did you mean ${offered.join(' or ')}?`
        : 'coolify-state ls SNAPSHOT lists what is in it',
  });
}

/**
 * The bytes of a file of a snapshot, or a tar archive of a folder's files. They are genuine as they come; the stream fails
 * at its end with `snapshot.file-differs` (kind `proof`) when a file is not what the manifest says, so that nobody should
 * act on it before that.
 */
export function contentOf(snapshot: LocatedSnapshot, wanted: Wanted, signal: AbortSignal): Readable {
  return wanted.kind === 'file'
    ? Readable.from(fileContent(snapshot, wanted.file, signal), { objectMode: false })
    : packEntries(folderContent(snapshot, wanted.files, signal), { signal });
}

async function* fileContent(
  snapshot: LocatedSnapshot,
  wanted: ManifestFile,
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for await (const { content } of folderContent(snapshot, [wanted], signal)) {
    if (Buffer.isBuffer(content)) yield content;
    else yield* content;
  }
}

/** The files one after the other, each held against the manifest when it was read. */
async function* folderContent(
  snapshot: LocatedSnapshot,
  files: readonly ManifestFile[],
  signal: AbortSignal,
): AsyncGenerator<TarEntry> {
  const missing = new Set(files.map(({ path }) => path));
  const channel = new EntryChannel<TarEntry>();
  const reading = readFiles(
    snapshot,
    async (file, content) => {
      if (!missing.delete(file.path)) return 'more';
      await channel.put({ header: headerOf(file), content: checked(file, content, snapshot.origin) });
      return missing.size === 0 ? 'enough' : 'more';
    },
    signal,
  );
  reading.then(
    () => {
      const [path] = missing;
      if (path === undefined) channel.end();
      else channel.fail(differs(path, snapshot.origin, 'it is not in the archive'));
    },
    (error: unknown) => channel.fail(error),
  );
  try {
    yield* channel;
  } finally {
    channel.close();
    await reading.catch(() => undefined);
  }
}

function headerOf({ path, size, origin }: ManifestFile): TarEntry['header'] {
  const { mode = 0o600, uid = 0, gid = 0, owner = 'root', group = 'root', mtime = 0 } = origin ?? {};
  return { path, type: 'file', size, mode, uid, gid, uname: owner, gname: group, mtime };
}

function checked({ path, size, sha256 }: ManifestFile, content: Readable, origin: string): Readable {
  const pieces = async function* (): AsyncGenerator<Buffer> {
    const hash = createHash('sha256');
    let length = 0;
    for await (const piece of content) {
      hash.update(piece);
      length += piece.length;
      yield piece;
    }
    if (length !== size) throw differs(path, origin, `it should have ${size} bytes and has ${length}`);
    if (hash.digest('hex') !== sha256) throw differs(path, origin, 'its SHA-256 is another one');
  };
  return Readable.from(pieces(), { objectMode: false });
}

function differs(path: string, origin: string, why: string): StateError {
  return new StateError({
    kind: 'proof',
    code: 'snapshot.file-differs',
    what: `${printable(path)} in ${origin} is not what the manifest says`,
    why,
    next: 'do not use what came out; choose another snapshot',
  });
}
