import type { Fleet } from './fleet.js';
import { readJob } from './job.js';
import { type JobChoice, matches } from './job-choice.js';
import type { FleetOperation } from './operations.js';
import { type JobFailure, readFailure } from './result.js';
import { type WorkerNews, workersOf } from './worker/heartbeat.js';

export interface LaneStatus {
  readonly lane: string;
  readonly group: string;
  readonly places: readonly string[];
  readonly identity: boolean;
  readonly waiting: number;
  readonly running: number;
  /** Wait for their next attempt. */
  readonly retrying: number;
  /** Planned by the schedule. */
  readonly planned: number;
  readonly dead: number;
  /** Of the last days. */
  readonly done: number;
}

export interface DeadLetter {
  readonly job: string;
  readonly host: string;
  readonly operation: FleetOperation;
  readonly round?: string;
  readonly attempts: number;
  readonly at?: string;
  readonly error: JobFailure;
}

export interface FleetStatus {
  readonly workers: readonly WorkerNews[];
  readonly lanes: readonly LaneStatus[];
  /** The newest ones. */
  readonly dead: readonly DeadLetter[];
}

const SHOWN_DEAD = 20;

/** What a fleet is at. */
export async function fleetStatus(fleet: Fleet): Promise<FleetStatus> {
  const lanes = await Promise.all(
    (await fleet.lanes()).map(async ({ name, group, places, identity }): Promise<LaneStatus> => {
      const queue = fleet.queue(name);
      const counts = await queue.getJobCounts();
      const of = (state: string): number => counts[state] ?? 0;
      // What a schedule plans is delayed as well, one job for each.
      const planned = Math.min(await queue.getJobSchedulersCount(), of('delayed'));
      return {
        ...{ lane: name, group, places, identity, planned },
        waiting: of('waiting') + of('prioritized') + of('paused'),
        running: of('active'),
        retrying: of('delayed') - planned,
        dead: of('failed'),
        done: of('completed'),
      };
    }),
  );
  return {
    workers: await workersOf(fleet),
    lanes: lanes.sort((a, b) => (a.lane < b.lane ? -1 : 1)),
    dead: lanes.some(({ dead }) => dead > 0) ? (await deadLetters(fleet)).slice(0, SHOWN_DEAD) : [],
  };
}

const EVERYTHING: JobChoice = { hosts: undefined, operation: undefined, round: undefined, id: undefined };

/** Jobs that nobody will try again by themselves, newest first. */
export async function deadLetters(fleet: Fleet, choice = EVERYTHING): Promise<DeadLetter[]> {
  return (await dead(fleet, choice)).map(({ letter }) => letter);
}

/** Has dead letters tried again, as often as at first. */
export async function retryDead(fleet: Fleet, choice: JobChoice): Promise<DeadLetter[]> {
  const found = await dead(fleet, choice);
  for (const { job } of found) await job.retry('failed', { resetAttemptsMade: true });
  return found.map(({ letter }) => letter);
}

async function dead(fleet: Fleet, choice: JobChoice) {
  const lanes = await fleet.lanes();
  const found = await Promise.all(
    lanes.map(async ({ name }) => {
      const jobs = await fleet.queue(name).getFailed();
      return jobs.flatMap((job) => {
        const read = readJob(job?.data);
        if (read.kind !== 'job' || job.id === undefined || !matches(choice, read.job, job.id)) return [];
        const { operation, host, round } = read.job;
        const letter: DeadLetter = {
          ...{ job: job.id, host, operation, attempts: job.attemptsMade },
          ...(round !== undefined && { round }),
          ...(job.finishedOn !== undefined && { at: new Date(job.finishedOn).toISOString() }),
          error: readFailure(job.failedReason ?? ''),
        };
        return [{ job, letter }];
      });
    }),
  );
  return found.flat().sort((a, b) => ((a.letter.at ?? '') < (b.letter.at ?? '') ? 1 : -1));
}
