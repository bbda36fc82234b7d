import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { cancelJobs } from '../../../src/fleet/cancel.js';
import { enqueue } from '../../../src/fleet/enqueue.js';
import type { Fleet } from '../../../src/fleet/fleet.js';
import type { FleetJob } from '../../../src/fleet/job.js';
import { deadLetters, fleetStatus, retryDead } from '../../../src/fleet/status.js';
import type { Perform } from '../../../src/fleet/worker/taken-job.js';
import { newRound } from '../../../src/operations/backup/round.js';
import type { HostConfig } from '../../../src/operations/hosts/host-config.js';
import { hostsOf, many, openFleet, startWorker, type TestWorker, well } from './place.js';
import { startRedis, type TestRedis } from './redis.js';

let redis: TestRedis;
let fleet: Fleet;
let workers: TestWorker[] = [];
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  await redis.command('FLUSHALL');
  fleet = await openFleet(redis, true);
});
afterEach(async () => {
  await Promise.all(workers.map((one) => one.stop()));
  workers = [];
  await fleet.close();
});

const work = async (
  perform: Perform,
  options: Parameters<typeof startWorker>[2] = {},
): Promise<TestWorker> => {
  const worker = await startWorker(redis, perform, options);
  workers.push(worker);
  return worker;
};
const ask = (hosts: readonly HostConfig[], operation: FleetJob['operation'] = 'backup', round = newRound()) =>
  enqueue(fleet, hosts, { operation, round, readData: undefined });
const counts = async () => {
  const { lanes } = await fleetStatus(fleet);
  const sum = (of: 'waiting' | 'running' | 'retrying' | 'dead' | 'done'): number =>
    lanes.reduce((total, lane) => total + lane[of], 0);
  return { open: sum('waiting') + sum('running') + sum('retrying'), dead: sum('dead'), done: sum('done') };
};
const allDone = (done: number) =>
  expect.poll(counts, { timeout: 60_000, interval: 100 }).toEqual({ open: 0, dead: 0, done });
const failing = (kind: StateError['kind'], code: string): StateError =>
  new StateError({ kind, code, what: 'It could not be done', why: 'the test has it so' });
const ends = ({ told }: TestWorker) =>
  told.flatMap((event) => (event.type === 'job-end' ? [`${event.host} ${event.end}`] : []));

