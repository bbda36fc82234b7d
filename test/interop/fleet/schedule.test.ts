import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Fleet } from '../../../src/fleet/fleet.js';
import { roundOfJob } from '../../../src/fleet/job.js';
import { catchUp } from '../../../src/fleet/schedule/catch-up.js';
import { lastOf, plannedOf, synchronise } from '../../../src/fleet/schedule/schedule.js';
import { fleetStatus } from '../../../src/fleet/status.js';
import { HOST, openPlace, type Place } from '../operations/place.js';
import { hostsOf, many, openFleet, startWorker, well } from './place.js';
import { startRedis, type TestRedis } from './redis.js';

let redis: TestRedis;
let fleet: Fleet;
const never = new AbortController().signal;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis.stop());
beforeEach(async () => {
  await redis.command('FLUSHALL');
  fleet = await openFleet(redis, true);
});
afterEach(() => fleet.close());

const daily = {
  coolify_repository: 'file:/nowhere/repository',
  coolify_fleet_backup_every: '1d',
  coolify_fleet_verify_every: '7d',
};

describe('the schedule of a fleet', () => {
  it('is what the inventory wants, is not touched where it is right, and is made again when Redis has forgotten it', async () => {
    const planned = plannedOf(await hostsOf({ ...many('h', 5, daily), quiet: {} }));
    expect(planned).toHaveLength(10);
    expect((await synchronise(fleet, planned)).set).toHaveLength(10);
    expect(await synchronise(fleet, planned)).toEqual({ set: [], removed: 0 });
    expect((await fleetStatus(fleet)).lanes.reduce((sum, lane) => sum + lane.planned, 0)).toBe(10);
    // A host less, and another interval for the others.
    const fewer = plannedOf(await hostsOf(many('h', 4, { ...daily, coolify_fleet_backup_every: '12h' })));
    const { set, removed } = await synchronise(fleet, fewer);
    expect(set.every(({ operation }) => operation === 'backup')).toBe(true);
    expect([set.length >= 4, removed >= 2]).toEqual([true, true]);
    await redis.command('FLUSHALL');
    expect((await synchronise(fleet, fewer)).set).toHaveLength(8);
  });

  it('asks for a job again and again, each with the round of its moment', async () => {
    const often = { coolify_fleet_backup_every: '2s', coolify_fleet_jitter: '1s' };
    const planned = plannedOf(await hostsOf({ web1: often }));
    await synchronise(fleet, planned);
    const rounds: (string | undefined)[] = [];
    const worker = await startWorker(redis, (job, round) => {
      rounds.push(round?.id);
      return Promise.resolve(well(job));
    });
    await expect.poll(() => rounds.length, { timeout: 60_000 }).toBeGreaterThanOrEqual(3);
    await worker.drain();
    expect(new Set(rounds).size).toBe(rounds.length);
    expect(rounds[0]).toMatch(/^\d{8}T\d{6}Z$/);
  });
});

describe('backups that were missed', () => {
  let place: Place;
  beforeAll(async () => {
    place = await openPlace();
  });
  afterAll(() => place.remove());

  it('are asked for where the repositories have none, once, in the round of the schedule', async () => {
    const settings = { kind: 'directory', path: place.at('repository') } as const;
    await place.publish(await place.generation(new Date()), settings);
    const vars = { ...daily, coolify_repository: `file:${place.at('repository')}` };
    const planned = plannedOf(await hostsOf({ [HOST]: vars, missed: vars }));
    const [one] = planned.filter(({ operation, host }) => operation === 'backup' && host.name === 'missed');
    if (one === undefined) throw new Error('it is planned');
    // A while after both were due, when the one snapshot is of this round.
    const now = Math.max(...planned.map((other) => lastOf(other).getTime())) + 600_000;
    const first = await catchUp(fleet, planned, never, now);
    expect(first.errors).toEqual([]);
    expect(first.jobs.map(({ host }) => host)).toContain('missed');
    expect((await catchUp(fleet, planned, never, now)).jobs).toEqual([]);
    const { job = '', lane = '' } = first.jobs.find(({ host }) => host === 'missed') ?? {};
    const stored = await fleet.queue(lane).getJob(job);
    const round = roundOfJob({ ...one.job, round: stored?.data.round }, undefined);
    expect(round?.since).toEqual(lastOf(one, now));
  });

  it('are not asked for where a snapshot is newer than the moment', async () => {
    const settings = { kind: 'directory', path: place.at('newer') } as const;
    const planned = plannedOf(
      await hostsOf({ [HOST]: { ...daily, coolify_repository: `file:${place.at('newer')}` } }),
    );
    const now = Math.max(...planned.map((other) => lastOf(other).getTime())) + 86_400_000 / 2;
    await place.publish(await place.generation(new Date(now)), settings);
    expect((await catchUp(fleet, planned, never, now)).jobs).toEqual([]);
  });

  it('of a repository that cannot be read are told as errors, and keep nothing else waiting', async () => {
    const planned = plannedOf(
      await hostsOf({
        bad: { ...daily, coolify_repository: `file:${place.at('key')}` },
        missed: { ...daily, coolify_repository: `file:${place.at('empty')}` },
      }),
    );
    const now = Math.max(...planned.map((other) => lastOf(other).getTime())) + 86_400_000 / 2;
    const { jobs, errors } = await catchUp(fleet, planned, never, now);
    expect(jobs.map(({ host }) => host)).toEqual(['missed']);
    expect(errors).toMatchObject([{ host: 'bad' }]);
  });
});
