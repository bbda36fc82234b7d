import { open, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { decryptionStream } from '../archive/age-stream.js';
import { decompressionStream } from '../archive/gzip.js';
import { identitiesFromFile } from '../archive/identities.js';
import { extractFiles } from '../archive/tar.js';
import { errnoOf, messageOf, StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import type { TaskReporter } from '../engine/task.js';
import { openRepository, type RepositorySettings } from '../repository/open.js';
import type { Repository } from '../repository/repository.js';
import { SnapshotRepository } from '../repository/snapshots.js';
import type { Generation, Generations } from '../state/generations.js';
import { MANIFEST, parseManifest } from '../state/manifest.js';

/** Where a restore takes its data from. */
export type SnapshotChoice =
  /** The newest snapshot of the host in its repositories. */
  | { readonly kind: 'latest' }
  /** A snapshot of the repositories by its id. */
  | { readonly kind: 'id'; readonly id: string }
  /** The newest generation of this machine. */
  | { readonly kind: 'local' }
  /** An age-encrypted tarball, or the folder of a generation. */
  | { readonly kind: 'file'; readonly path: string };

/** A generation to restore from; `close` removes what had to be fetched. */
export interface OpenedSnapshot {
  readonly generation: Generation;
  /** For people: where it came from. */
  readonly origin: string;
  close(): Promise<void>;
}

/** Generations on this machine: those of the snapshot's host, and those of the target, under whose lock is fetched. */
export interface SnapshotFolders {
  readonly kept: Generations;
  readonly scratch: Generations;
}

export interface SourceSettings {
  readonly host: string;
  readonly repositories: readonly RepositorySettings[];
  readonly identityPath: string;
  readonly passphrase?: (path: string) => Promise<Secret>;
}

/** Far above what any controller holds; a bomb stops here. */
const LIMITS = { files: 200_000, bytes: 4 * 1024 ** 4, fileBytes: 2 * 1024 ** 4, pathBytes: 4096 };

/**
 * Brings the chosen snapshot onto this disk, in one pass: download, decryption, decompression, unpacking.
 * @throws StateError `restore.no-snapshot`, `restore.no-repository`, and what the rooms below say
 */
export async function openSnapshot(
  choice: SnapshotChoice,
  settings: SourceSettings,
  generations: SnapshotFolders,
  reporter: TaskReporter,
): Promise<OpenedSnapshot> {
  if (choice.kind === 'local') {
    const generation = await generations.kept.current();
    if (generation === undefined) throw noSnapshot(settings.host, 'this machine holds no generation of it');
    return { generation, origin: generation.folder, close: () => Promise.resolve() };
  }
  if (choice.kind === 'file') {
    if (await isFolder(choice.path)) return await openFolder(choice.path, settings.host);
    return await unpack(await openFile(choice.path), choice.path, settings, generations, reporter);
  }
  const kept = choice.kind === 'id' ? await keptGeneration(choice.id, generations.kept) : undefined;
  return kept ?? (await fromRepositories(choice, settings, generations, reporter));
}

/** A generation of this machine by its id, such as the safety generation of a restore. */
async function keptGeneration(id: string, kept: Generations): Promise<OpenedSnapshot | undefined> {
  const generation = (await kept.all()).find(({ manifest }) => manifest.id === id);
  return generation && { generation, origin: generation.folder, close: () => Promise.resolve() };
}

async function fromRepositories(
  choice: SnapshotChoice & { kind: 'latest' | 'id' },
  settings: SourceSettings,
  generations: SnapshotFolders,
  reporter: TaskReporter,
): Promise<OpenedSnapshot> {
  if (settings.repositories.length === 0) {
    throw noRepository(settings.host);
  }
  const wanted = choice.kind === 'latest' ? 'latest' : choice.id;
  const failures: unknown[] = [];
  // The first repository that has it is as good as any: they hold the same snapshots.
  for (const place of settings.repositories) {
    let repository: Repository | undefined;
    try {
      repository = await openRepository(place);
      const snapshots = new SnapshotRepository(repository);
      const found = await snapshots.find(settings.host, wanted, { signal: reporter.signal });
      const body = await snapshots.open(found, { signal: reporter.signal });
      const origin = `${found.id} of ${found.createdAt.toISOString()} in ${repository.location}`;
      return await unpack(body, origin, settings, generations, reporter);
    } catch (error) {
      reporter.signal.throwIfAborted();
      failures.push(error);
    } finally {
      await repository?.close();
    }
  }
  throw failures[0];
}

/** A generation as it lies on a disk, such as the one that a restore kept as its way back. */
async function openFolder(path: string, host: string): Promise<OpenedSnapshot> {
  const folder = await findGeneration(path);
  const manifest = parseManifest(await readFile(join(folder, MANIFEST), 'utf8'), folder);
  return { generation: { host, folder, manifest }, origin: folder, close: () => Promise.resolve() };
}

async function isFolder(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found?.isDirectory() ?? false;
}

/** @throws StateError `restore.no-file` (kind `usage`) */
async function openFile(path: string): Promise<Readable> {
  try {
    const handle = await open(path);
    return handle.createReadStream({ highWaterMark: 256 * 1024 });
  } catch (error) {
    throw new StateError({
      kind: 'usage',
      code: 'restore.no-file',
      what: `The snapshot file ${path} cannot be read`,
      why: errnoOf(error) === 'ENOENT' ? 'there is no such file' : messageOf(error),
      next: 'check the path, or name a snapshot of "coolify-state snapshots" by its id',
      cause: error,
    });
  }
}

async function unpack(
  body: Readable,
  origin: string,
  settings: SourceSettings,
  generations: SnapshotFolders,
  reporter: TaskReporter,
): Promise<OpenedSnapshot> {
  const { signal } = reporter;
  // It may fail before anybody reads it; whoever then does is told.
  body.on('error', () => undefined);
  const folder = await generations.scratch.fetchFolder();
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const identities = await identitiesFromFile(
      settings.identityPath,
      settings.passphrase === undefined ? {} : { passphrase: settings.passphrase },
    );
    body.on('data', (chunk: Buffer) => reporter.moved(chunk.length));
    const plain = decompressionStream();
    const [streamed, extracted] = await Promise.allSettled([
      pipeline(body, decryptionStream(identities), plain, { signal }),
      extractFiles(plain, folder, { limits: LIMITS, signal }),
    ]);
    // The first stage that failed says why; what is behind it only lost its input.
    if (streamed.status === 'rejected') throw streamed.reason;
    if (extracted.status === 'rejected') throw extracted.reason;
    const root = await findGeneration(folder);
    const generation: Generation = {
      host: settings.host,
      folder: root,
      manifest: parseManifest(await readFile(join(root, MANIFEST), 'utf8'), origin),
    };
    return { generation, origin, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** An archive made by hand may hold the generation in a folder (`host/`, `state/host/`): the manifest tells. */
async function findGeneration(folder: string): Promise<string> {
  let current = folder;
  for (let depth = 0; depth < 4; depth++) {
    const entries = await readdir(current, { withFileTypes: true });
    if (entries.some((entry) => entry.isFile() && entry.name === MANIFEST)) return current;
    const [only] = entries;
    if (entries.length !== 1 || only === undefined || !only.isDirectory()) break;
    current = join(current, only.name);
  }
  throw new StateError({
    kind: 'proof',
    code: 'restore.no-manifest',
    what: 'The archive is not a snapshot',
    why: `it holds no ${MANIFEST}`,
    next: 'see RESTORE.md in a snapshot for what one looks like',
  });
}

/** The error for a host whose snapshots are nowhere. */
export function noRepository(host: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'restore.no-repository',
    what: `The inventory names no repository for ${host}`,
    next: 'set coolify_s3_bucket and coolify_s3_endpoint (or coolify_repository), or use --from local or --from FILE',
    host,
  });
}

function noSnapshot(host: string, why: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'restore.no-snapshot',
    what: `There is no snapshot of ${host} to restore`,
    why,
    next: 'list what there is with "coolify-state snapshots"',
  });
}
