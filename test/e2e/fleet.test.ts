import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { startRedis, type TestRedis } from '../interop/fleet/redis.js';
import {
  countRound,
  type FleetHost,
  fleetHosts,
  startWorkerProcess,
  type WorkerProcess,
  writeFleetInventory,
} from './fleet-lab.js';
import { collect, coolifyState, lab } from './lab.js';

/**
 * Three workers and real hosts. A machine that carries more hosts says so: COOLIFY_STATE_FLEET_REAL real ones, and
 * COOLIFY_STATE_FLEET_HOSTS names of the inventory over them. Whatever is broken, each host has one good snapshot of each
 * round in the end.
 */
const REAL = Number(process.env['COOLIFY_STATE_FLEET_REAL'] ?? 3);
const HOSTS = Number(process.env['COOLIFY_STATE_FLEET_HOSTS'] ?? 12);
const FIRST_PORT = 2581;
const real = Array.from({ length: REAL }, (_one, index) => ({
  name: `fleet-${index}.test`,
  port: FIRST_PORT + index,
}));
/** A round of all hosts takes that long at most, milliseconds: on two processors that others use too. */
const PATIENCE = 1_500_000;

let folder: string;
let redis: TestRedis;
let hosts: FleetHost[];
let workers: WorkerProcess[] = [];
let started = 0;
const at = (name: string): string => join(folder, name);
const options = (state: string): string[] => ['-i', at('inventory.yml'), '--state-dir', at(state)];
const env = (): Record<string, string> => ({
  COOLIFY_STATE_REDIS_URL: redis.url,
  COOLIFY_STATE_CACHE_PATH: at('cache'),
});

beforeAll(async () => {
  for (const { name, port } of real) await lab('host.sh', 'up', name, '--port', String(port));
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-fleet-'));
  redis = await startRedis();
  hosts = fleetHosts(real, HOSTS);
  await writeFleetInventory(at('inventory.yml'), hosts, at('repository'));
}, PATIENCE);

afterAll(async () => {
  await Promise.all(workers.map((one) => one.kill()));
  await redis?.stop();
  await collect('docker', ['unpause', `coolify-state-lab-host-${real[0]?.name}`]);
  for (const { name } of real) await lab('host.sh', 'down', name);
  await rm(folder, { recursive: true, force: true });
}, PATIENCE);

/** Each has a state folder of its own, as on machines of their own. */
const startWorker = (): WorkerProcess => {
  const worker = startWorkerProcess(options(`state-${started++}`), env());
  workers.push(worker);
  return worker;
};
const threeWorkers = (): void => {
  for (const _one of [1, 2, 3]) startWorker();
};
const drainAll = async (): Promise<void> => {
  const ending = workers;
  workers = [];
  expect(await Promise.all(ending.map((one) => one.drain()))).toEqual(ending.map(() => 0));
};

const summarySchema = z.looseObject({ round: z.string().optional(), status: z.unknown().optional() });
const fleet = async (...args: readonly string[]) => {
  const { status, stdout, stderr } = await coolifyState(['fleet', ...args, '--json', ...options('state-0')], {
    env: env(),
  });
  if (status !== 0 && args[0] !== 'status') throw new Error(`${stdout}${stderr}`);
  return summarySchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
};
const enqueue = async (...args: readonly string[]): Promise<string> =>
  (await fleet('enqueue', 'backup', ...args)).round ?? '';

const lanes = z.object({
  lanes: z.array(
    z.object({ waiting: z.number(), running: z.number(), retrying: z.number(), dead: z.number() }),
  ),
});
const open = async (): Promise<{ open: number; dead: number }> => {
  const { status } = await fleet('status');
  const all = lanes.parse(status).lanes;
  return {
    open: all.reduce((sum, lane) => sum + lane.waiting + lane.running + lane.retrying, 0),
    dead: all.reduce((sum, lane) => sum + lane.dead, 0),
  };
};
const count = (round: string) => countRound({ kind: 'directory', path: at('repository') }, hosts, round);
const whole = { hosts: HOSTS, one: HOSTS, none: 0, more: 0, bad: 0, held: 0 };
/** Nothing is to be done any more, and the invariant holds; what broken uploads left is taken away by prune. */
const expectWhole = async (title: string, round: string): Promise<void> => {
  await expect.poll(open, { timeout: PATIENCE, interval: 2000 }).toEqual({ open: 0, dead: 0 });
  await drainAll();
  const counts = await count(round);
  process.stdout.write(`${title}: ${JSON.stringify(counts)}\n`);
  expect(counts).toMatchObject(whole);
  await coolifyState(['prune', ...options('state-0'), '--leftovers-older-than', '0h', '--yes'], {
    env: env(),
  });
  expect(await count(round)).toEqual({ ...whole, leftovers: 0 });
};

it('three workers back up every host once', { timeout: PATIENCE }, async () => {
  const round = await enqueue();
  threeWorkers();
  await expectWhole('all well', round);
});

it('workers that are killed at random cost no snapshot and make no second one', {
  timeout: PATIENCE,
}, async () => {
  const round = await enqueue();
  threeWorkers();
  let kills = 0;
  const seed = Date.now() % 1000;
  const random = sequence(seed);
  while ((await open()).open > 0 && kills < 8) {
    await sleep(3000 + random() * 12_000);
    const victim = workers.splice(Math.floor(random() * workers.length), 1)[0];
    await victim?.kill();
    kills++;
    startWorker();
  }
  expect(kills).toBeGreaterThan(0);
  await expectWhole(`${kills} workers killed (seed ${seed})`, round);
});

it('a Redis that restarts with nothing in it costs no snapshot either', { timeout: PATIENCE }, async () => {
  const round = await enqueue();
  threeWorkers();
  await expect
    .poll(async () => (await count(round)).one, { timeout: PATIENCE, interval: 1000 })
    .toBeGreaterThan(0);
  await redis.restart();
  const before = (await count(round)).one;
  expect(await enqueue('--round', round)).toBe(round);
  await redis.command('FLUSHALL');
  expect(await enqueue('--round', round)).toBe(round);
  await expectWhole(`Redis restarted and emptied (${before} were done)`, round);
});

it('a site that is cut off keeps no other waiting, and is caught up', { timeout: PATIENCE }, async () => {
  const container = `coolify-state-lab-host-${real[0]?.name}`;
  const cut = hosts.filter((host) => host.real === real[0]?.name).length;
  await collect('docker', ['pause', container]);
  const round = await enqueue();
  threeWorkers();
  await expect.poll(open, { timeout: PATIENCE, interval: 2000 }).toEqual({ open: 0, dead: cut });
  const counts = await count(round);
  process.stdout.write(`a site cut off: ${JSON.stringify(counts)}\n`);
  expect(counts).toMatchObject({ one: HOSTS - cut, none: cut, more: 0, bad: 0 });
  await collect('docker', ['unpause', container]);
  await fleet('retry');
  await expectWhole('the site is back', round);
});

/** Numbers from 0 to 1, the same for a seed. */
function sequence(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