describe('jobs of a fleet on a real Redis', () => {
  it('are each done once by one of three workers, and asking for the round again adds none', async () => {
    const hosts = await hostsOf(many('h', 30, {}));
    const seen: string[] = [];
    const perform: Perform = async (job) => {
      seen.push(job.host);
      await sleep(5);
      return well(job);
    };
    await Promise.all([work(perform), work(perform), work(perform)]);
    const round = newRound();
    const first = await ask(hosts, 'backup', round);
    expect(first.filter(({ known }) => known)).toEqual([]);
    await allDone(30);
    const again = await ask(hosts, 'backup', round);
    expect(again.every(({ known }) => known)).toBe(true);
    await allDone(30);
    expect([...seen].sort()).toEqual(hosts.map(({ name }) => name).sort());
  });

  it('name host and operation, and nothing that is secret', async () => {
    const hosts = await hostsOf({ web1: { ansible_password: 'hunter2', coolify_ntfy_token: 'tk_secret' } });
    const [{ lane = '', job = '' } = {}] = await ask(hosts);
    const stored = await fleet.queue(lane).getJob(job);
    expect(stored?.data).toEqual({
      format: 1,
      operation: 'backup',
      host: 'web1',
      round: expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{6}$/),
    });
    expect(JSON.stringify(stored?.asJSON())).not.toMatch(/hunter2|tk_secret/);
  });

  it('of a small group do not wait for those of a large one', async () => {
    const large = await hostsOf(many('large', 40, { coolify_fleet_group: 'large' }));
    const small = await hostsOf(many('small', 3, { coolify_fleet_group: 'small' }));
    await ask(large);
    await ask(small);
    const order: string[] = [];
    await work(
      (job) => {
        order.push(job.host);
        return Promise.resolve(well(job));
      },
      { concurrency: 1 },
    );
    await allDone(43);
    const places = order.flatMap((host, index) => (host.startsWith('small') ? [index] : []));
    expect(places).toHaveLength(3);
    expect(Math.max(...places)).toBeLessThan(7);
  });

  it('keep the limits of group and repository over all workers', async () => {
    const north = { coolify_fleet_group: 'north', coolify_fleet_group_limit: 2 };
    const hosts = await hostsOf(
      {
        ...many('n', 12, { ...north, coolify_repository: 'file:/nowhere/one' }),
        ...many('s', 12, { coolify_fleet_group: 'south', coolify_repository: 'file:/nowhere/shared' }),
        ...many('w', 12, { coolify_fleet_group: 'west', coolify_repository: 'file:/nowhere/shared' }),
      },
      { coolify_fleet_repository_limit: 3 },
    );
    const running = new Set<string>();
    const most = { north: 0, shared: 0 };
    const perform: Perform = async (job) => {
      running.add(job.host);
      const of = (letters: RegExp) => [...running].filter((host) => letters.test(host)).length;
      most.north = Math.max(most.north, of(/^n/));
      most.shared = Math.max(most.shared, of(/^[sw]/));
      await sleep(30);
      running.delete(job.host);
      return well(job);
    };
    await ask(hosts);
    await Promise.all([work(perform), work(perform), work(perform)]);
    await allDone(36);
    expect(most).toEqual({ north: 2, shared: 3 });
  });

  it('are tried again when what stopped them may pass', async () => {
    const hosts = await hostsOf({ web1: {} });
    let attempts = 0;
    const perform: Perform = (job) => {
      attempts++;
      const report = { ...well(job).report, error: failing('unreachable', 'ssh.refused') };
      return Promise.resolve(attempts < 3 ? { ...well(job), report } : well(job));
    };
    const worker = await work(perform);
    await ask(hosts);
    await allDone(1);
    expect(ends(worker)).toEqual(['web1 retry', 'web1 retry', 'web1 done']);
  });

  it.each([
    ['usage', 'fleet.unknown-host', 1],
    ['proof', 'backup.unproven', 1],
    ['unreachable', 'ssh.host-key-changed', 1],
    ['locked', 'repository.locked', 2],
  ] as const)(
    'that fail as %s (%s) are dead with the reason after %d attempts',
    async (kind, code, tries) => {
      const hosts = await hostsOf({ web1: {}, web2: {} }, { coolify_fleet_attempts: 2 });
      const broken = new Set(['web1']);
      const perform: Perform = (job) => {
        if (broken.has(job.host)) throw failing(kind, code);
        return Promise.resolve(well(job));
      };
      await work(perform);
      await ask(hosts);
      await expect.poll(counts, { timeout: 60_000 }).toEqual({ open: 0, dead: 1, done: 1 });
      const [letter, ...more] = await deadLetters(fleet);
      expect(more).toEqual([]);
      expect(letter).toMatchObject({
        host: 'web1',
        attempts: tries,
        error: { kind, code, what: 'It could not be done', why: 'the test has it so', host: 'web1' },
      });
      broken.clear();
      expect(
        await retryDead(fleet, { hosts: undefined, operation: undefined, round: undefined, id: undefined }),
      ).toHaveLength(1);
      await allDone(2);
    },
  );

  it('that open snapshots are given to none but a worker with the identity', async () => {
    const hosts = await hostsOf(many('h', 4, {}));
    const seen: string[] = [];
    const perform =
      (who: string): Perform =>
      (job) => {
        seen.push(`${who} ${job.operation}`);
        return Promise.resolve(well(job));
      };
    await work(perform('without'));
    await ask(hosts, 'drill');
    await ask(hosts, 'verify');
    // The plain ones are done, and by then the drills would have been taken.
    await expect.poll(counts, { timeout: 60_000 }).toEqual({ open: 4, dead: 0, done: 4 });
    expect(new Set(seen)).toEqual(new Set(['without verify']));
    await work(perform('with'), { identityJobs: 1 });
    await allDone(8);
    expect(seen.filter((one) => one === 'with drill')).toHaveLength(4);
    expect(seen).not.toContain('without drill');
  });

  it('of another format are left alone', async () => {
    const [host] = await hostsOf({ web1: {} });
    const [{ lane = '', job = '' } = {}] = await ask(host === undefined ? [] : [host]);
    const queue = fleet.queue(lane);
    await queue.add(
      'backup',
      { format: 2, operation: 'backup', host: 'web1', site: 'new' },
      { jobId: 'newer' },
    );
    await queue.add(
      'backup',
      { operation: 'format-the-disk', host: 'web1' },
      { jobId: 'strange', attempts: 5 },
    );
    await work((found) => Promise.resolve(well(found)));
    await expect.poll(async () => await queue.getJobState('strange'), { timeout: 30_000 }).toBe('failed');
    await expect.poll(async () => await queue.getJobState(job), { timeout: 30_000 }).toBe('completed');
    await expect.poll(async () => await queue.getJobState('newer'), { timeout: 30_000 }).toBe('delayed');
    const newer = await queue.getJob('newer');
    expect(newer?.data).toMatchObject({ format: 2, site: 'new' });
    expect(newer?.attemptsMade).toBe(0);
  });

  it('are finished by a worker that is drained, and no other is begun', async () => {
    const hosts = await hostsOf(many('h', 6, {}));
    const gate = deferred();
    const perform: Perform = async (job) => {
      await gate.promise;
      return well(job);
    };
    const worker = await work(perform, { concurrency: 2 });
    await ask(hosts);
    await expect
      .poll(() => worker.told.filter(({ type }) => type === 'job-start').length, { timeout: 30_000 })
      .toBe(2);
    const drained = worker.drain();
    gate.resolve();
    await drained;
    expect(await counts()).toEqual({ open: 4, dead: 0, done: 2 });
    expect((await fleetStatus(fleet)).workers).toEqual([]);
  });

  it('go back to the queue when a worker is stopped, and count as not tried', async () => {
    const hosts = await hostsOf({ web1: {} });
    const stuck: Perform = (_job, _round, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(failing('interrupted', 'interrupted')));
      });
    const worker = await work(stuck);
    const [{ lane = '', job = '' } = {}] = await ask(hosts);
    await expect.poll(() => worker.told.length, { timeout: 30_000 }).toBe(1);
    await worker.stop();
    expect(ends(worker)).toEqual(['web1 back']);
    expect((await fleet.queue(lane).getJob(job))?.attemptsMade).toBe(0);
    await work((found) => Promise.resolve(well(found)));
    await allDone(1);
  });

  it('can be cancelled, those that wait and those at work', async () => {
    const hosts = await hostsOf({ web1: {}, web2: {} });
    const stuck: Perform = (_job, _round, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const worker = await work(stuck, { concurrency: 1 });
    await ask(hosts);
    await expect.poll(() => worker.told.length, { timeout: 30_000 }).toBe(1);
    const choice = { hosts: undefined, operation: undefined, round: undefined, id: undefined };
    const { removed, asked } = await cancelJobs(fleet, choice);
    expect([removed.length, asked.length]).toEqual([1, 1]);
    await expect
      .poll(() => ends(worker), { timeout: 30_000 })
      .toEqual([expect.stringMatching(/ cancelled$/)]);
    await allDone(1);
  });

  it('are not begun without room for them, as long as another is at work', async () => {
    const hosts = await hostsOf(many('h', 5, {}));
    let most = 0;
    let running = 0;
    const perform: Perform = async (job) => {
      most = Math.max(most, ++running);
      await sleep(20);
      running--;
      return well(job);
    };
    await work(perform, { room: { memory: 1, load: undefined } });
    await ask(hosts);
    await allDone(5);
    expect(most).toBe(1);
  });
});

