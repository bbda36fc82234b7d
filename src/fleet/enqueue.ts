import type { JobsOptions } from 'bullmq';
import type { Round } from '../operations/backup/round.js';
import type { HostConfig } from '../operations/hosts/host-config.js';
import type { Fleet } from './fleet.js';
import { jobFor, jobId } from './job.js';
import { laneOf, mergedLanes } from './lane.js';
import type { FleetOperation } from './operations.js';

export interface EnqueueOptions {
  readonly operation: FleetOperation;
  readonly round: Round;
  readonly readData: boolean | undefined;
}

/** A job that stands in a queue now. */
export interface EnqueuedJob {
  readonly host: string;
  readonly job: string;
  readonly lane: string;
  /** It stood there already: the same round was asked for before. */
  readonly known: boolean;
}

const DAY = 86_400;
/** How long what became of a job can be looked up. */
const KEPT = { age: 7 * DAY, count: 10_000 };
/** Dead letters wait for somebody who looks at them. */
const DEAD_KEPT = { age: 90 * DAY, count: 10_000 };
const AT_ONCE = 500;

/** Asks for an operation on each host. The same round may be asked for again, as after Redis has lost its memory. */
export async function enqueue(
  fleet: Fleet,
  hosts: readonly HostConfig[],
  { operation, round, readData }: EnqueueOptions,
): Promise<EnqueuedJob[]> {
  const wanted = hosts.map((host) => {
    const job = jobFor(operation, host, { round, readData });
    return { host, job, lane: laneOf(host, job), id: jobId(operation, host.name, round) };
  });
  const lanes = mergedLanes(wanted.map(({ lane }) => lane));
  await fleet.register(lanes.values());
  const known = new Set<string>();
  for (const name of lanes.keys()) {
    const queue = fleet.queue(name);
    const own = wanted.filter(({ lane }) => lane.name === name);
    for (let from = 0; from < own.length; from += AT_ONCE) {
      const some = own.slice(from, from + AT_ONCE);
      const there = await Promise.all(some.map(({ id }) => queue.getJobState(id)));
      some.forEach(({ id }, index) => {
        if (there[index] !== 'unknown') known.add(id);
      });
      await queue.addBulk(
        some.map(({ job, id, host }) => ({
          name: operation,
          data: job,
          opts: { ...jobOptions(host), jobId: id },
        })),
      );
    }
  }
  return wanted.map(({ host, id, lane }) => ({
    host: host.name,
    job: id,
    lane: lane.name,
    known: known.has(id),
  }));
}

/** How often a job is tried, and how long it is remembered. */
export function jobOptions({ fleet }: HostConfig): JobsOptions {
  return {
    attempts: fleet.attempts,
    backoff: { type: 'exponential', delay: fleet.retryAfter * 1000, jitter: 0.5 },
    removeOnComplete: KEPT,
    removeOnFail: DEAD_KEPT,
    stackTraceLimit: 0,
  };
}
