import type { StoredEntry } from './repository.js';
import { objectOfSidecar, parseSnapshotKey, type SnapshotName, snapshotId } from './snapshot-names.js';

/** What the names in a repository tell of a snapshot. */
export interface ListedSnapshot extends SnapshotName {
  /** Eight hex digits. */
  readonly id: string;
  /** Of the object, relative to the repository. */
  readonly key: string;
  /** Bytes of the object as stored; `undefined` when only the sidecar is left. */
  readonly size: number | undefined;
}

export interface Listing {
  /** Newest first. */
  readonly snapshots: ListedSnapshot[];
  /** Objects named like snapshots, without a sidecar. */
  readonly incomplete: StoredEntry[];
}

/** Pairs objects with their sidecars. Whatever is named otherwise is passed over. */
export async function listSnapshots(entries: AsyncIterable<StoredEntry>): Promise<Listing> {
  const objects = new Map<string, StoredEntry>();
  const described = new Set<string>();
  for await (const entry of entries) {
    const object = objectOfSidecar(entry.key);
    if (object !== undefined) described.add(object);
    else objects.set(entry.key, entry);
  }
  const snapshots: ListedSnapshot[] = [];
  for (const key of described) {
    const name = parseSnapshotKey(key);
    if (name !== undefined)
      snapshots.push({ ...name, id: snapshotId(key), key, size: objects.get(key)?.size });
  }
  const incomplete = [...objects.values()].filter(
    ({ key }) => !described.has(key) && parseSnapshotKey(key) !== undefined,
  );
  return { snapshots: snapshots.sort(newestFirst), incomplete };
}

function newestFirst(a: ListedSnapshot, b: ListedSnapshot): number {
  return b.createdAt.getTime() - a.createdAt.getTime() || b.ordinal - a.ordinal || (a.key < b.key ? -1 : 1);
}
