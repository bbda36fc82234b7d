import type { Compression } from '../../archive/compression.js';
import type { NamedRecipient } from '../../archive/recipients.js';
import type { Instance } from '../../coolify/instance.js';
import type { Task, TaskReporter } from '../../engine/task.js';
import { type Lease, withLease } from '../../repository/lease/lease.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import { type GoodSnapshot, SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { Generation } from '../../state/generations.js';
import { TOOL } from '../../tool.js';
import { type Round, storedInRound } from './round.js';
import { type SealedGeneration, sealGeneration } from './seal.js';

/** A snapshot that is in a repository and was read back to its last byte. */
export interface UploadedSnapshot {
  readonly id: string;
  readonly location: string;
  readonly key: string;
  /** Bytes, as stored. */
  readonly size: number;
  readonly sha256: string;
  /** Where the time went, milliseconds: packing, encrypting and storing, and then reading back. */
  readonly storeMilliseconds: number;
  readonly readBackMilliseconds: number;
  /** Requests that the store answered for it, those of the lease included; absent for a folder. */
  readonly requests?: number;
  /** It was there: another run has stored it in the same round. */
  readonly already?: true;
}

/** What there is to store, and how. */
export interface UploadJob {
  readonly generation: Generation;
  readonly instance: Instance;
  readonly recipients: readonly NamedRecipient[];
  readonly compression: Compression;
  /** How long to wait for another run that works on the host's snapshots, milliseconds. */
  readonly waitLock: number;
  /** Of a fleet: nothing is stored where the round has its snapshot. */
  readonly round?: Round | undefined;
}

/** The step that uploads to one repository. Its failure is the host's, and the other repositories get theirs. */
export function uploadTask<Context>(
  settings: RepositorySettings,
  jobOf: (context: Context) => {
    readonly job: UploadJob;
    readonly stored: (snapshot: UploadedSnapshot) => void;
  },
): Task<Context> {
  return {
    name: `upload to ${repositoryTitle(settings)}`,
    kind: 'change',
    independent: true,
    inspect: () => Promise.resolve({ summary: 'store a snapshot and read it back' }),
    apply: async (context, reporter) => {
      const { job, stored } = jobOf(context);
      const snapshot = await uploadGeneration(job, settings, reporter);
      stored(snapshot);
      if (snapshot.already === true) return `the round has its snapshot: ${snapshot.id}`;
      return `${snapshot.key} (${snapshot.id}), read back`;
    },
  };
}

/**
 * Seals a generation and stores it, under the lease of the host's snapshots in that repository. When this throws, no
 * snapshot came to be. Throws `repository.locked` when another run has the lease.
 */
export async function uploadGeneration(
  job: UploadJob,
  settings: RepositorySettings,
  reporter: TaskReporter,
): Promise<UploadedSnapshot> {
  const { signal, line } = reporter;
  await using sealing = new Sealing(job, signal);
  // Packed, as far as a stream holds, while the store is reached and the lease taken; unless it may not be needed.
  if (job.round === undefined) sealing.begin();
  const repository = await openRepository(settings);
  try {
    const snapshots = new SnapshotRepository(repository);
    const { host } = job.generation;
    // Asked under the lease, so that of two runs of one job the second one sees what the first has stored.
    const upload = async (lease: Lease) =>
      (await alreadyStored(job, snapshots, lease.signal)) ??
      (await publishGeneration(job, await sealing.begin(), snapshots, lease, reporter));
    const snapshot = await withLease(repository, host, 'backup', signal, upload, {
      wait: job.waitLock,
      onWait: ({ message }) => line(`waiting: ${message}`),
    });
    const { requests } = repository;
    return { ...snapshot, ...(requests !== undefined && { requests }) };
  } finally {
    await repository.close();
  }
}

/** A generation that is sealed when it is wanted; when it is left, nothing of that goes on. */
class Sealing implements AsyncDisposable {
  readonly #seal: () => Promise<SealedGeneration>;
  #sealed: Promise<SealedGeneration> | undefined;

  constructor({ generation, recipients, compression }: UploadJob, signal: AbortSignal) {
    this.#seal = () => sealGeneration(generation, recipients, compression, signal);
  }

  begin(): Promise<SealedGeneration> {
    if (this.#sealed !== undefined) return this.#sealed;
    this.#sealed = this.#seal();
    this.#sealed.catch(() => undefined); // told to whoever waits for it
    return this.#sealed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const sealed = await this.#sealed?.catch(() => undefined);
    sealed?.body.destroy();
    await sealed?.done.catch(() => undefined);
  }
}

async function alreadyStored(
  { round, generation }: UploadJob,
  snapshots: SnapshotRepository,
  signal: AbortSignal,
): Promise<UploadedSnapshot | undefined> {
  if (round === undefined) return undefined;
  const there = await storedInRound(snapshots, generation.host, round, signal);
  return there === undefined
    ? undefined
    : { ...placed(there, snapshots), storeMilliseconds: 0, readBackMilliseconds: 0, already: true };
}

function placed({ id, key, sidecar }: GoodSnapshot, { repository }: SnapshotRepository) {
  return { id, key, location: repository.location, size: sidecar.size, sha256: sidecar.sha256 };
}

async function publishGeneration(
  { generation, instance, recipients, compression, round }: UploadJob,
  { body, done, packedShare }: SealedGeneration,
  snapshots: SnapshotRepository,
  lease: Lease,
  { moved, progress, line }: TaskReporter,
): Promise<UploadedSnapshot> {
  const { signal } = lease;
  const { host, manifest } = generation;
  const plainSize = manifest.files.reduce((sum, { size }) => sum + size, 0);
  const began = performance.now();
  let readBackAt: number | undefined;
  let stored = 0;
  const published = await snapshots.publish(
    host,
    new Date(manifest.createdAt),
    body,
    () => ({
      finishedAt: new Date(),
      plainSize,
      files: manifest.files.length,
      compression: compression.algorithm,
      recipients: recipients.map(({ fingerprint }) => fingerprint),
      tool: TOOL.version,
      coolify: instance.coolify.version,
      postgres: instance.database.version,
      proofs: manifest.proofs,
      importedFrom: instance.imported,
      round: round?.id,
    }),
    {
      signal,
      // What cannot be compressed is stored as it is.
      expectedSize: plainSize,
      compression: compression.algorithm,
      beforeListed: () => lease.confirm(),
      onProgress: (step, bytes) => {
        if (step === 'read-back') {
          if (readBackAt === undefined) line('reading it back');
          readBackAt ??= performance.now();
          progress?.(stored + bytes, 2 * stored);
          return;
        }
        moved(bytes - stored);
        stored = bytes;
        // How much the whole will be when it is compressed shows as it is packed; then it is read once more.
        const share = packedShare();
        if (share > 0) progress?.(stored, (2 * stored) / share);
      },
    },
  );
  await done;
  const ended = performance.now();
  return {
    ...placed(published, snapshots),
    storeMilliseconds: (readBackAt ?? ended) - began,
    readBackMilliseconds: ended - (readBackAt ?? ended),
  };
}

/** Where a repository is, in a word. */
export function repositoryTitle(settings: RepositorySettings): string {
  if (settings.kind === 'directory') return `file:${settings.path}`;
  return `s3://${settings.bucket}${settings.path === undefined || settings.path === '' ? '' : `/${settings.path}`}`;
}
