import type { Fleet } from './fleet.js';
import { readJob } from './job.js';
import { type JobChoice, matches } from './job-choice.js';

export interface Cancelled {
  /** Were not begun, and are gone. */
  readonly removed: readonly string[];
  /** Are at work: their workers break them off within some seconds. */
  readonly asked: readonly string[];
}

/** Cancels jobs. What a schedule has planned for later stays planned. */
export async function cancelJobs(fleet: Fleet, choice: JobChoice): Promise<Cancelled> {
  const removed: string[] = [];
  const asked: string[] = [];
  for (const lane of await fleet.lanes()) {
    const queue = fleet.queue(lane.name);
    for (const job of await queue.getJobs(['waiting', 'prioritized', 'delayed', 'active'])) {
      const found = readJob(job?.data);
      if (found.kind !== 'job' || job.id === undefined || !matches(choice, found.job, job.id)) continue;
      const isScheduled = job.repeatJobKey !== undefined && (await job.isDelayed());
      if (isScheduled && job.attemptsMade === 0) continue;
      try {
        if (!(await job.isActive())) {
          await job.remove();
          removed.push(job.id);
          continue;
        }
      } catch {
        // It was taken this moment.
      }
      asked.push(job.id);
    }
  }
  if (asked.length > 0) {
    const key = fleet.key('cancelled');
    await fleet.redis.sadd(key, ...asked);
    await fleet.redis.expire(key, KEPT_SECONDS);
  }
  return { removed, asked };
}

const KEPT_SECONDS = 3600;

/** Which of some jobs somebody has cancelled. */
export async function cancelledAmong(fleet: Fleet, ids: readonly string[]): Promise<ReadonlySet<string>> {
  if (ids.length === 0) return new Set();
  const found = await fleet.redis.smismember(fleet.key('cancelled'), ...ids);
  return new Set(ids.filter((_id, index) => found[index] === 1));
}
