import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { asStateError } from '../../core/errors.js';
import type { EventSink } from '../../engine/events.js';
import { TOOL } from '../../tool.js';
import { cancelledAmong } from '../cancel.js';
import type { Fleet } from '../fleet.js';
import type { Lane } from '../lane.js';
import { Limits } from '../limits.js';
import { forgetWorker, tellOfWorker } from './heartbeat.js';
import { lackOfRoom, loadOfProcessor, type RoomLimits } from './room.js';
import { Sources } from './sources.js';
import { type JobEnd, type Perform, type Taken, TakenJob } from './taken-job.js';
import { Turns } from './turns.js';

export interface FleetWorkerOptions {
  readonly fleet: Fleet;
  /** Jobs at once. */
  readonly concurrency: number;
  /** How many of them may open snapshots; 0 for a worker without the identity, which is given none of these. */
  readonly identityJobs: number;
  readonly room: RoomLimits;
  /** Milliseconds without a sign of life after which a job is given to another. */
  readonly stalledAfter: number;
  readonly perform: Perform;
  readonly emit: EventSink;
  readonly told: (news: WorkerEvent) => void;
  /** Begin nothing more, finish what is at work, and end. */
  readonly drain: AbortSignal;
  /** Break off; what is at work goes back to the queue. */
  readonly signal: AbortSignal;
}

interface JobFacts {
  readonly host: string;
  readonly operation: string;
  readonly job: string;
}

/** What a worker tells beside the events of hosts. */
export type WorkerEvent =
  | ({ readonly type: 'job-start' } & JobFacts)
  | ({ readonly type: 'job-end'; readonly milliseconds: number } & JobFacts & JobEnd)
  | { readonly type: 'worker-warning'; readonly message: string };

/** How often signs of life are given, and how often lanes are looked up. Milliseconds. */
const RHYTHM = 5000;
const LOOK_EVERY = 1000;
const SHORTEST_PAUSE = 100;
const LONGEST_PAUSE = 2000;

/** Works off a fleet's jobs until it is drained. */
export class FleetWorker {
  readonly name = `${hostname()}-${process.pid}-${randomBytes(2).toString('hex')}`;
  readonly #startedAt = new Date();
  readonly #turns = new Turns();
  readonly #sources: Sources;
  readonly #limits: Limits;
  /** By the token of each job. */
  readonly #running = new Map<string, TakenJob>();
  readonly #ends = new Set<Promise<void>>();
  #lanes: readonly Lane[] = [];
  #lanesAt = Number.NEGATIVE_INFINITY;
  #tokens = 0;
  #done = 0;
  #lack: ReturnType<typeof lackOfRoom>;
  /** Aborted to have the pause ended. */
  #pause = new AbortController();
  #trouble = '';

  constructor(readonly options: FleetWorkerOptions) {
    const { fleet, stalledAfter } = options;
    this.#sources = new Sources(fleet, { worker: this.name, stalledAfter });
    this.#limits = new Limits(fleet, stalledAfter * 2);
  }

  async run(): Promise<void> {
    const stopped = AbortSignal.any([this.options.drain, this.options.signal]);
    const wake = (): void => this.#pause.abort();
    stopped.addEventListener('abort', wake);
    const pulse = this.#pulseAgainAndAgain(stopped);
    for (let pause = SHORTEST_PAUSE; !stopped.aborted; ) {
      const isTaken = await this.#attempt(async () => this.#hasRoom() && (await this.#takeOne()));
      pause = isTaken === true ? SHORTEST_PAUSE : Math.min(pause * 2, LONGEST_PAUSE);
      if (isTaken !== true) await this.#rest(pause);
    }
    stopped.removeEventListener('abort', wake);
    await Promise.all(this.#ends);
    await pulse;
    await this.#sources.close();
    await this.#attempt(() => forgetWorker(this.options.fleet, this.name));
  }

  #hasRoom(): boolean {
    this.#lack = this.#running.size === 0 ? undefined : lackOfRoom(this.options.room);
    return this.#running.size < this.options.concurrency && this.#lack === undefined;
  }

