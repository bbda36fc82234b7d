import { openRepository } from '../../repository/open.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { StateFolder } from '../../state/state-folder.js';
import type { HostConfig } from '../hosts/host-config.js';

/**
 * Ids that can be named as a snapshot of some hosts, newest first: those in their repositories, then those of generations
 * on this machine. Places that do not answer are passed over, as this serves only to suggest.
 */
export async function snapshotIds(
  hosts: readonly HostConfig[],
  state: StateFolder,
  signal: AbortSignal,
): Promise<string[]> {
  const ids = await Promise.all(
    hosts.map(async (host) => {
      const stored = await Promise.all(host.repositories.map((place) => storedIds(place, host.name, signal)));
      return [...stored.flat(), ...(await keptIds(state, host.name))];
    }),
  );
  return [...new Set(ids.flat())];
}

async function storedIds(
  place: HostConfig['repositories'][number],
  host: string,
  signal: AbortSignal,
): Promise<string[]> {
  try {
    const repository = await openRepository(place);
    try {
      return (await new SnapshotRepository(repository).list(host, { signal })).map(({ id }) => id);
    } finally {
      await repository.close();
    }
  } catch {
    return [];
  }
}

async function keptIds(state: StateFolder, host: string): Promise<string[]> {
  try {
    return (await state.generations(host).all()).map(({ manifest }) => manifest.id);
  } catch {
    return [];
  }
}
