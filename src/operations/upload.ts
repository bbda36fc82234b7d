import type { NamedRecipient } from '../archive/recipients.js';
import type { Instance } from '../coolify/instance.js';
import type { TaskReporter } from '../engine/task.js';
import { openRepository, type RepositorySettings } from '../repository/open.js';
import { SnapshotRepository } from '../repository/snapshots.js';
import type { Generation } from '../state/generations.js';
import { TOOL } from '../tool.js';
import { sealGeneration } from './seal.js';

/** A snapshot that is in a repository and was read back to its last byte. */
export interface UploadedSnapshot {
  readonly id: string;
  readonly location: string;
  readonly key: string;
  /** Bytes, as stored. */
  readonly size: number;
  readonly sha256: string;
}

/** Seals a generation and stores it. When this throws, no snapshot came to be. */
export async function uploadGeneration(
  generation: Generation,
  instance: Instance,
  recipients: readonly NamedRecipient[],
  settings: RepositorySettings,
  { signal, moved }: TaskReporter,
): Promise<UploadedSnapshot> {
  const repository = await openRepository(settings);
  try {
    const { body, done } = await sealGeneration(generation, recipients, signal);
    const { host, manifest } = generation;
    let stored = 0;
    const snapshot = await new SnapshotRepository(repository).publish(
      host,
      new Date(manifest.createdAt),
      body,
      () => ({
        finishedAt: new Date(),
        plainSize: manifest.files.reduce((sum, { size }) => sum + size, 0),
        files: manifest.files.length,
        recipients: recipients.map(({ fingerprint }) => fingerprint),
        tool: TOOL.version,
        coolify: instance.coolify.version,
        postgres: instance.database.version,
        proofs: manifest.proofs,
      }),
      {
        signal,
        onProgress: (step, bytes) => {
          if (step !== 'store') return;
          moved(bytes - stored);
          stored = bytes;
        },
      },
    );
    await done;
    const { id, key, sidecar } = snapshot;
    return { id, key, location: repository.location, size: sidecar.size, sha256: sidecar.sha256 };
  } finally {
    await repository.close();
  }
}

/** Where a repository is, in a word. */
export function repositoryTitle(settings: RepositorySettings): string {
  return settings.kind === 's3' ? `s3://${settings.bucket}` : `file:${settings.path}`;
}
