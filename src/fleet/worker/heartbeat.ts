import { z } from 'zod';
import { type Fleet, jsonOf } from '../fleet.js';
import { OPERATIONS } from '../operations.js';

/** What is not heard of for so long is gone. Milliseconds. */
export const GONE_AFTER = 60_000;

const text = z.string().max(1000);
const time = z.iso.datetime();

const schema = z.object({
  name: text,
  version: text,
  machine: text,
  pid: z.int(),
  startedAt: time,
  /** When it said so. */
  at: time,
  concurrency: z.int(),
  /** Whether it has the identity, and takes what opens snapshots. */
  identity: z.boolean(),
  state: z.enum(['working', 'draining', 'no-memory', 'no-load']),
  memory: z.number(),
  /** Of the machine, for each processor. */
  load: z.number(),
  /** Since it started. */
  done: z.int(),
  running: z
    .array(
      z.object({
        host: text,
        operation: z.enum(OPERATIONS),
        job: text,
        round: text.optional(),
        since: time,
        task: text,
      }),
    )
    .max(10_000),
});

/** A sign of life of a worker. */
export type WorkerNews = Readonly<z.output<typeof schema>>;

export async function tellOfWorker(fleet: Fleet, news: WorkerNews): Promise<void> {
  await fleet.redis.hset(fleet.key('workers'), news.name, JSON.stringify(news));
}

export async function forgetWorker(fleet: Fleet, name: string): Promise<void> {
  await fleet.redis.hdel(fleet.key('workers'), name);
}

/** Workers that have given a sign of life of late; the others are forgotten. */
export async function workersOf(fleet: Fleet, now = Date.now()): Promise<WorkerNews[]> {
  const found = Object.entries(await fleet.redis.hgetall(fleet.key('workers')));
  const alive: WorkerNews[] = [];
  for (const [name, news] of found) {
    const read = schema.safeParse(jsonOf(news));
    if (read.success && now - Date.parse(read.data.at) < GONE_AFTER) alive.push(read.data);
    else await forgetWorker(fleet, name);
  }
  return alive.sort((a, b) => (a.name < b.name ? -1 : 1));
}
