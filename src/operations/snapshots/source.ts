import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import { outOf, type TaskReporter } from '../../engine/task.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import type { Repository } from '../../repository/repository.js';
import { type GoodSnapshot, SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { Generations } from '../../state/generations.js';
import { MANIFEST, parseManifest } from '../../state/manifest.js';
import { limitsOf } from '../backup/archive-limits.js';
import { IdentityReader, withRecipients } from '../hosts/identity-reader.js';
import { isFolder, openSnapshotFile } from './file.js';
import { legacyWarning, unpackLegacy } from './unpack-legacy.js';
import {
  findFolder,
  noManifest,
  type OpenedSnapshot,
  type SnapshotKeys,
  unpackSnapshot,
} from './unpack-snapshot.js';

export type { OpenedSnapshot } from './unpack-snapshot.js';

/** Where a restore takes its data from. */
export type SnapshotChoice =
  /** The newest snapshot of the host in its repositories. */
  | { readonly kind: 'latest' }
  /** A snapshot of the repositories by its id. */
  | { readonly kind: 'id'; readonly id: string }
  /** The newest generation of this machine. */
  | { readonly kind: 'local' }
  /** An age-encrypted tarball, an archive of the replaced role, or the folder of a generation. */
  | { readonly kind: 'file'; readonly path: string };

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
  if (choice.kind === 'file') return await openPath(choice.path, settings, generations, reporter);
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
  const how = opening(settings);
  const failures: unknown[] = [];
  // The first repository that has it is as good as any: they hold the same snapshots.
  for (const [index, place] of settings.repositories.entries()) {
    let repository: Repository | undefined;
    let recipients: readonly string[] = [];
    try {
      repository = await openRepository(place);
      const snapshots = new SnapshotRepository(repository);
      const found = await snapshots.find(settings.host, wanted, { signal: reporter.signal });
      recipients = found.sidecar.recipients;
      const body = await snapshots.open(found, { signal: reporter.signal });
      const origin = `${found.id} of ${found.createdAt.toISOString()} in ${repository.location}`;
      const keys = { ...how, limits: limitsOf(found.sidecar) };
      const hash = createHash('sha256');
      const measured = outOf(found.sidecar.size, reporter);
      const opened = await unpackSnapshot(body, origin, keys, generations.scratch, measured, (chunk) =>
        hash.update(chunk),
      );
      await requireTime(opened, found);
      return { ...opened, ciphertext: hash.digest('hex') };
    } catch (error) {
      reporter.signal.throwIfAborted();
      failures.push(withRecipients(error, recipients));
      // Another repository may have another newest one, which must not go unnoticed.
      if (index < settings.repositories.length - 1)
        reporter.warn(`the next repository is asked, because: ${messageOf(error)}`);
    } finally {
      await repository?.close();
    }
  }
  throw failures[0];
}

/**
 * That an old snapshot was not put under the name of a new one: whoever may write to a repository could roll a host back.
 * @throws StateError `restore.other-time`
 */
async function requireTime(opened: OpenedSnapshot, { id, sidecar }: GoodSnapshot): Promise<void> {
  const { createdAt } = opened.generation.manifest;
  if (Date.parse(createdAt) === sidecar.createdAt.getTime()) return;
  await opened.close();
  throw new StateError({
    kind: 'proof',
    code: 'restore.other-time',
    what: `The snapshot ${id} is not the one that its name says`,
    why: `its manifest says it was taken at ${createdAt}, its name ${sidecar.createdAt.toISOString()}`,
    next: 'somebody has changed the repository: find out who may write to it, and choose another snapshot by its id',
  });
}

/** An encrypted tarball, ours or the replaced role's, or a folder. */
async function openPath(
  path: string,
  settings: SourceSettings,
  { scratch }: SnapshotFolders,
  reporter: TaskReporter,
): Promise<OpenedSnapshot> {
  if (await isFolder(path)) return await openFolder(path, settings.host);
  const file = await openSnapshotFile(path);
  const measured = outOf(file.size, reporter);
  if (!file.legacy) return await unpackSnapshot(file.body, path, opening(settings), scratch, measured);
  reporter.warn(legacyWarning(path, settings.host));
  return await unpackLegacy(file, path, settings, scratch, measured);
}

function opening({ host, identityPath, passphrase }: SourceSettings): SnapshotKeys {
  const reader = new IdentityReader(passphrase);
  return { host, identities: () => reader.of(identityPath) };
}

/** A generation as it lies on a disk, such as the one that a restore kept as its way back. */
async function openFolder(path: string, host: string): Promise<OpenedSnapshot> {
  const folder = await findFolder(path, MANIFEST);
  if (folder === undefined) throw noManifest();
  const manifest = parseManifest(await readFile(join(folder, MANIFEST), 'utf8'), folder);
  return { generation: { host, folder, manifest }, origin: folder, close: () => Promise.resolve() };
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
