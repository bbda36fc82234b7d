import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { thisProcess } from '../../../src/core/process-identity.js';
import { LeaseChain, leasePrefix } from '../../../src/repository/lease/chain.js';
import { type Lease, withLease } from '../../../src/repository/lease/lease.js';
import { encodeLease } from '../../../src/repository/lease/record.js';
import type { LeaseTerm } from '../../../src/repository/lease/term.js';
import type { Repository } from '../../../src/repository/repository.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';

export interface LeaseSubject {
  readonly repository: Repository;
  /** What the store itself says about two writers of one name. */
  readonly decidesRaces: boolean;
  dispose(): Promise<void>;
}

/** Long enough for a store that tells its time in whole seconds, short enough for a test. */
const TERM: LeaseTerm = { duration: 2500, renewal: 700, retry: 200, margin: 1100, settle: 400 };
/** One that is never renewed while a test runs. */
const STILL: LeaseTerm = { ...TERM, duration: 120_000, renewal: 100_000 };

/** What a lease promises in `src/repository/lease/lease.ts`, tried in one kind of repository. */
export function leaseContract(name: string, open: () => Promise<LeaseSubject>): void {
  describe(`the lease of a host's snapshots in ${name}`, () => {
    let subject: LeaseSubject;
    let repository: Repository;
    beforeAll(async () => {
      subject = await open();
      repository = subject.repository;
    });
    afterAll(async () => {
      await subject?.dispose();
    });

    const never = new AbortController().signal;
    const freshHost = () => `host-${randomUUID().slice(0, 8)}`;
    const take = <Result>(
      host: string,
      work: (lease: Lease) => Promise<Result>,
      { wait = 0, term = STILL }: { wait?: number; term?: LeaseTerm } = {},
    ) => withLease(repository, host, 'test', never, work, { wait, term });
    const linksOf = async (host: string) => {
      const numbers: number[] = [];
      for await (const { key } of repository.list(leasePrefix(host))) numbers.push(Number(key.slice(-12)));
      return numbers.sort((a, b) => a - b);
    };
    /** Leaves a lease behind as a run does that was killed on another machine. */
    const crashedElsewhere = async (host: string, termSeconds: number) => {
      const chain = new LeaseChain(repository, host);
      const holder = { ...(await thisProcess()), boot: 'another', machine: 'far-away', pid: 4711 };
      const record = { holder: 'a'.repeat(32), purpose: 'backup', since: new Date(), termSeconds };
      expect(await chain.add(1, encodeLease('held', { ...holder, ...record }))).toBe(true);
    };

    it('is given to one, tells all others who that is, and is free again when the work has ended', async () => {
      const host = freshHost();
      const result = await take(host, async (lease) => {
        await expect(take(host, async () => 'both')).rejects.toMatchObject({
          kind: 'locked',
          code: 'repository.locked',
          exitStatus: 5,
          host,
          why: expect.stringMatching(
            new RegExp(`"test" holds the lease as process ${process.pid} on .+ since 20.+ until 20`),
          ),
        });
        await take(freshHost(), async () => 'another host is not concerned');
        await lease.confirm();
        return 'done';
      });
      expect(result).toBe('done');
      await expect(take(host, async () => 'next')).resolves.toBe('next');
    });

    it('is given back when the work fails, and passes the failure on', async () => {
      const host = freshHost();
      await expect(
        take(host, async () => {
          throw new RangeError('of the work');
        }),
      ).rejects.toThrow(RangeError);
      await expect(take(host, async () => 'next')).resolves.toBe('next');
    });

    it('is given back when the run is interrupted', async () => {
      const host = freshHost();
      const controller = new AbortController();
      const working = withLease(repository, host, 'test', controller.signal, async (lease) => {
        controller.abort();
        expect(lease.signal.aborted).toBe(true);
        await sleep(60_000, undefined, { signal: lease.signal });
      });
      await expect(working).rejects.toMatchObject({ kind: 'interrupted' });
      await expect(take(host, async () => 'next')).resolves.toBe('next');
    });

    it('is waited for where that is asked, and the holder is told once', async () => {
      const host = freshHost();
      const told: string[] = [];
      let end = () => {};
      const holding = take(host, () => new Promise<void>((resolve) => (end = resolve)));
      while ((await linksOf(host)).length === 0) await sleep(20);
      await sleep(subject.decidesRaces ? 100 : 2 * STILL.settle);
      const waiting = withLease(repository, host, 'test', never, async () => 'at last', {
        wait: 60_000,
        onWait: ({ message }) => {
          told.push(message);
          end();
        },
        term: STILL,
      });
      await expect(waiting).resolves.toBe('at last');
      await holding;
      expect(told).toHaveLength(1);
    });

    it('goes to exactly one of several that ask at the same moment', async () => {
      const host = freshHost();
      let inside = 0;
      let most = 0;
      let turns = 0;
      const work = async () => {
        inside += 1;
        most = Math.max(most, inside);
        await sleep(50);
        inside -= 1;
        turns += 1;
      };
      const outcomes = await Promise.allSettled(
        Array.from({ length: 6 }, () => take(host, work, { wait: 0 })),
      );
      expect(most).toBe(1);
      expect(turns).toBeGreaterThanOrEqual(1);
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') {
          expect(outcome.reason).toMatchObject({ code: 'repository.locked' });
        }
      }
    });

    it('is renewed while the work goes on, so that nobody else gets it, and leaves one object behind', async () => {
      const host = freshHost();
      await take(
        host,
        async (lease) => {
          const first = lease.fence;
          await sleep(TERM.duration + TERM.margin + 1000);
          expect(lease.fence).toBeGreaterThan(first);
          expect(lease.signal.aborted).toBe(false);
          await expect(take(host, async () => 'both', { term: TERM })).rejects.toMatchObject({
            code: 'repository.locked',
          });
          await lease.confirm();
        },
        { term: TERM },
      );
      expect(await linksOf(host)).toHaveLength(1);
    });

    it('of a run that crashed on another machine is taken over when its time is over, and not before', async () => {
      const host = freshHost();
      await crashedElsewhere(host, 3);
      await expect(take(host, async () => 'early')).rejects.toMatchObject({
        code: 'repository.locked',
        why: expect.stringContaining('"backup" holds the lease as process 4711 on far-away'),
      });
      await expect(take(host, async ({ fence }) => fence, { wait: 60_000, term: TERM })).resolves.toBe(2);
    });

    it('that was taken over after it had run out is known to be lost, before anything is listed', async () => {
      const host = freshHost();
      const snapshots = new SnapshotRepository(repository);
      const facts = () => ({ finishedAt: new Date(), files: 1, recipients: [], tool: '0', proofs: [] });
      const { Readable } = await import('node:stream');
      const slow = take(host, async (lease) => {
        // As if this machine had slept: another took the lease over, and we know nothing of it.
        const chain = new LeaseChain(repository, host);
        const other = { ...(await thisProcess()), holder: 'b'.repeat(32), purpose: 'backup' };
        const record = { ...other, machine: 'far-away', since: new Date(), termSeconds: 100 };
        expect(await chain.add(lease.fence + 1, encodeLease('held', record))).toBe(true);
        return snapshots.publish(host, new Date(), Readable.from([Buffer.from('archive')]), facts, {
          signal: lease.signal,
          beforeListed: () => lease.confirm(),
        });
      });
      await expect(slow).rejects.toMatchObject({
        kind: 'locked',
        code: 'repository.lease-lost',
        why: expect.stringContaining('on far-away'),
      });
      expect(await snapshots.list(host)).toEqual([]);
      expect(await snapshots.leftovers(new Date(Date.now() + 60_000), host).catch(() => [])).toEqual([]);
      // What the other holds was left alone.
      expect((await linksOf(host)).at(-1)).toBe(2);
    });

    it('of a sleeper is lost although the number it asks for is free again', async () => {
      const host = freshHost();
      const sleeper = take(host, async (lease) => {
        const chain = new LeaseChain(repository, host);
        const other = { ...(await thisProcess()), holder: 'c'.repeat(32), purpose: 'prune' };
        const record = { ...other, since: new Date(), termSeconds: 100 };
        // Others had it meanwhile, renewed it, and cleaned up behind them.
        expect(await chain.add(lease.fence + 3, encodeLease('released', record))).toBe(true);
        await chain.dropBelow(lease.fence + 3);
        await lease.confirm();
      });
      await expect(sleeper).rejects.toMatchObject({ code: 'repository.lease-lost' });
      await expect(take(host, async ({ fence }) => fence)).resolves.toBe(5);
    });

    it('is no snapshot: listing passes it over', async () => {
      const host = freshHost();
      const snapshots = new SnapshotRepository(repository);
      await take(host, async () => {
        expect(await snapshots.list(host)).toEqual([]);
        expect(await snapshots.listDescribed(host)).toEqual([]);
      });
      expect(await linksOf(host)).toHaveLength(1);
    });

    it('is not kept from anybody by an object that is not understood, once that is old', async () => {
      const host = freshHost();
      await new LeaseChain(repository, host).add(7, Buffer.from('{"format": 2}'));
      await expect(take(host, async () => 'early')).rejects.toMatchObject({
        code: 'repository.locked',
        why: expect.stringContaining('a way that this version does not know'),
      });
    });

    it('knows whether the store decides races', async () => {
      const key = `${freshHost()}/object`;
      await repository.putSmall(key, Buffer.from('x'), { shortLived: true });
      expect(await repository.decidesRaces(key, Buffer.from('x'))).toBe(subject.decidesRaces);
    });
  });
}
