import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Secret } from '../../src/core/secret.js';
import { openRepository, type RepositorySettings } from '../../src/repository/open.js';
import { SnapshotRepository } from '../../src/repository/snapshots/snapshots.js';
import { type ComposePlace, composePlace } from './compose-place.js';
import { countRound, type FleetHost, fleetHosts } from './fleet-lab.js';
import { collect, lab, PROJECT, s3 } from './lab.js';
import { secretsIn, secretsOf } from './secret-search.js';
import { recordOutput } from './whole-run/record.js';

/**
 * docker/fleet/compose.yaml, started as docs/fleet.md says: Redis, two workers and a scheduler in containers, each a machine
 * of its own to the others. Two real hosts under six names, snapshots in Ceph's S3.
 */
const IMAGE = 'coolify-state-lab/program-fleet';
const BUCKET = 'fleet-compose';
const real = [
  { name: 'compose-a.test', port: 2461 },
  { name: 'compose-b.test', port: 2462 },
];
const hosts: readonly FleetHost[] = fleetHosts(real, 6);
const whole = { hosts: 6, one: 6, none: 0, more: 0, bad: 0, held: 0 };
/** A lease of a machine that is gone is believed for three minutes. Milliseconds. */
const PATIENCE = 1_200_000;
const poll = { timeout: PATIENCE, interval: 2000 };

let place: ComposePlace;
let settings: RepositorySettings;
const redisPassword = randomBytes(32).toString('hex');

beforeAll(async () => {
  const store = await s3();
  await lab('s3.sh', 'bucket', BUCKET);
  await lab('node-image.sh');
  const built = await collect(join(PROJECT, 'release/image.sh'), ['--fleet', IMAGE]);
  expect(built.status, built.stdout + built.stderr).toBe(0);
  for (const { name, port } of real) await lab('host.sh', 'up', name, '--port', String(port));
  const { HETZNER_S3_ACCESS_KEY = '', HETZNER_S3_SECRET_KEY = '' } = store.env;
  const path = `run-${process.pid}-${Date.now()}`;
  settings = {
    ...{ kind: 's3', endpoint: store.endpoint, bucket: BUCKET, path },
    accessKeyId: new Secret(HETZNER_S3_ACCESS_KEY),
    secretAccessKey: new Secret(HETZNER_S3_SECRET_KEY),
  };
  place = await composePlace({
    hosts,
    image: IMAGE,
    secrets: { COOLIFY_STATE_REDIS_PASSWORD: redisPassword, HETZNER_S3_ACCESS_KEY, HETZNER_S3_SECRET_KEY },
    vars: {
      coolify_s3_endpoint: 'http://s3.test:7480',
      coolify_s3_bucket: BUCKET,
      coolify_s3_path: path,
      coolify_fleet_backup_every: '1d',
      // Half a day from now: what is missing is that of the last time, and no other comes due meanwhile.
      coolify_fleet_start: `${(new Date().getUTCHours() + 12) % 24}h`,
      coolify_fleet_retry_after: '30s',
    },
  });
}, PATIENCE);

afterAll(async () => {
  await place?.remove();
  for (const { name } of real) await lab('host.sh', 'down', name);
  await collect('docker', ['rmi', IMAGE]);
}, PATIENCE);

const statusSchema = z.object({
  status: z.object({
    workers: z.array(z.object({ name: z.string(), identity: z.boolean(), done: z.number() })),
    lanes: z.array(
      z.object({
        waiting: z.number(),
        running: z.number(),
        retrying: z.number(),
        dead: z.number(),
        done: z.number(),
      }),
    ),
    dead: z.array(z.unknown()),
  }),
});
const status = async () => {
  const { stdout, stderr } = await place.compose('run', '--rm', 'scheduler', 'fleet', 'status', '--json');
  expect(stdout, stderr).not.toBe('');
  return statusSchema.parse(JSON.parse(stdout)).status;
};
const open = async () => {
  const { lanes, dead } = await status();
  return {
    open: lanes.reduce((sum, { waiting, running, retrying }) => sum + waiting + running + retrying, 0),
    dead,
  };
};
const done = async (): Promise<number> => (await status()).lanes.reduce((sum, lane) => sum + lane.done, 0);

