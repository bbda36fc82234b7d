import { appendFile, mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { removeEach } from '../../../src/operations/prune/places.js';
import type { PrunedPlace } from '../../../src/operations/prune/plan.js';
import { withLease } from '../../../src/repository/lease/lease.js';
import { openStateFolder } from '../../../src/state/state-folder.js';
import { hoursAgo, PruneFixture } from './prune-fixture.js';

let fixture: PruneFixture;
beforeEach(async () => {
  fixture = await PruneFixture.create();
});
afterEach(async () => {
  await fixture.remove();
});

const outcomes = ({ snapshots }: PrunedPlace) =>
  Object.fromEntries(snapshots.map(({ id, outcome }) => [id, outcome]));

describe('pruning', () => {
  it('removes what the policy does not keep, on this machine and in every repository alike', async () => {
    await fixture.remove();
    fixture = await PruneFixture.create(['one', 'two']);
    const ages = [1, 30, 60, 90];
    for (const hours of ages.toReversed()) await fixture.generation('web1', hours);
    const ids: string[] = [];
    for (const hours of ages) {
      ids.push(await fixture.publish('web1', hours));
      await fixture.publish('web1', hours, { repository: 1 });
    }
    const other = await fixture.publish('web2', 500);
    const [report] = await fixture.prune({ coolify_keep_last: 2 });
    expect(report?.error).toBeUndefined();
    expect(report?.policy).toBe('--keep-last 2');
    expect(report?.recap).toMatchObject({ changed: 3, failed: 0 });
    expect(await fixture.generationIds('web1')).toEqual(['1-hours-ago', '30-hours-ago']);
    for (const repository of [0, 1]) {
      expect(await fixture.ids('web1', repository)).toEqual(ids.slice(0, 2));
      expect(await fixture.files('web1', repository)).toHaveLength(4);
    }
    expect(await fixture.ids('web2')).toEqual([other]);
    expect(report?.places.map(({ place }) => place)).toEqual([
      'this machine',
      ...fixture.repositories.map((path) => `file:${path}`),
    ]);
    const [first = '', second = '', third = '', fourth = ''] = ids;
    for (const place of report?.places.slice(1) ?? [])
      expect(outcomes(place)).toEqual({
        [first]: 'keep',
        [second]: 'keep',
        [third]: 'removed',
        [fourth]: 'removed',
      });
  });

  it('finds nothing to do a second time', async () => {
    for (const hours of [1, 2, 3]) await fixture.publish('web1', hours);
    await fixture.prune({ coolify_keep_last: 1 });
    const [again] = await fixture.prune(
      { coolify_keep_last: 1 },
      { confirm: () => Promise.reject(new Error('asked')) },
    );
    expect(again?.error).toBeUndefined();
    expect(again?.recap.changed).toBe(0);
  });

  it('only tells what it would do, and why, when asked to check', async () => {
    await fixture.generation('web1', 2);
    await fixture.generation('web1', 1);
    const ids = [await fixture.publish('web1', 1), await fixture.publish('web1', 2)];
    await mkdir(join(fixture.state, '.generations/web1/staging-of-a-dead-run'));
    const asked = () => Promise.reject(new Error('asked'));
    const [report] = await fixture.prune({ coolify_keep_last: 1 }, { check: true, confirm: asked });
    expect(report?.error).toBeUndefined();
    expect(report?.places[1]?.snapshots).toMatchObject([
      { id: ids[0], outcome: 'keep', reasons: ['last snapshot'], standing: 'good' },
      { id: ids[1], outcome: 'drop', reasons: ['no rule keeps it'] },
    ]);
    expect(report?.places[0]?.leftovers).toMatchObject([{ outcome: 'drop' }]);
    expect(report?.recap.changed).toBe(2);
    expect(await fixture.ids('web1')).toEqual(ids);
    expect(await fixture.generationIds('web1')).toHaveLength(2);
    expect(await readdir(join(fixture.state, '.generations/web1'))).toContain('staging-of-a-dead-run');
  });

  it('removes nothing that was not confirmed', async () => {
    const ids = [await fixture.publish('web1', 1), await fixture.publish('web1', 2)];
    const [refused] = await fixture.prune(
      { coolify_keep_last: 1 },
      { confirm: () => Promise.resolve(false) },
    );
    expect(refused?.error).toMatchObject({ kind: 'interrupted', code: 'prune.not-confirmed', host: 'web1' });
    const needsYes = new StateError({ kind: 'usage', code: 'prune.needs-yes', what: 'Say yes' });
    const [failed] = await fixture.prune(
      { coolify_keep_last: 1 },
      { confirm: () => Promise.reject(needsYes) },
    );
    expect(failed?.error).toMatchObject({ kind: 'usage', code: 'prune.needs-yes', host: 'web1' });
    expect(await fixture.ids('web1')).toEqual(ids);
  });

  it.each([{}, { coolify_keep_last: 0, coolify_keep_within: '0d' }])(
    'refuses to work without a policy that keeps something (%o)',
    async (settings) => {
      const id = await fixture.publish('web1', 1);
      const [report] = await fixture.prune(settings);
      expect(report?.error).toMatchObject({ kind: 'usage', code: 'prune.no-policy', host: 'web1' });
      expect(await fixture.ids('web1')).toEqual([id]);
    },
  );

  it('removes only what was shown: what others have made meanwhile is judged, and stays', async () => {
    const ids = [await fixture.publish('web1', 2), await fixture.publish('web1', 3)];
    let added = '';
    const [report] = await fixture.prune(
      { coolify_keep_last: 1 },
      {
        confirm: async () => {
          added = await fixture.publish('web1', 1);
          return true;
        },
      },
    );
    expect(report?.error).toBeUndefined();
    // The former newest one would go now, but nobody was asked about it.
    expect(await fixture.ids('web1')).toEqual([added, ids[0]]);
  });

  it('takes what another run has removed meanwhile for removed', async () => {
    const ids = [
      await fixture.publish('web1', 1),
      await fixture.publish('web1', 2),
      await fixture.publish('web1', 3),
    ];
    const [report] = await fixture.prune(
      { coolify_keep_last: 1 },
      {
        confirm: async () => {
          const all = await fixture.snapshots().list('web1');
          const last = all.at(-1);
          if (last !== undefined) await fixture.snapshots().remove(last);
          return true;
        },
      },
    );
    expect(report?.error).toBeUndefined();
    expect(report?.places[1]?.snapshots.map(({ outcome }) => outcome)).toEqual([
      'keep',
      'removed',
      'removed',
    ]);
    expect(await fixture.ids('web1')).toEqual(ids.slice(0, 1));
  });

  it('lets what cannot be relied on take no place of a good one', async () => {
    const ids: string[] = [];
    for (const hours of [1, 2, 3, 4]) ids.push(await fixture.publish('web1', hours, { ok: hours !== 2 }));
    const [first] = await fixture.snapshots().list('web1');
    await appendFile(join(fixture.repositories[0] ?? '', first?.key ?? ''), 'more than there should be');
    const [report] = await fixture.prune({ coolify_keep_last: 1 });
    expect(report?.places[1]?.snapshots).toMatchObject([
      { standing: 'unreadable', outcome: 'keep', reasons: ['last snapshot'] },
      { standing: 'unproven', outcome: 'keep', reasons: ['its proofs failed, but no good one is newer'] },
      { standing: 'good', outcome: 'keep', reasons: ['last snapshot'] },
      { standing: 'good', outcome: 'removed' },
    ]);
    expect(await fixture.ids('web1')).toEqual(ids.slice(0, 3));
  });

  it('keeps the last snapshot of everybody where the recipients of today are not known', async () => {
    for (const hours of [1, 2]) await fixture.publish('web1', hours);
    await rm(join(fixture.folder, 'recipients'));
    const [report] = await fixture.prune({ coolify_keep_last: 1 });
    expect(report?.error).toBeUndefined();
    expect(fixture.warnings()).toEqual([expect.stringContaining('the last of everybody is kept')]);
    expect(await fixture.ids('web1')).toHaveLength(1);
  });

  it('goes on with the other places when one cannot be read, and the host has failed', async () => {
    await fixture.remove();
    fixture = await PruneFixture.create(['broken', 'two']);
    await writeFile(fixture.repositories[0] ?? '', 'a file where a folder should be');
    for (const hours of [1, 2]) await fixture.publish('web1', hours, { repository: 1 });
    const [report] = await fixture.prune({ coolify_keep_last: 1 });
    expect(report?.error).toMatchObject({ kind: 'failed', host: 'web1' });
    expect(report?.places.map(({ place }) => place)).toEqual([
      'this machine',
      `file:${fixture.repositories[1]}`,
    ]);
    expect(await fixture.ids('web1', 1)).toHaveLength(1);
  });

  it('does not work on a host that another run works on', async () => {
    const ids = [await fixture.publish('web1', 1), await fixture.publish('web1', 2)];
    const lock = await (await openStateFolder(fixture.state)).lock('web1', 'coolify-state backup');
    try {
      const [report] = await fixture.prune({ coolify_keep_last: 1 });
      expect(report?.error).toMatchObject({ kind: 'locked' });
    } finally {
      await lock.release();
    }
    expect(await fixture.ids('web1')).toEqual(ids);
  });

  it('leaves a repository alone while another machine works on the snapshots of the host there', async () => {
    const ids = [await fixture.publish('web1', 1), await fixture.publish('web1', 2)];
    for (const hours of [2, 1]) await fixture.generation('web1', hours);
    const { repository } = fixture.snapshots();
    const [report] = await withLease(repository, 'web1', 'backup', new AbortController().signal, () =>
      fixture.prune({ coolify_keep_last: 1 }),
    );
    expect(report?.error).toMatchObject({ kind: 'locked', code: 'repository.locked', host: 'web1' });
    expect(await fixture.ids('web1')).toEqual(ids);
    // This machine's own generations are no business of that one.
    expect(await fixture.generationIds('web1')).toHaveLength(1);
  });

  it('begins no further host when more have failed than the budget allows', async () => {
    const hosts = ['web1', 'web2', 'web3', 'web4'];
    const reports = await fixture.prune({}, { maxFailures: { hosts: 1 } }, hosts);
    expect(reports.map(({ host, error }) => [host, error?.code])).toEqual([
      ['web1', 'prune.no-policy'],
      ['web2', 'prune.no-policy'],
      ['web3', 'run.not-started'],
      ['web4', 'run.not-started'],
    ]);
    expect(fixture.warnings()).toHaveLength(2);
  });
});

describe('leftovers of interrupted runs', () => {
  /** As a writer that was killed leaves them: a half-written file, and an object without its sidecar. */
  async function leave(hours: number, name: string): Promise<void> {
    const folder = join(fixture.repositories[0] ?? '', 'web1');
    await mkdir(folder, { recursive: true });
    const stamp = `20260101T0000${String(hours).padStart(2, '0')}Z`;
    for (const file of [`.coolify-state-writing-${name}`, `coolify-state-web1-${stamp}.tar.gz.age`]) {
      await writeFile(join(folder, file), 'half');
      await utimes(join(folder, file), hoursAgo(hours), hoursAgo(hours));
    }
  }
  const files = (): Promise<string[]> => fixture.files('web1');

  it('in a repository are removed when they are old; younger ones may belong to a run that is at work', async () => {
    await leave(50, 'old');
    await leave(10, 'young');
    const [report] = await fixture.prune({ coolify_keep_last: 1 });
    expect(report?.error).toBeUndefined();
    expect(report?.places[1]?.leftovers).toMatchObject([{ outcome: 'removed' }, { outcome: 'removed' }]);
    expect(await files()).toEqual([
      '.coolify-state-writing-young',
      'coolify-state-web1-20260101T000010Z.tar.gz.age',
    ]);
    expect(fixture.warnings()).toEqual([expect.stringContaining('2 uploads without a snapshot are younger')]);
  });

  it('on this machine are removed, whatever their age, as nobody else is at work; what is no generation stays', async () => {
    await fixture.generation('web1', 3);
    await fixture.generation('web1', 2);
    await fixture.generation('web1', 1);
    const folder = join(fixture.state, '.generations/web1');
    for (const name of ['staging-x', 'fetched-x', 'dropped-x', 'unverified-x'])
      await mkdir(join(folder, name));
    const [report] = await fixture.prune({ coolify_keep_last: 2 });
    expect(report?.places[0]?.leftovers.map(({ outcome }) => outcome)).toEqual([
      'removed',
      'removed',
      'removed',
    ]);
    expect((await readdir(folder)).sort()).toEqual(['2-hours-ago', 'unverified-x']);
    expect(fixture.warnings()).toEqual([expect.stringContaining('unverified-x is no generation')]);
  });

  it('of a removal that was broken off are found whatever lay beside the snapshot', async () => {
    await fixture.publish('web1', 60);
    await fixture.publish('web1', 1);
    const [, doomed] = await fixture.snapshots().list('web1');
    const folder = fixture.repositories[0] ?? '';
    await writeFile(join(folder, `${doomed?.key}.drill-1.json`), '{}');
    await rm(join(folder, `${doomed?.key}.json`));
    await utimes(join(folder, `${doomed?.key}`), hoursAgo(60), hoursAgo(60));
    await fixture.prune({ coolify_keep_last: 1 });
    expect(await files()).toHaveLength(2);
  });
});

describe('a way back of a restore', () => {
  it('takes no place from a backup, and the last one stays', async () => {
    await fixture.generation('web1', 5);
    await fixture.generation('web1', 4);
    await fixture.generation('web1', 2);
    for (const hours of [90, 3]) await fixture.generation('web1', hours, { aside: true });
    const [report] = await fixture.prune({ coolify_keep_last: 2 });
    expect(report?.error).toBeUndefined();
    expect(await fixture.generationIds('web1')).toEqual(['2-hours-ago', 'safety-3-hours-ago', '4-hours-ago']);
  });
});

describe('removing one after the other', () => {
  const denied = new StateError({ kind: 'failed', code: 'repository.remove-denied', what: 'Locked' });

  it('goes on past what the store keeps, and tells it', async () => {
    const told: string[] = [];
    await removeEach(
      [1, 2, 3],
      (item) => (item === 2 ? Promise.reject(denied) : Promise.resolve()),
      (item, outcome) => told.push(`${item} ${outcome}`),
    );
    expect(told.sort()).toEqual(['1 removed', '2 locked', '3 removed']);
  });

  it('fails with every other failure', async () => {
    const gone = new StateError({ kind: 'unreachable', code: 'repository.unreachable', what: 'Gone' });
    const removing = removeEach(
      [1],
      () => Promise.reject(gone),
      () => undefined,
    );
    await expect(removing).rejects.toBe(gone);
  });
});
