import { asStateError, type StateError } from '../../core/errors.js';
import { roundAt } from '../../operations/backup/round.js';
import { mapConcurrently } from '../../repository/map-concurrently.js';
import { openRepository } from '../../repository/open.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import { type EnqueuedJob, enqueue } from '../enqueue.js';
import type { Fleet } from '../fleet.js';
import { lastOf, type Planned } from './schedule.js';

/** So long a backup may be due before it is looked for. Milliseconds. */
const PATIENCE = 300_000;
const AT_ONCE = 16;

export interface CaughtUp {
  readonly jobs: readonly EnqueuedJob[];
  readonly errors: readonly StateError[];
}

/**
 * Asks for the backups that were due and of which neither a snapshot nor a job is there: those that Redis has forgotten, and
 * those of a time when no worker ran. What there is, is told by the repositories; the round is that of the schedule, so that
 * a job that was not lost after all makes no second snapshot.
 */
export async function catchUp(
  fleet: Fleet,
  planned: readonly Planned[],
  signal: AbortSignal,
  now = Date.now(),
): Promise<CaughtUp> {
  const due = planned.filter(
    (one) => one.operation === 'backup' && now - lastOf(one, now).getTime() > PATIENCE,
  );
  const looked = await mapConcurrently(due, AT_ONCE, async (one) => {
    try {
      const since = lastOf(one, now);
      const scheduled = `repeat:${one.id}:${since.getTime()}`;
      const state = await fleet.queue(one.lane.name).getJobState(scheduled);
      if (state !== 'unknown') return [];
      return (await hasSnapshotSince(one, since, signal)) ? [] : [{ one, since }];
    } catch (error) {
      signal.throwIfAborted();
      return [asStateError(error, 'The repository could not be looked into').onHost(one.host.name)];
    }
  });
  const found = looked.flat();
  const jobs: EnqueuedJob[] = [];
  for (const missing of found) {
    if (missing instanceof Error) continue;
    const { one, since } = missing;
    const options = { operation: 'backup', round: roundAt(since), readData: undefined } as const;
    jobs.push(...(await enqueue(fleet, [one.host], options)));
  }
  return {
    jobs: jobs.filter(({ known }) => !known),
    errors: found.filter((one) => one instanceof Error),
  };
}

async function hasSnapshotSince({ host }: Planned, since: Date, signal: AbortSignal): Promise<boolean> {
  for (const settings of host.repositories) {
    const repository = await openRepository(settings);
    try {
      const all = await new SnapshotRepository(repository).list(host.name, { signal });
      if (!all.some(({ createdAt }) => createdAt >= since)) return false;
    } finally {
      await repository.close();
    }
  }
  return host.repositories.length > 0;
}
