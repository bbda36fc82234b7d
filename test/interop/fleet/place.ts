import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet } from '../../../src/fleet/fleet.js';
import type { FleetJob } from '../../../src/fleet/job.js';
import type { Performed } from '../../../src/fleet/result.js';
import type { Perform } from '../../../src/fleet/worker/taken-job.js';
import { FleetWorker, type FleetWorkerOptions, type WorkerEvent } from '../../../src/fleet/worker/worker.js';
import type { HostConfig } from '../../../src/operations/hosts/host-config.js';
import { loadHosts } from '../../../src/operations/hosts/load-hosts.js';
import type { TestRedis } from './redis.js';

type Vars = Readonly<Record<string, unknown>>;

/** Hosts as an inventory says them. */
export async function hostsOf(hosts: Readonly<Record<string, Vars>>, all: Vars = {}): Promise<HostConfig[]> {
  const folder = await mkdtemp(join(tmpdir(), 'fleet-hosts-'));
  try {
    const vars = {
      coolify_backup_encryption_key_path: join(folder, 'key'),
      coolify_repository: `file:${join(folder, 'repository')}`,
      coolify_fleet_retry_after: '1s',
      ...all,
    };
    // JSON is YAML.
    await writeFile(join(folder, 'inventory.yml'), JSON.stringify({ all: { vars }, controller: { hosts } }));
    return await loadHosts({
      sources: [join(folder, 'inventory.yml')],
      pattern: 'controller',
      limit: undefined,
      offline: true,
      warn: () => undefined,
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Names `prefix0` and on, with the same variables. */
export function many(prefix: string, count: number, vars: Vars): Record<string, Vars> {
  return Object.fromEntries(Array.from({ length: count }, (_one, index) => [`${prefix}${index}`, vars]));
}

export function openFleet({ url }: Pick<TestRedis, 'url'>, patient = false): Promise<Fleet> {
  return Fleet.open({ redis: { url, caFile: undefined, env: {} }, name: 'test', patient });
}

/** A job that came to a good end. */
export function well({ host }: FleetJob): Performed {
  const recap = { ok: 1, changed: 0, skipped: 0, failed: 0, unreachable: 0 };
  return { outcome: 'done', report: { host, recap, tasks: [], milliseconds: 1 }, snapshots: [] };
}

export interface TestWorker {
  readonly worker: FleetWorker;
  readonly told: readonly WorkerEvent[];
  /** Finishes what is at work and ends. */
  drain(): Promise<void>;
  /** Breaks off. */
  stop(): Promise<void>;
}

/** A worker in this process with work of the test's. */
export async function startWorker(
  redis: Pick<TestRedis, 'url'>,
  perform: Perform,
  options: Partial<FleetWorkerOptions> = {},
): Promise<TestWorker> {
  const fleet = await openFleet(redis, true);
  const drain = new AbortController();
  const stop = new AbortController();
  const told: WorkerEvent[] = [];
  const worker = new FleetWorker({
    fleet,
    concurrency: 4,
    identityJobs: 0,
    room: { memory: undefined, load: undefined },
    stalledAfter: 3000,
    perform,
    emit: () => undefined,
    told: (event) => told.push(event),
    drain: drain.signal,
    signal: stop.signal,
    ...options,
  });
  const ended = worker.run().finally(() => fleet.close());
  return {
    worker,
    told,
    drain: async () => {
      drain.abort();
      await ended;
    },
    stop: async () => {
      stop.abort();
      await ended;
    },
  };
}
