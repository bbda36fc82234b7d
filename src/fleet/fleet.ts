import type { Queue, Worker } from 'bullmq';
import { z } from 'zod';
import { StateError } from '../core/errors.js';
import { JOB_FORMAT } from './job.js';
import { type Lane, laneSchema } from './lane.js';
import { connectRedis, type RedisClient, type RedisSource, redisFailure } from './redis/connection.js';
import { loadQueue } from './redis/packages.js';
import { nextTime } from './schedule/times.js';

export interface FleetOptions {
  readonly redis: RedisSource;
  /** Several fleets may share a Redis. */
  readonly name: string;
  /** Wait for a Redis that was lost. */
  readonly patient: boolean;
}

/** How a lane is worked off. Milliseconds. */
export interface LaneWorkerOptions {
  /** Name of the worker, which is told of its jobs. */
  readonly worker: string;
  /** After so long without a sign of life a job is given to another. */
  readonly stalledAfter: number;
}

/** How often a job may lose its worker before it is taken for what kills workers. */
const STALLS = 10;

/** A fleet's queues, which are BullMQ's, and what stands beside them in Redis. Closed by whoever opened it. */
export class Fleet {
  readonly #queues = new Map<string, Queue>();

  private constructor(
    readonly redis: RedisClient,
    readonly bullmq: typeof import('bullmq'),
    readonly prefix: string,
  ) {}

  /** @throws StateError `fleet.*` */
  static async open({ redis, name, patient }: FleetOptions): Promise<Fleet> {
    if (!/^[A-Za-z0-9._-]{1,60}$/.test(name)) throw badName();
    const bullmq = await loadQueue();
    const client = await connectRedis(redis, { patient });
    // The braces keep all of it on one node of a cluster, as BullMQ's scripts need it.
    return new Fleet(client, bullmq, `{coolify-state:${name}}`);
  }

  key(...parts: readonly string[]): string {
    return [this.prefix, `v${JOB_FORMAT}`, ...parts].join(':');
  }

  queue(lane: string): Queue {
    const known = this.#queues.get(lane);
    if (known !== undefined) return known;
    const queue = new this.bullmq.Queue(lane, this.#options());
    // Told by what is asked of it.
    queue.on('error', () => undefined);
    this.#queues.set(lane, queue);
    return queue;
  }

  /** Takes jobs one by one when asked; nothing runs by itself but the search for jobs whose worker died. */
  async laneWorker(lane: string, { worker: name, stalledAfter }: LaneWorkerOptions): Promise<Worker> {
    const worker = new this.bullmq.Worker(lane, null, {
      ...this.#options(),
      name,
      autorun: false,
      lockDuration: stalledAfter,
      stalledInterval: stalledAfter,
      maxStalledCount: STALLS,
    });
    worker.on('error', () => undefined);
    await worker.waitUntilReady();
    await worker.startStalledCheckTimer();
    return worker;
  }

  /** Every lane that has ever been filled. */
  async lanes(): Promise<Lane[]> {
    const found = await this.redis.hgetall(this.key('lanes'));
    return Object.values(found).flatMap((text) => {
      const lane = laneSchema.safeParse(jsonOf(text));
      return lane.success ? [lane.data] : [];
    });
  }

  async register(lanes: Iterable<Lane>): Promise<void> {
    const entries = [...lanes].map((lane): [string, string] => [lane.name, JSON.stringify(lane)]);
    if (entries.length > 0) await this.redis.hset(this.key('lanes'), Object.fromEntries(entries));
  }

  async close(): Promise<void> {
    await Promise.allSettled([...this.#queues.values()].map((queue) => queue.close()));
    this.redis.disconnect();
  }

  /** Runs what asks Redis; what goes wrong is an error of ours. */
  async asked<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      throw redisFailure(error);
    }
  }

  #options() {
    return {
      connection: this.redis,
      prefix: this.prefix,
      settings: {
        repeatStrategy: (after: number, { pattern }: { pattern?: string }) => nextTime(after, pattern ?? ''),
      },
    };
  }
}

/** Undefined for what is not JSON: whoever may write to Redis may have written it. */
export function jsonOf(text: string): unknown {
  try {
    return z.unknown().parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function badName(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: '--fleet takes a name of up to 60 letters, digits, ".", "_" and "-"',
    next: 'leave it out when the Redis has one fleet only',
  });
}
