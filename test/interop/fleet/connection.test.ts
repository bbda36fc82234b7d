import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { enqueue } from '../../../src/fleet/enqueue.js';
import { Fleet } from '../../../src/fleet/fleet.js';
import { connectRedis, type RedisSource } from '../../../src/fleet/redis/connection.js';
import { fleetStatus } from '../../../src/fleet/status.js';
import { newRound } from '../../../src/operations/backup/round.js';
import { authority } from '../repository/tls.js';
import { hostsOf } from './place.js';
import { freePort, startRedis, startSentinel, type TestRedis } from './redis.js';

const stopped: (() => Promise<void>)[] = [];
const started = async (...config: Parameters<typeof startRedis>): Promise<TestRedis> => {
  const redis = await startRedis(...config);
  stopped.push(() => redis.stop());
  return redis;
};
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'redis-tls-'));
});
afterAll(async () => {
  await Promise.all(stopped.map((stop) => stop()));
  await rm(folder, { recursive: true, force: true });
});

/** A job goes in, and is seen again: every kind of Redis runs the scripts of the queue. */
const works = async (source: Partial<RedisSource>): Promise<void> => {
  const redis = { url: undefined, caFile: undefined, env: {}, ...source };
  const fleet = await Fleet.open({ redis, name: 'test', patient: true });
  try {
    const hosts = await hostsOf({ web1: {} }, { coolify_fleet_group_limit: 2 });
    const options = { operation: 'backup', round: newRound(), readData: undefined } as const;
    const [{ lane = '' } = {}] = await enqueue(fleet, hosts, options);
    const worker = await fleet.laneWorker(lane, {
      worker: 'test',
      stalledAfter: 30_000,
    });
    const job = await worker.getNextJob('token', { block: false });
    expect(job?.data).toMatchObject({ host: 'web1' });
    await job?.moveToCompleted({}, 'token', false);
    await worker.close();
    const { lanes } = await fleetStatus(fleet);
    expect(lanes.find((one) => one.lane === lane)).toMatchObject({ done: 1, waiting: 0 });
  } finally {
    await fleet.close();
  }
};
const refused = (source: Partial<RedisSource>) =>
  connectRedis({ url: undefined, caFile: undefined, env: {}, ...source }, { patient: false });

describe('Redis by its address', () => {
  it('is one server', async () => {
    const { url } = await started();
    await works({ url });
  });

  it('lets a user in by a password from the environment or a credential, and nobody else', async () => {
    const { port } = await started([
      '--user',
      ...'fleet on >s3cret/:@ ~{coolify-state:* &* +@all -@dangerous +info +config|get'.split(' '),
      '--user',
      'default',
      'off',
    ]);
    const url = `redis://fleet@127.0.0.1:${port}`;
    await works({ url, env: { COOLIFY_STATE_REDIS_PASSWORD: 's3cret/:@' } });
    const inUrl = `redis://fleet:${encodeURIComponent('s3cret/:@')}@127.0.0.1:${port}`;
    await works({ env: { COOLIFY_STATE_REDIS_URL: inUrl } });
    writeFileSync(join(folder, 'COOLIFY_STATE_REDIS_PASSWORD'), 's3cret/:@\n');
    await works({ url, env: { CREDENTIALS_DIRECTORY: folder } });
    await expect(refused({ url, env: { COOLIFY_STATE_REDIS_PASSWORD: 'wrong' } })).rejects.toMatchObject({
      code: 'fleet.redis-refused',
      kind: 'usage',
    });
    await expect(refused({ url })).rejects.toMatchObject({ code: 'fleet.redis-refused' });
    const message = await refused({
      env: { COOLIFY_STATE_REDIS_URL: inUrl.replace('s3cret', 'h1dden') },
    }).catch((error: unknown) => JSON.stringify(error));
    expect(message).not.toContain('h1dden');
  });

  it('is spoken to over TLS, and trusted by the authority that is named', async () => {
    const { caFile } = await authority(folder, 'localhost');
    const port = await freePort();
    await started((_own, plain) => [
      ...['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no'],
      ...['--tls-cert-file', join(folder, 'server.pem'), '--tls-key-file', join(folder, 'server.key')],
      ...['--tls-ca-cert-file', caFile, '--logfile', '', '--proc-title-template', `test ${plain}`],
    ]);
    const url = `rediss://localhost:${port}`;
    await works({ url, caFile });
    await expect(refused({ url })).rejects.toMatchObject({
      code: 'fleet.redis-unreachable',
      message: expect.stringMatching(/certificate/),
    });
  });

  it('is found by sentinels', async () => {
    const master = await started();
    const sentinel = await startSentinel(master.port);
    stopped.push(() => sentinel.stop());
    await works({ url: `redis+sentinel://127.0.0.1:${sentinel.port}/main` });
    await expect(refused({ url: `redis+sentinel://127.0.0.1:${sentinel.port}/other` })).rejects.toMatchObject(
      {
        code: 'fleet.redis-unreachable',
      },
    );
  });

  it('is a cluster', async () => {
    const redis = await started([
      ...['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'],
      ...['--cluster-announce-ip', '127.0.0.1'],
    ]);
    expect(await redis.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')).toBe('+OK');
    await expect.poll(() => redis.command('SET', 'a', 'b'), { timeout: 30_000 }).toBe('+OK');
    await works({ url: `redis+cluster://127.0.0.1:${redis.port}` });
  });

  it('that does not answer is told in a second sentence', async () => {
    const url = `redis://127.0.0.1:${await freePort()}`;
    await expect(refused({ url })).rejects.toMatchObject({
      code: 'fleet.redis-unreachable',
      kind: 'unreachable',
      why: expect.stringMatching(/ECONNREFUSED/),
    });
  });
});