  /** Takes a job of the group whose turn it is. False when there is none for this worker. */
  async #takeOne(): Promise<boolean> {
    if (performance.now() - this.#lanesAt > LOOK_EVERY) {
      this.#lanes = await this.options.fleet.lanes();
      this.#lanesAt = performance.now();
    }
    const opening = [...this.#running.values()].filter(({ taken }) => taken.lane.identity).length;
    for (const lane of this.#turns.order(this.#lanes)) {
      if (lane.identity && opening >= this.options.identityJobs) continue;
      const token = `${this.name}:${this.#tokens++}`;
      if (!(await this.#limits.take(lane, token))) continue;
      const taken = await this.#sources.next(lane, token);
      if (taken !== undefined) {
        this.#turns.served(lane);
        this.#begin(taken);
        return true;
      }
      await this.#limits.free(lane, token);
    }
    return false;
  }

  #begin(taken: Taken): void {
    const { fleet, perform, signal, emit, told } = this.options;
    const { token, lane, work, job } = taken;
    const running = new TakenJob(taken, { fleet, worker: this.name, perform, signal, emit });
    this.#running.set(token, running);
    const facts = { host: work.host, operation: work.operation, job: job.id ?? '' };
    told({ type: 'job-start', ...facts });
    const end = running.run().then(async ({ unsettled, ...how }) => {
      this.#running.delete(token);
      this.#done++;
      told({ type: 'job-end', ...facts, milliseconds: Date.now() - running.since.getTime(), ...how });
      if (unsettled !== undefined)
        told({
          type: 'worker-warning',
          message: `${work.host}: the queue could not be told how its job ended (${unsettled.message})`,
        });
      await this.#attempt(() => this.#limits.free(lane, token));
      this.#pause.abort();
    });
    this.#ends.add(end);
    void end.finally(() => this.#ends.delete(end));
  }

  /** Signs of life: of the worker, of its jobs, and of their places. Goes on until the last job has ended. */
  async #pulseAgainAndAgain(stopped: AbortSignal): Promise<void> {
    const rhythm = Math.min(RHYTHM, this.options.stalledAfter / 3);
    while (!stopped.aborted || this.#ends.size > 0) {
      await this.#attempt(() => this.#pulse(stopped.aborted));
      const over = new AbortController();
      const rest = sleep(rhythm, undefined, { signal: over.signal }).catch(() => undefined);
      await Promise.race([rest, stopped.aborted ? Promise.all(this.#ends) : aborted(stopped, over.signal)]);
      over.abort();
    }
  }

  async #pulse(isDraining: boolean): Promise<void> {
    const { fleet, stalledAfter, concurrency, identityJobs } = this.options;
    const running = [...this.#running];
    await tellOfWorker(fleet, {
      ...{ name: this.name, version: TOOL.version, machine: hostname(), pid: process.pid, concurrency },
      startedAt: this.#startedAt.toISOString(),
      at: new Date().toISOString(),
      identity: identityJobs > 0,
      state: isDraining ? 'draining' : this.#lack === undefined ? 'working' : `no-${this.#lack}`,
      memory: process.memoryUsage.rss(),
      load: loadOfProcessor(),
      done: this.#done,
      running: running.map(([, one]) => one.news()),
    });
    const ids = running.map(([, { taken }]) => taken.job.id ?? '');
    const cancelled = await cancelledAmong(fleet, ids);
    for (const [token, one] of running) {
      if (cancelled.has(one.taken.job.id ?? '')) one.cancel();
      await this.#limits.take(one.taken.lane, token);
      // What Redis has forgotten, or given to another, is finished all the same.
      await one.keep(stalledAfter).catch(() => undefined);
    }
  }

  /** Redis may be gone for a while: that is told once, and then waited for. */
  async #attempt<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      const result = await work();
      this.#trouble = '';
      return result;
    } catch (thrown) {
      const { message } = asStateError(thrown, 'Redis could not be asked');
      if (message !== this.#trouble) this.options.told({ type: 'worker-warning', message });
      this.#trouble = message;
      return undefined;
    }
  }

  async #rest(milliseconds: number): Promise<void> {
    // Spread, so that idle workers do not ask at the same moment.
    const spread = milliseconds * (0.5 + Math.random() / 2);
    await sleep(spread, undefined, { signal: this.#pause.signal }).catch(() => undefined);
    if (this.#pause.signal.aborted) this.#pause = new AbortController();
  }
}

/** Settles when a signal aborts, or when nobody waits for that any more. */
function aborted(signal: AbortSignal, over: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => resolve();
    signal.addEventListener('abort', end, { once: true, signal: over });
    over.addEventListener('abort', end, { once: true });
  });
}