/** Of each host, how many snapshots. */
async function snapshots(): Promise<number[]> {
  const repository = await openRepository(settings);
  try {
    const all = new SnapshotRepository(repository);
    return await Promise.all(hosts.map(async ({ name }) => (await all.listDescribed(name)).length));
  } finally {
    await repository.close();
  }
}

const containerOf = async (service: string): Promise<string> =>
  (await place.composed('ps', '--quiet', service)).trim();

/** How many jobs it has begun. */
const begunBy = async (service: string): Promise<number> =>
  (await place.composed('logs', service)).split(' begins').length - 1;

describe('docker/fleet/compose.yaml', { timeout: PATIENCE }, () => {
  it('comes up, and the scheduler has each host backed up once', async () => {
    await place.composed('up', '--detach');
    await expect.poll(snapshots, poll).toEqual(hosts.map(() => 1));
    await expect.poll(open, poll).toEqual({ open: 0, dead: [] });
    expect(await snapshots()).toEqual(hosts.map(() => 1));
  });

  it('tells how it stands through the scheduler', async () => {
    const { workers } = await status();
    expect(workers.map(({ identity }) => identity)).toEqual([false, false]);
    expect(workers.reduce((sum, worker) => sum + worker.done, 0)).toBe(hosts.length);
    const text = await place.composed('run', '--rm', 'scheduler', 'fleet', 'status');
    expect(text).toMatch(/^WORKER +VERSION/);
  });

  it('has the next round complete when a worker is lost in the midst of storing and replaced', async () => {
    const before = await begunBy('worker-1');
    const told = await place.composed('run', '--rm', 'scheduler', 'fleet', 'enqueue', 'backup', '--json');
    const { round } = z.looseObject({ round: z.string() }).parse(JSON.parse(told));
    await expect
      .poll(async () => (await countRound(settings, hosts, round)).held, { timeout: PATIENCE, interval: 100 })
      .toBeGreaterThan(0);
    // Which one has the jobs is chance.
    const service = (await begunBy('worker-1')) > before ? 'worker-1' : 'worker-2';
    const lost = await containerOf(service);
    expect((await collect('docker', ['rm', '--force', lost])).status).toBe(0);
    await place.composed('up', '--detach');
    expect(await containerOf(service)).not.toBe(lost);
    await expect.poll(open, poll).toEqual({ open: 0, dead: [] });
    expect(await countRound(settings, hosts, round)).toMatchObject(whole);
    expect((await status()).workers).toHaveLength(2);
  });

  it('remembers its jobs when Redis is started anew', async () => {
    const before = await done();
    expect(before).toBeGreaterThanOrEqual(2 * hosts.length);
    await place.composed('restart', 'redis');
    await expect.poll(done, poll).toBe(before);
  });

  it('shows no secret, to whoever looks at containers, processes or logs', async () => {
    const containers = await place.left('container');
    expect(containers).toHaveLength(4);
    const texts = [await place.composed('logs', '--no-color'), await place.composed('config')];
    for (const args of [
      ['inspect', ...containers],
      ...containers.map((one) => ['top', one, '-eo', 'pid,args']),
    ]) {
      const { status: ended, stdout, stderr } = await collect('docker', args);
      expect(ended, stderr).toBe(0);
      texts.push(stdout);
    }
    expect(texts.join('\n')).toContain('redis-server');
    recordOutput('compose', texts.join('\n'));
    const secrets = [
      { name: 'the password of Redis', value: redisPassword },
      ...(await Promise.all(real.map(({ name }) => secretsOf(name)))).flat(),
    ];
    expect(secretsIn(texts, secrets)).toEqual([]);
  });

  it('ends in order when it is stopped', async () => {
    const containers = await place.left('container');
    await place.composed('stop');
    const { stdout } = await collect('docker', [
      ...['inspect', '--format', '{{.State.Status}} {{.State.ExitCode}}'],
      ...containers,
    ]);
    expect(stdout.trim().split('\n')).toEqual(containers.map(() => 'exited 0'));
  });

  it('leaves nothing behind', async () => {
    await place.composed('down', '--volumes');
    for (const kind of ['container', 'network', 'volume'] as const)
      expect(await place.left(kind)).toEqual([]);
  });
});
