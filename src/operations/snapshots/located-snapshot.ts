import type { Readable } from 'node:stream';
import { messageOf, StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import { openRepository } from '../../repository/open.js';
import type { Repository } from '../../repository/repository.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import { MANIFEST } from '../../state/manifest.js';
import { openStateFolder } from '../../state/state-folder.js';
import type { HostConfig } from '../hosts/host-config.js';
import { IdentityReader } from '../hosts/identity-reader.js';
import { isFolder, openSnapshotFile } from './file.js';
import { noRepository, type SnapshotChoice } from './source.js';
import { legacyWarning } from './unpack-legacy.js';
import { findFolder, noManifest, type SnapshotKeys } from './unpack-snapshot.js';

export interface LocateOptions {
  readonly stateRoot: string;
  readonly from: SnapshotChoice;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly warn: (message: string) => void;
  readonly signal: AbortSignal;
}

/** A snapshot that was found and not read yet: a folder on this machine, or encrypted bytes. */
export type LocatedSnapshot = {
  readonly host: string;
  /** For people: where it is. */
  readonly origin: string;
  close(): Promise<void>;
} & (
  | { readonly folder: string }
  | {
      readonly folder?: never;
      readonly keys: SnapshotKeys /** From its first byte, each time. */;
      open(): Promise<Readable>;
    }
);

/**
 * Finds the snapshot that is meant among those of some hosts. An id may belong to any of them; for all else there has to
 * be one host.
 *
 * @throws StateError `snapshot.several-hosts`, `repository.no-snapshot`, `restore.no-repository`, `restore.no-file`
 */
export async function locateSnapshot(
  hosts: readonly HostConfig[],
  options: LocateOptions,
): Promise<LocatedSnapshot> {
  const { from } = options;
  const [first, ...others] = hosts;
  if (first === undefined) throw new Error('no host was selected');
  if (from.kind === 'id') return await locateId(hosts, from.id, options);
  if (others.length > 0) throw severalHosts(hosts);
  if (from.kind === 'file') return await locateFile(first, from.path, options);
  if (from.kind === 'latest') return await locateStored(first, 'latest', options);
  const current = await (await openStateFolder(options.stateRoot)).generations(first.name).current();
  if (current === undefined) throw nothing(`this machine holds no generation of ${first.name}`);
  return { host: first.name, origin: current.folder, folder: current.folder, close: () => Promise.resolve() };
}

async function locateId(
  hosts: readonly HostConfig[],
  id: string,
  options: LocateOptions,
): Promise<LocatedSnapshot> {
  const state = await openStateFolder(options.stateRoot);
  const reasons: string[] = [];
  for (const config of hosts) {
    const kept = (await state.generations(config.name).all()).find(({ manifest }) => manifest.id === id);
    if (kept !== undefined)
      return { host: config.name, origin: kept.folder, folder: kept.folder, close: () => Promise.resolve() };
  }
  for (const config of hosts) {
    try {
      return await locateStored(config, id, options);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof StateError) || hosts.length === 1) throw error;
      reasons.push(messageOf(error));
    }
  }
  throw nothing(reasons.join('; '));
}

/** The first repository of the host that has it. */
async function locateStored(
  { name, repositories, identityPath }: HostConfig,
  wanted: string,
  { signal, passphrase, warn }: LocateOptions,
): Promise<LocatedSnapshot> {
  if (repositories.length === 0) throw noRepository(name);
  const reader = new IdentityReader(passphrase);
  const failures: unknown[] = [];
  for (const settings of repositories) {
    let repository: Repository | undefined;
    try {
      repository = await openRepository(settings);
      const snapshots = new SnapshotRepository(repository);
      const found = await snapshots.find(name, wanted, { signal });
      const opened = repository;
      return {
        host: name,
        origin: `${found.id} of ${found.createdAt.toISOString()} in ${opened.location}`,
        keys: { host: name, identities: () => reader.of(identityPath) },
        open: () => snapshots.open(found, { signal }),
        close: () => opened.close(),
      };
    } catch (error) {
      await repository?.close();
      signal.throwIfAborted();
      failures.push(error);
      if (failures.length < repositories.length)
        warn(`the next repository is asked, because: ${messageOf(error)}`);
    }
  }
  throw failures[0];
}

async function locateFile(
  { name, identityPath }: HostConfig,
  path: string,
  { passphrase }: LocateOptions,
): Promise<LocatedSnapshot> {
  if (await isFolder(path)) {
    const folder = await findFolder(path, MANIFEST);
    if (folder === undefined) throw noManifest();
    return { host: name, origin: folder, folder, close: () => Promise.resolve() };
  }
  const { legacy, body } = await openSnapshotFile(path);
  body.destroy();
  if (legacy) {
    throw new StateError({
      kind: 'usage',
      code: 'snapshot.legacy',
      what: `${path} cannot be looked into`,
      why: legacyWarning(path, name),
      next: `coolify-state import ${path} --host ${name}`,
    });
  }
  const reader = new IdentityReader(passphrase);
  return {
    host: name,
    origin: path,
    keys: { host: name, identities: () => reader.of(identityPath) },
    open: async () => (await openSnapshotFile(path)).body,
    close: () => Promise.resolve(),
  };
}

function severalHosts(hosts: readonly HostConfig[]): StateError {
  return new StateError({
    kind: 'usage',
    code: 'snapshot.several-hosts',
    what: 'It is not clear of which host a snapshot is meant',
    why: `the pattern names ${hosts.map(({ name }) => name).join(', ')}`,
    next: "name one of them, or a snapshot's id",
  });
}

function nothing(why: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'repository.no-snapshot',
    what: 'There is no such snapshot',
    why,
    next: 'list what there is with "coolify-state snapshots"',
  });
}
