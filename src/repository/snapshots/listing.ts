import type { StoredEntry } from '../repository.js';
import { objectOfSidecar, parseDrillKey, parseSnapshotKey, type SnapshotName, snapshotId } from './names.js';

/** What the names in a repository tell of a snapshot. */
export interface ListedSnapshot extends SnapshotName {
  /** Eight hex digits. */
  readonly id: string;
  /** Of the object, relative to the repository. */
  readonly key: string;
  /** Bytes of the object as stored; `undefined` when only the sidecar is left. */
  readonly size: number | undefined;
  /** Keys of the evidence that drills have left beside it, newest first; left out where there is none. */
  readonly drills?: readonly string[];
}

export interface Listing {
  /** Newest first. */
  readonly snapshots: ListedSnapshot[];
  /** What the store says of the sidecars, by the key of the snapshot. */
  readonly sidecars: ReadonlyMap<string, StoredEntry>;
  /** Objects named like snapshots, without a sidecar. */
  readonly incomplete: StoredEntry[];
}

/** Pairs objects with their sidecars. Whatever is named otherwise is passed over. */
export async function listSnapshots(entries: AsyncIterable<StoredEntry>): Promise<Listing> {
  const objects = new Map<string, StoredEntry>();
  const sidecars = new Map<string, StoredEntry>();
  const drills = new Map<string, string[]>();
  for await (const entry of entries) {
    const object = objectOfSidecar(entry.key);
    const drilled = parseDrillKey(entry.key)?.snapshot;
    if (drilled !== undefined) drills.set(drilled, [...(drills.get(drilled) ?? []), entry.key]);
    else if (object !== undefined) sidecars.set(object, entry);
    else objects.set(entry.key, entry);
  }
  const snapshots: ListedSnapshot[] = [];
  for (const key of sidecars.keys()) {
    const name = parseSnapshotKey(key);
    if (name === undefined) continue;
    const beside = drills.get(key)?.sort().reverse();
    snapshots.push({
      ...name,
      id: snapshotId(key),
      key,
      size: objects.get(key)?.size,
      ...(beside !== undefined && { drills: beside }),
    });
  }
  const incomplete = [...objects.values()].filter(
    ({ key }) => !sidecars.has(key) && parseSnapshotKey(key) !== undefined,
  );
  return { snapshots: snapshots.sort(newestFirst), sidecars, incomplete };
}

function newestFirst(a: ListedSnapshot, b: ListedSnapshot): number {
  return b.createdAt.getTime() - a.createdAt.getTime() || b.ordinal - a.ordinal || (a.key < b.key ? -1 : 1);
}
