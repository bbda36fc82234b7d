import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decryptionStream } from '../../archive/age-stream.js';
import { decompressionStream } from '../../archive/gzip.js';
import { type EntryHeader, readEntries } from '../../archive/tar.js';
import { messageOf, StateError } from '../../core/errors.js';
import { MANIFEST, type Manifest, type ManifestFile, parseManifest } from '../../state/manifest.js';
import type { LocatedSnapshot } from './located-snapshot.js';
import { noManifest } from './unpack-snapshot.js';

/** A manifest is small; no more than that is held in memory for it. Bytes. */
const MANIFEST_LIMIT = 64 * 1024 * 1024;
/** Of what stands before it. */
const EARLY_LIMIT = 4 * 1024 * 1024;

/** Takes a file of a snapshot: has to read `content` to its end. `enough` when nothing more is wanted. */
export type TakeFile = (file: ManifestFile, content: Readable) => Promise<'more' | 'enough'>;

/**
 * The manifest of a snapshot. It stands at the beginning, so that the first pieces of an object are enough: these are
 * genuine, but that the rest is there is not looked at.
 *
 * @throws StateError what decrypting and unpacking say, `restore.no-manifest`, `manifest.invalid`
 */
export async function readManifest(snapshot: LocatedSnapshot, signal: AbortSignal): Promise<Manifest> {
  if (snapshot.folder !== undefined) {
    const path = join(snapshot.folder, MANIFEST);
    return parseManifest(await readFile(path, 'utf8'), snapshot.origin);
  }
  let manifest: Manifest | undefined;
  await walk(snapshot, signal, async ({ path, type }, content) => {
    if (type !== 'file' || !isManifest(path)) return 'more';
    manifest = parseManifest(await textOf(content), snapshot.origin);
    return 'enough';
  });
  if (manifest === undefined) throw noManifest();
  return manifest;
}

/**
 * Reads the files of a snapshot that are wanted, in its order, each as its manifest describes it, and stops as soon as
 * nothing more is. What `take` gets is genuine; that it is all is told by the manifest's size and SHA-256.
 *
 * @throws StateError as `readManifest`
 */
export async function readFiles(
  snapshot: LocatedSnapshot,
  take: TakeFile,
  signal: AbortSignal,
): Promise<void> {
  if (snapshot.folder !== undefined) {
    const manifest = await readManifest(snapshot, signal);
    for (const file of manifest.files) {
      const content = createReadStream(join(snapshot.folder, file.path), { signal });
      content.on('error', () => undefined);
      if ((await take(file, content)) === 'enough') return;
      content.destroy();
    }
    return;
  }
  const early: Early[] = [];
  let files: ReadonlyMap<string, ManifestFile> | undefined;
  await walk(snapshot, signal, async ({ path, type, size }, content) => {
    if (type !== 'file') return 'more';
    if (files === undefined && isManifest(path)) {
      const manifest = parseManifest(await textOf(content), snapshot.origin);
      const root = path.slice(0, -MANIFEST.length);
      files = new Map(manifest.files.map((file) => [`${root}${file.path}`, file]));
      return await takeEarly(early, files, take);
    }
    if (files === undefined) {
      const held = early.reduce((sum, one) => sum + one.content.length, size);
      if (held > EARLY_LIMIT) throw manifestIsLate();
      early.push({ path, content: await bytesOf(content, EARLY_LIMIT) });
      return 'more';
    }
    const file = files.get(path);
    return file === undefined ? 'more' : await take(file, content);
  });
  if (files === undefined) throw noManifest();
}

/** A file that stands before the manifest, which tells what it should be: the guide, and in archives made by hand others. */
interface Early {
  readonly path: string;
  readonly content: Buffer;
}

async function takeEarly(
  early: readonly Early[],
  files: ReadonlyMap<string, ManifestFile>,
  take: TakeFile,
): Promise<'more' | 'enough'> {
  for (const { path, content } of early) {
    const file = files.get(path);
    if (file === undefined) continue;
    if ((await take(file, Readable.from([content], { objectMode: false }))) === 'enough') return 'enough';
  }
  return 'more';
}

/** Ends the reading of an archive in the middle. */
class Enough extends Error {}

async function walk(
  snapshot: LocatedSnapshot & { readonly folder?: never },
  signal: AbortSignal,
  onEntry: (header: EntryHeader, content: Readable) => Promise<'more' | 'enough'>,
): Promise<void> {
  const identities = await snapshot.keys.identities();
  const body = await snapshot.open();
  const plain = decompressionStream();
  const [streamed, walked] = await Promise.allSettled([
    pipeline(body, decryptionStream(identities), plain, { signal }),
    readEntries(
      plain,
      async (header, content) => {
        if ((await onEntry(header, content)) === 'enough') throw new Enough();
      },
      { signal },
    ),
  ]);
  signal.throwIfAborted();
  if (walked.status === 'rejected' && walked.reason instanceof Enough) return;
  // What the reader of an entry found is the reason; otherwise the first stage that failed.
  if (
    walked.status === 'rejected' &&
    streamed.status === 'rejected' &&
    wasDestroyedBy(streamed.reason, walked.reason)
  )
    throw walked.reason;
  if (streamed.status === 'rejected') throw streamed.reason;
  if (walked.status === 'rejected') throw walked.reason;
}

/** Whoever stops reading destroys the stream that feeds it, with the reason. */
function wasDestroyedBy(streamed: unknown, walked: unknown): boolean {
  return streamed === walked || messageOf(streamed) === 'Premature close';
}

function isManifest(path: string): boolean {
  return path === MANIFEST || path.endsWith(`/${MANIFEST}`);
}

async function textOf(content: Readable): Promise<string> {
  return (await bytesOf(content, MANIFEST_LIMIT)).toString('utf8');
}

async function bytesOf(content: Readable, limit: number): Promise<Buffer> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of content) {
    size += piece.length;
    if (size > limit) break;
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

function manifestIsLate(): StateError {
  return new StateError({
    kind: 'failed',
    code: 'snapshot.manifest-late',
    what: 'Single files cannot be taken from this archive',
    why: `its ${MANIFEST} does not come first, so what a file should be is not known when it comes`,
    next: 'open it by hand: age -d -i KEY FILE | tar -xzf -',
  });
}
