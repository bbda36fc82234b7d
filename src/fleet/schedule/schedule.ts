import type { HostConfig } from '../../operations/hosts/host-config.js';
import { jobOptions } from '../enqueue.js';
import type { Fleet } from '../fleet.js';
import { type FleetJob, hashOf, jobFor } from '../job.js';
import { type Lane, laneOf, mergedLanes } from '../lane.js';
import { type FleetOperation, OPERATIONS } from '../operations.js';
import { lastTime, nextTime, showTimes, type Times, timesOf } from './times.js';

/** An operation of a host that is due again and again. */
export interface Planned {
  readonly host: HostConfig;
  readonly operation: FleetOperation;
  readonly times: Times;
  readonly job: FleetJob;
  readonly lane: Lane;
  /** Of its job scheduler in BullMQ. */
  readonly id: string;
}

/** What the inventory wants done again and again. */
export function plannedOf(hosts: readonly HostConfig[]): Planned[] {
  return hosts.flatMap((host) =>
    OPERATIONS.flatMap((operation): Planned[] => {
      const { every: intervals, start, jitter } = host.fleet;
      const every = intervals[operation];
      if (every === undefined) return [];
      const job = jobFor(operation, host);
      return [
        {
          ...{ host, operation, job },
          times: timesOf({ every, start, jitter }, host.name, operation),
          lane: laneOf(host, job),
          id: `${operation}-${hashOf(host.name)}`,
        },
      ];
    }),
  );
}

export function nextOf({ times }: Planned, now = Date.now()): Date {
  return new Date(nextTime(now, showTimes(times)) ?? now);
}

export function lastOf({ times }: Planned, now = Date.now()): Date {
  return new Date(lastTime(times, now));
}

export interface Synchronised {
  /** Were not there, or otherwise. */
  readonly set: readonly Planned[];
  /** How many are not in the inventory any more. */
  readonly removed: number;
}

/** Makes BullMQ's job schedulers those that the inventory wants. What is right already is not touched. */
export async function synchronise(fleet: Fleet, planned: readonly Planned[]): Promise<Synchronised> {
  const lanes = mergedLanes(planned.map(({ lane }) => lane));
  await fleet.register(lanes.values());
  const set: Planned[] = [];
  let removed = 0;
  for (const { name } of await fleet.lanes()) {
    const queue = fleet.queue(name);
    const own = planned.filter(({ lane }) => lane.name === name);
    const there = new Map((await queue.getJobSchedulers()).map((one) => [one.key, one]));
    for (const one of own) {
      const known = there.get(one.id);
      there.delete(one.id);
      const { attempts } = known?.template?.opts ?? {};
      if (
        known?.pattern === showTimes(one.times) &&
        attempts === one.host.fleet.attempts &&
        JSON.stringify(known.template?.data) === JSON.stringify(one.job)
      )
        continue;
      await queue.upsertJobScheduler(
        one.id,
        { pattern: showTimes(one.times) },
        { name: one.operation, data: one.job, opts: jobOptions(one.host) },
      );
      set.push(one);
    }
    for (const id of there.keys()) {
      await queue.removeJobScheduler(id);
      removed++;
    }
  }
  return { set, removed };
}
