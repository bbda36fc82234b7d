import type { Job } from 'bullmq';
import { asStateError, StateError } from '../../core/errors.js';
import type { EngineEvent, EventSink } from '../../engine/events.js';
import type { Fleet } from '../fleet.js';
import { type FleetJob, JOB_FORMAT, roundOfJob } from '../job.js';
import type { Lane } from '../lane.js';
import { encodeFailure, type JobResult, type Performed } from '../result.js';
import { dispositionOf } from './disposition.js';
import type { WorkerNews } from './heartbeat.js';

/** A job that this worker has from BullMQ. */
export interface Taken {
  readonly job: Job;
  readonly token: string;
  readonly lane: Lane;
  readonly work: FleetJob;
}

/** How a job ended here. */
export type JobEnd =
  | { readonly end: 'done' | 'already' | 'cancelled' | 'back' }
  | { readonly end: 'retry' | 'dead'; readonly error: StateError };

export type Perform = (
  work: FleetJob,
  round: ReturnType<typeof roundOfJob>,
  surroundings: { readonly signal: AbortSignal; readonly emit: EventSink },
) => Promise<Performed>;

export interface TakenJobOptions {
  readonly fleet: Fleet;
  /** Name of this worker. */
  readonly worker: string;
  readonly perform: Perform;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

/**
 * One job at work. That Redis gave it to another meanwhile, or forgot it, does not stop the work: the lease of the snapshots
 * and the round see to it that no second one comes of it, and a backup that is nearly done is worth more than a tidy queue.
 */
export class TakenJob {
  readonly since = new Date();
  readonly #cancel = new AbortController();
  /** The step that is at work. */
  #task = '';

  constructor(
    readonly taken: Taken,
    readonly options: TakenJobOptions,
  ) {}

  /** Keeps BullMQ from giving the job to another for some more time. */
  async keep(milliseconds: number): Promise<void> {
    const { job, token } = this.taken;
    await job.extendLock(token, milliseconds);
  }

  /** For whoever watches. */
  news(): WorkerNews['running'][number] {
    const { work, job } = this.taken;
    const round = roundOfJob(work, job.opts.prevMillis)?.id;
    return {
      host: work.host,
      operation: work.operation,
      job: job.id ?? '',
      ...(round !== undefined && { round }),
      since: this.since.toISOString(),
      task: this.#task,
    };
  }

  cancel(): void {
    this.#cancel.abort(cancelled());
  }

  /** Never throws: what the queue says of it is not what became of the host. */
  async run(): Promise<JobEnd & { readonly unsettled?: StateError }> {
    const end = await this.#performed();
    try {
      await this.#settle(end);
      return end;
    } catch (error) {
      return { ...end, unsettled: asStateError(error, 'The queue could not be told of it') };
    }
  }

  async #performed(): Promise<JobEnd & { readonly performed?: Performed }> {
    const { work, job } = this.taken;
    const { perform, signal, emit } = this.options;
    const watched = (event: EngineEvent): void => {
      if (event.type === 'task-start') this.#task = event.task;
      emit(event);
    };
    try {
      const performed = await perform(work, roundOfJob(work, job.opts.prevMillis), {
        signal: AbortSignal.any([signal, this.#cancel.signal]),
        emit: watched,
      });
      const { error } = performed.report;
      return error === undefined ? { end: performed.outcome, performed } : this.#failed(error);
    } catch (error) {
      return this.#failed(asStateError(error, 'The job failed').onHost(work.host));
    }
  }

  #failed(error: StateError): JobEnd {
    if (this.#cancel.signal.aborted && error.kind === 'interrupted') return { end: 'cancelled' };
    const end = this.options.signal.aborted ? 'back' : dispositionOf(error);
    if (end === 'back') return { end };
    const { job } = this.taken;
    const isLast = job.attemptsMade + 1 >= (job.opts.attempts ?? 1);
    return { end: isLast ? 'dead' : end, error };
  }

  async #settle(end: JobEnd & { readonly performed?: Performed }): Promise<void> {
    const { job, token } = this.taken;
    switch (end.end) {
      case 'done':
      case 'already':
      case 'cancelled':
        await job.moveToCompleted(this.#result(end.end, end.performed), token, false);
        break;
      case 'back':
        await job.moveToWait(token);
        break;
      case 'retry':
        await job.moveToFailed(new Error(encodeFailure(end.error)), token, false);
        break;
      case 'dead': {
        const { UnrecoverableError } = this.options.fleet.bullmq;
        await job.moveToFailed(new UnrecoverableError(encodeFailure(end.error)), token, false);
        break;
      }
    }
  }

  #result(outcome: JobResult['outcome'], performed: Performed | undefined): JobResult {
    const { operation, host } = this.taken.work;
    return {
      format: JOB_FORMAT,
      operation,
      host,
      outcome,
      worker: this.options.worker,
      milliseconds: Date.now() - this.since.getTime(),
      snapshots: [...(performed?.snapshots ?? [])],
    };
  }
}

function cancelled(): StateError {
  return new StateError({
    kind: 'interrupted',
    code: 'fleet.cancelled',
    what: 'The job was cancelled',
    next: 'ask for it again with "coolify-state fleet enqueue"',
  });
}
