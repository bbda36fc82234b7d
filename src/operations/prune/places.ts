import { StateError } from '../../core/errors.js';
import type { TaskReporter } from '../../engine/task.js';
import { withLease } from '../../repository/lease/lease.js';
import { mapConcurrently } from '../../repository/map-concurrently.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import type { Repository } from '../../repository/repository.js';
import { type Span, shifted } from '../../repository/retention/span.js';
import { type SnapshotLeftover, SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { Generations } from '../../state/generations.js';
import { repositoryTitle } from '../backup/upload.js';
import { lastDrills } from '../drill/facts.js';
import {
  type LocalItem,
  localItem,
  type RetentionItem,
  type StoredItem,
  storedItem,
} from './retention-items.js';

/** What a dead run left, for removal. */
export interface PlaceLeftover {
  /** For people: a key or a path. */
  readonly name: string;
  readonly since: Date | undefined;
}

/** What a place holds of one host. */
export interface PlaceContents<Item extends RetentionItem, Left extends PlaceLeftover> {
  readonly items: readonly Item[];
  readonly leftovers: readonly Left[];
  /** What is worth knowing and is left alone. */
  readonly warnings: readonly string[];
}

/** A place that keeps generations or snapshots of one host: this machine or a repository. Whoever opens it closes it. */
export interface PrunePlace<
  Item extends RetentionItem = RetentionItem,
  Left extends PlaceLeftover = PlaceLeftover,
> {
  readonly title: string;
  look(signal: AbortSignal): Promise<PlaceContents<Item, Left>>;
  /**
   * Runs `work` while no other run changes what the place holds of the host, on whatever machine. `work` looks once more,
   * and removes within; it heeds the signal that it is given, which also aborts when the right to work here is lost.
   * Throws `repository.locked` when another run has it.
   */
  exclusively<Result>(
    reporter: Pick<TaskReporter, 'signal' | 'line'>,
    work: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result>;
  /** Throws `repository.remove-denied` when the store keeps it. */
  remove(item: Item, signal: AbortSignal): Promise<void>;
  removeLeftover(leftover: Left, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

interface StoredLeftover extends PlaceLeftover {
  readonly leftover: SnapshotLeftover;
}

/** The generations on this machine. The host's lock is held, so nobody else is at work here. */
export function localPlace(generations: Generations, title: string): PrunePlace<LocalItem> {
  return {
    title,
    async look() {
      const current = await generations.current().catch(() => undefined);
      const unusable = await generations.unusable();
      return {
        items: (await generations.all()).map((generation) => localItem(generation, current)),
        leftovers: (await generations.leftovers()).map((name) => ({ name, since: undefined })),
        warnings: unusable.map(
          (folder) => `${folder} is no generation that can be used; look at it, and remove it by hand`,
        ),
      };
    },
    exclusively: ({ signal }, work) => work(signal),
    remove: ({ generation }) => generations.remove(generation),
    removeLeftover: ({ name }) => generations.removeLeftover(name),
    close: () => Promise.resolve(),
  };
}

export interface RepositoryPlaceOptions {
  readonly leftoversOlderThan: Span;
  /** How long to wait for another run that works on the host's snapshots, milliseconds. */
  readonly waitLock: number;
}

/** The snapshots of a host in one of its repositories. */
export async function repositoryPlace(
  settings: RepositorySettings,
  host: string,
  { leftoversOlderThan, waitLock }: RepositoryPlaceOptions,
): Promise<PrunePlace<StoredItem, StoredLeftover>> {
  const repository = await openRepository(settings);
  const snapshots = new SnapshotRepository(repository);
  return {
    title: repositoryTitle(settings),
    async look(signal) {
      const described = await snapshots.listDescribed(host, { signal });
      const found = await oldLeftovers(snapshots, host, leftoversOlderThan, signal);
      const drills = await lastDrills(repository, described, signal);
      const items = described.map((snapshot) => storedItem(snapshot, drills.get(snapshot.key)));
      return { items, ...found };
    },
    exclusively: ({ signal, line }, work) =>
      withLease(repository, host, 'prune', signal, (lease) => work(lease.signal), {
        wait: waitLock,
        onWait: ({ message }) => line(`waiting: ${message}`),
      }),
    remove: (item, signal) => snapshots.remove(item, { signal }),
    removeLeftover: ({ leftover }, signal) => snapshots.removeLeftover(leftover, { signal }),
    close: () => repository.close(),
  };
}

/** Later than every moment: all leftovers are older. */
const END_OF_TIME = new Date(8.64e15);

/**
 * Those that are too old to belong to a run that is still at work. Their age is told by the store's clock as well as by
 * ours, and the one that makes them younger counts.
 */
async function oldLeftovers(
  snapshots: SnapshotRepository,
  host: string,
  olderThan: Span,
  signal: AbortSignal,
): Promise<{ readonly leftovers: StoredLeftover[]; readonly warnings: string[] }> {
  try {
    const all = await snapshots.leftovers(END_OF_TIME, host, { signal });
    if (all.length === 0) return { leftovers: [], warnings: [] };
    const now = await earliestNow(snapshots.repository, signal);
    const before = shifted(now, olderThan, 'before');
    const old = all.filter(({ since }) => since.getTime() < before);
    return {
      leftovers: old.map((leftover) => ({
        leftover,
        name: leftover.kind === 'upload' ? `the open upload of ${leftover.upload.key}` : leftover.key,
        since: leftover.since,
      })),
      warnings:
        old.length < all.length
          ? [
              `${all.length - old.length} uploads without a snapshot are younger and may be under way; they stay`,
            ]
          : [],
    };
  } catch (error) {
    signal.throwIfAborted();
    // Not every store lists open uploads to everybody; its snapshots can be pruned all the same.
    if (!(error instanceof StateError)) throw error;
    return {
      leftovers: [],
      warnings: [`leftovers of interrupted uploads were not looked for: ${error.message}`],
    };
  }
}

async function earliestNow(repository: Repository, signal: AbortSignal): Promise<Date> {
  const ours = Date.now();
  const theirs = await repository.now({ signal });
  return new Date(Math.min(ours, theirs.getTime()));
}

/** What became of a removal: the store may keep an object, which is no failure. */
export type Removal = 'removed' | 'locked';

const REMOVALS_AT_ONCE = 8;

/** Removes some at a time, in order, and tells of each. The first failure that is none of a lock is thrown in the end. */
export async function removeEach<Item>(
  items: readonly Item[],
  remove: (item: Item) => Promise<void>,
  tell: (item: Item, outcome: Removal) => void,
): Promise<void> {
  await mapConcurrently(items, REMOVALS_AT_ONCE, async (item) => {
    try {
      await remove(item);
      tell(item, 'removed');
    } catch (error) {
      if (!(error instanceof StateError) || error.code !== 'repository.remove-denied') throw error;
      tell(item, 'locked');
    }
  });
}
