import { asStateError, type StateError } from '../core/errors.js';
import { openRepository } from '../repository/open.js';
import type { Repository } from '../repository/repository.js';
import { SnapshotRepository } from '../repository/snapshots.js';
import { openStateFolder } from '../state/state-folder.js';
import type { HostConfig } from './host-config.js';

/** One line of a listing: a generation on this machine, or a snapshot in a repository. */
export interface SnapshotLine {
  readonly host: string;
  readonly where: string;
  /** What `restore --from` takes; `local` for the newest generation. */
  readonly id: string;
  readonly createdAt: string;
  /** Bytes: of the files of a generation, of the stored object of a snapshot. */
  readonly size: number | undefined;
  readonly coolify: string | undefined;
  readonly postgres: string | undefined;
  readonly recipients: readonly string[];
  /** Whether all its proofs were good when it was made; undefined when that cannot be told. */
  readonly proven: boolean | undefined;
  /** Why it cannot be relied on. */
  readonly problem?: string;
}

export interface SnapshotListing {
  readonly lines: readonly SnapshotLine[];
  /** Repositories that could not be read. */
  readonly errors: readonly StateError[];
}

/** What there is of the hosts, local and remote, newest first per place. Needs no key and no host. */
export async function listSnapshots(
  hosts: readonly HostConfig[],
  { stateRoot, signal }: { readonly stateRoot: string; readonly signal: AbortSignal },
): Promise<SnapshotListing> {
  const state = await openStateFolder(stateRoot);
  const lines: SnapshotLine[] = [];
  const errors: StateError[] = [];
  for (const { name, repositories } of hosts) {
    const generations = state.generations(name);
    const current = await generations.current().catch(() => undefined);
    for (const { manifest, folder } of await generations.all()) {
      lines.push({
        host: name,
        where: folder,
        id: folder === current?.folder ? 'local' : manifest.id,
        createdAt: manifest.createdAt,
        size: manifest.files.reduce((sum, { size }) => sum + size, 0),
        coolify: undefined,
        postgres: undefined,
        recipients: [],
        proven: manifest.proofs.every(({ ok }) => ok),
      });
    }
    for (const settings of repositories) {
      let repository: Repository | undefined;
      try {
        repository = await openRepository(settings);
        for (const snapshot of await new SnapshotRepository(repository).listDescribed(name, { signal })) {
          const { sidecar, problem } = snapshot;
          lines.push({
            host: name,
            where: repository.location,
            id: snapshot.id,
            createdAt: (sidecar?.createdAt ?? snapshot.createdAt).toISOString(),
            size: snapshot.size,
            coolify: sidecar?.coolify,
            postgres: sidecar?.postgres,
            recipients: sidecar?.recipients ?? [],
            proven: sidecar?.proofs.every(({ ok }) => ok),
            ...(problem !== undefined && { problem: problem.message }),
          });
        }
      } catch (error) {
        signal.throwIfAborted();
        errors.push(asStateError(error, 'The snapshots of a repository could not be listed').onHost(name));
      } finally {
        await repository?.close();
      }
    }
  }
  return { lines, errors };
}
