import type { Worker } from 'bullmq';
import { StateError } from '../../core/errors.js';
import type { Fleet, LaneWorkerOptions } from '../fleet.js';
import { readJob } from '../job.js';
import type { Lane } from '../lane.js';
import { encodeFailure } from '../result.js';
import type { Taken } from './taken-job.js';

/** A job of another version is looked at again after so long. Milliseconds. */
const FOREIGN_PAUSE = 60_000;

/** Where jobs are taken from: a lane's end of BullMQ, opened when it is first asked. */
export class Sources {
  readonly #open = new Map<string, Promise<Worker>>();

  constructor(
    readonly fleet: Fleet,
    readonly options: LaneWorkerOptions,
  ) {}

  /** The next job of a lane that can be worked on. */
  async next(lane: Lane, token: string): Promise<Taken | undefined> {
    const source = await this.#of(lane);
    const job = await source.getNextJob(token, { block: false });
    if (job === undefined || job === null) return undefined;
    const found = readJob(job.data);
    if (found.kind === 'job') return { job, token, lane, work: found.job };
    if (found.kind === 'foreign') {
      await job.moveToDelayed(Date.now() + FOREIGN_PAUSE, token);
    } else {
      const { UnrecoverableError } = this.fleet.bullmq;
      await job.moveToFailed(new UnrecoverableError(encodeFailure(invalidJob(found.why))), token, false);
    }
    return undefined;
  }

  /** What is at work has ended before. */
  async close(): Promise<void> {
    for (const source of await Promise.allSettled(this.#open.values()))
      if (source.status === 'fulfilled') await source.value.close(true).catch(() => undefined);
  }

  #of({ name }: Lane): Promise<Worker> {
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const made = this.fleet.laneWorker(name, this.options);
    made.catch(() => this.#open.delete(name));
    this.#open.set(name, made);
    return made;
  }
}

function invalidJob(why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'fleet.bad-job',
    what: 'This is no job of a fleet',
    why,
    next: 'see who else writes to this Redis',
  });
}
