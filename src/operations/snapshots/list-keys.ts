import { HeaderCollector, openHeader } from '../../archive/age-header.js';
import type { NamedIdentity } from '../../archive/identities.js';
import { recipientsFrom } from '../../archive/recipient-sources.js';
import { recipientsFromFile } from '../../archive/recipients.js';
import { asStateError, type StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import { openRepository } from '../../repository/open.js';
import type { Repository } from '../../repository/repository.js';
import { type DescribedSnapshot, SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { HostConfig } from '../hosts/host-config.js';
import { IdentityReader } from '../hosts/identity-reader.js';

export interface KeysOptions {
  /** Files of identities to ask about, beside that of the inventory. */
  readonly identityPaths: readonly string[];
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
}

/** A file of identities, by what can be told of it without its passphrase. */
export interface IdentityFile {
  readonly path: string;
  readonly fingerprints: readonly string[];
  /** Why it could not be read. */
  readonly problem?: string;
}

/** Who can open a snapshot, as its sidecar says. */
export interface SnapshotKeysLine {
  readonly id: string;
  readonly where: string;
  readonly createdAt: string;
  readonly recipients: readonly string[];
  /** Paths of the identity files that are among them. */
  readonly openedBy: readonly string[];
  /** Whether it is for exactly the recipients of today. */
  readonly current: boolean | undefined;
  readonly problem?: string;
}

/** What came of trying the identities against the header of the newest snapshot. */
export interface HeaderTrial {
  readonly id: string;
  readonly where: string;
  /** The identity file that opened it. */
  readonly openedBy?: string;
  readonly error?: StateError;
}

export interface HostKeys {
  readonly host: string;
  /** For whom snapshots are encrypted today; undefined where that cannot be told. */
  readonly recipients: readonly string[] | undefined;
  readonly identities: readonly IdentityFile[];
  readonly snapshots: readonly SnapshotKeysLine[];
  readonly trials: readonly HeaderTrial[];
  /** Repositories that could not be read. */
  readonly errors: readonly StateError[];
}

/**
 * Which identity opens which snapshot: by the fingerprints of the sidecars for all, and for the newest of each repository
 * by opening its header, for which the first bytes of the object are read and no more.
 */
export async function listKeys(hosts: readonly HostConfig[], options: KeysOptions): Promise<HostKeys[]> {
  const reader = new IdentityReader(options.passphrase);
  const found: HostKeys[] = [];
  for (const host of hosts) found.push(await keysOf(host, options, reader));
  return found;
}

async function keysOf(
  { name, repositories, recipients, identityPath }: HostConfig,
  { identityPaths, signal }: KeysOptions,
  reader: IdentityReader,
): Promise<HostKeys> {
  const today = await recipientsFrom(recipients).then(
    (named) => named.map(({ fingerprint }) => fingerprint),
    () => undefined,
  );
  const paths = [...new Set([...identityPaths, identityPath])];
  const identities = await Promise.all(paths.map((path) => describeIdentity(path, reader)));
  const snapshots: SnapshotKeysLine[] = [];
  const trials: HeaderTrial[] = [];
  const errors: StateError[] = [];
  for (const settings of repositories) {
    let repository: Repository | undefined;
    try {
      repository = await openRepository(settings);
      const { location } = repository;
      const all = await new SnapshotRepository(repository).listDescribed(name, { signal });
      snapshots.push(...all.map((snapshot) => lineOf(snapshot, location, identities, today)));
      const [newest] = all;
      if (newest !== undefined) trials.push(await tryHeader(repository, newest, identities, reader, signal));
    } catch (error) {
      signal.throwIfAborted();
      errors.push(asStateError(error, 'The snapshots of a repository could not be listed').onHost(name));
    } finally {
      await repository?.close();
    }
  }
  return { host: name, recipients: today, identities, snapshots, trials, errors };
}

/** The public half is enough, and asks for no passphrase where the format shows it. */
async function describeIdentity(path: string, reader: IdentityReader): Promise<IdentityFile> {
  try {
    const named = await recipientsFromFile(path).catch(() => reader.of(path));
    return { path, fingerprints: named.map(({ fingerprint }) => fingerprint) };
  } catch (error) {
    return { path, fingerprints: [], problem: asStateError(error, 'It could not be read').message };
  }
}

function lineOf(
  { id, createdAt, sidecar, problem }: DescribedSnapshot,
  where: string,
  identities: readonly IdentityFile[],
  today: readonly string[] | undefined,
): SnapshotKeysLine {
  const recipients = sidecar?.recipients ?? [];
  const openers = identities.filter(({ fingerprints }) =>
    fingerprints.some((one) => recipients.includes(one)),
  );
  return {
    id,
    where,
    createdAt: (sidecar?.createdAt ?? createdAt).toISOString(),
    recipients,
    openedBy: openers.map(({ path }) => path),
    current:
      today === undefined || sidecar === undefined
        ? undefined
        : recipients.length === today.length && today.every((one) => recipients.includes(one)),
    ...(problem !== undefined && { problem: problem.message }),
  };
}

async function tryHeader(
  repository: Repository,
  { id, key }: DescribedSnapshot,
  identities: readonly IdentityFile[],
  reader: IdentityReader,
  signal: AbortSignal,
): Promise<HeaderTrial> {
  const where = repository.location;
  try {
    const header = await readHeader(repository, key, signal);
    let failure: unknown;
    for (const { path } of identities) {
      try {
        const secret: readonly NamedIdentity[] = await reader.of(path);
        await openHeader(header, secret);
        return { id, where, openedBy: path };
      } catch (error) {
        signal.throwIfAborted();
        failure ??= error;
      }
    }
    throw failure;
  } catch (error) {
    signal.throwIfAborted();
    return { id, where, error: asStateError(error, `The header of ${id} could not be opened`) };
  }
}

async function readHeader(repository: Repository, key: string, signal: AbortSignal): Promise<Buffer> {
  const collector = new HeaderCollector();
  const body = await repository.get(key, { signal });
  try {
    for await (const piece of body) {
      const complete = collector.push(piece);
      if (complete !== undefined) return complete.header;
    }
    throw collector.ended();
  } finally {
    body.destroy();
  }
}