describe('when the queue fails', () => {
  it('a job whose worker gave no more signs of life is done by another, and the first one may still end', async () => {
    const hosts = await hostsOf({ web1: {} });
    const gate = deferred();
    // One place, so that it cannot be the other one too.
    const holding: Perform = async (job) => {
      await gate.promise;
      return well(job);
    };
    const first = await work(holding, { concurrency: 1 });
    // As a process that is stopped: no renewal comes any more.
    const [{ lane = '', job = '' } = {}] = await ask(hosts);
    await expect.poll(() => first.told.length, { timeout: 30_000 }).toBe(1);
    const lock = `${fleet.prefix}:${lane}:${job}:lock`;
    const stolen = setInterval(() => void redis.command('DEL', lock), 100);
    const second = await work((found) => Promise.resolve(well(found)));
    await expect.poll(() => ends(second), { timeout: 60_000 }).toEqual(['web1 done']);
    clearInterval(stolen);
    gate.resolve();
    await expect
      .poll(() => first.told.map(({ type }) => type), { timeout: 30_000 })
      .toEqual(['job-start', 'job-end', 'worker-warning']);
    await allDone(1);
  });

  it('a Redis that restarts and has forgotten all is worked with again, and what ran is finished', async () => {
    const hosts = await hostsOf(many('h', 6, {}));
    const gate = deferred();
    const finished: string[] = [];
    const perform: Perform = async (job) => {
      await gate.promise;
      finished.push(job.host);
      return well(job);
    };
    const worker = await work(perform, { concurrency: 2 });
    const round = newRound();
    await ask(hosts, 'backup', round);
    await expect.poll(() => worker.told.length, { timeout: 30_000 }).toBe(2);
    await redis.restart();
    gate.resolve();
    await expect.poll(() => finished.length, { timeout: 60_000 }).toBe(2);
    await fleet.close();
    fleet = await openFleet(redis, true);
    expect(await counts()).toEqual({ open: 0, dead: 0, done: 0 });
    await ask(hosts, 'backup', round);
    await allDone(6);
    expect(new Set(finished).size).toBe(6);
  });
});

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
