import { readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A snapshot that a released version made, kept in `test/data/snapshots/<version>/`. */
export interface ReleasedSnapshot {
  readonly version: string;
  /** Inventory name of the host it was taken of. */
  readonly host: string;
  /** A directory repository with this snapshot alone in it. */
  readonly repository: string;
  /** The encrypted object; its sidecar has `.json` behind that. */
  readonly object: string;
  /** A throwaway private key that opens it. */
  readonly identity: string;
}

/** All of them, the oldest first. Throws when one is not complete. */
export function releasedSnapshots(): ReleasedSnapshot[] {
  const root = join(import.meta.dirname, 'data/snapshots');
  return readdirSync(root, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort((one, other) => one.localeCompare(other, 'en', { numeric: true }))
    .map((version) => {
      const repository = join(root, version, 'repository');
      const [host = '', ...hosts] = readdirSync(repository);
      const [object = '', sidecar, ...others] = readdirSync(join(repository, host)).sort();
      if (sidecar !== `${object}.json` || hosts.length + others.length > 0)
        throw new Error(`${repository} does not hold one snapshot and its sidecar alone`);
      const identity = join(root, version, 'identity');
      return { version, host, repository, object: join(repository, host, object), identity };
    });
}
