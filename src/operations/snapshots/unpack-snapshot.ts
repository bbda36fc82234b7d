import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Duplex, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decryptionStream } from '../../archive/age-stream.js';
import { decompressionStream } from '../../archive/gzip.js';
import type { NamedIdentity } from '../../archive/identities.js';
import { extractFiles } from '../../archive/tar.js';
import type { ArchiveLimits } from '../../archive/tar-rules.js';
import { errnoOf, StateError } from '../../core/errors.js';
import type { TaskReporter } from '../../engine/task.js';
import type { Generation, Generations } from '../../state/generations.js';
import { MANIFEST, parseManifest } from '../../state/manifest.js';
import { limitsOf, ManifestWatch } from '../backup/archive-limits.js';

/** A generation to restore from; `close` removes what had to be fetched. */
export interface OpenedSnapshot {
  readonly generation: Generation;
  /** For people: where it came from. */
  readonly origin: string;
  /** Of the encrypted bytes as they were read, where it came from a repository: SHA-256 (hex). */
  readonly ciphertext?: string;
  close(): Promise<void>;
}

/** The stages before decompression. */
export type Decryption = readonly Duplex[];

/** Whose snapshot it is, and who may open it: asked when the first byte is there. */
export interface SnapshotKeys {
  readonly host: string;
  readonly identities: () => Promise<readonly NamedIdentity[]>;
  /** How much may come out of it; what no controller holds where nothing is known. */
  readonly limits?: ArchiveLimits;
}

/**
 * Decrypts, decompresses and unpacks the bytes of a snapshot in one pass, into a folder that is private to this run: what
 * is damaged is gone again before anybody could take it for a generation.
 *
 * @throws StateError what the archive's stages say (`archive.*`), `restore.no-manifest`, `manifest.invalid`
 */
export async function unpackSnapshot(
  body: Readable,
  origin: string,
  { host, identities, limits }: SnapshotKeys,
  scratch: Generations,
  reporter: TaskReporter,
  onChunk?: (chunk: Buffer) => void,
): Promise<OpenedSnapshot> {
  const decryption = async (): Promise<Decryption> => [decryptionStream(await identities())];
  const unpacked = await unpackArchive(body, decryption, scratch, reporter, onChunk, limits);
  try {
    const root = await findFolder(unpacked.folder, MANIFEST);
    if (root === undefined) throw noManifest();
    const manifest = parseManifest(await readFile(join(root, MANIFEST), 'utf8'), origin);
    const generation: Generation = { host, folder: root, manifest };
    return { generation, origin, close: unpacked.close };
  } catch (error) {
    await unpacked.close();
    throw error;
  }
}

/**
 * Decrypts, decompresses and unpacks into a new scratch folder; `onChunk` sees the bytes as they come in. When it fails,
 * the folder is gone.
 */
export async function unpackArchive(
  body: Readable,
  decryption: () => Promise<Decryption>,
  scratch: Generations,
  { signal, moved }: TaskReporter,
  onChunk?: (chunk: Buffer) => void,
  limits = limitsOf(),
): Promise<{ readonly folder: string; close(): Promise<void> }> {
  // It may fail before anybody reads it; whoever then does is told.
  body.on('error', () => undefined);
  const folder = await scratch.fetchFolder();
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const stages = await decryption();
    body.on('data', (chunk: Buffer) => {
      moved(chunk.length);
      onChunk?.(chunk);
    });
    const plain = decompressionStream();
    const watch = new ManifestWatch(folder);
    const [streamed, extracted] = await Promise.allSettled([
      pipeline([body, ...stages, plain], { signal }),
      extractFiles(plain, folder, { limits, signal, wants: (file) => watch.wants(file) }),
    ]);
    // The first stage that failed says why: what is behind it only lost its input, and what is before it its output.
    const lostOutput = streamed.status === 'rejected' && isLostOutput(streamed.reason) && !signal.aborted;
    if (extracted.status === 'rejected' && lostOutput) throw extracted.reason;
    if (streamed.status === 'rejected') throw streamed.reason;
    if (extracted.status === 'rejected') throw extracted.reason;
    return { folder, close };
  } catch (error) {
    body.destroy();
    await close();
    throw error;
  }
}

/** What a pipeline says when its last stage was no longer read. */
function isLostOutput(error: unknown): boolean {
  return ['ABORT_ERR', 'ERR_STREAM_PREMATURE_CLOSE'].includes(errnoOf(error) ?? '');
}

/** An archive made by hand may hold its files in a folder (`host/`, `state/host/`): what is in it tells. */
export async function findFolder(folder: string, holding: string): Promise<string | undefined> {
  let current = folder;
  for (let depth = 0; depth < 4; depth++) {
    const entries = await readdir(current, { withFileTypes: true });
    if (entries.some(({ name }) => name === holding)) return current;
    const [only] = entries;
    if (entries.length !== 1 || only === undefined || !only.isDirectory()) return undefined;
    current = join(current, only.name);
  }
  return undefined;
}

/** The error for an archive or folder that is no generation. */
export function noManifest(): StateError {
  return new StateError({
    kind: 'proof',
    code: 'restore.no-manifest',
    what: 'The archive is not a snapshot',
    why: `it holds no ${MANIFEST}`,
    next: 'see RESTORE.md in a snapshot for what one looks like',
  });
}
