import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { withLease } from '../../../src/repository/lease/lease.js';
import { openRepository } from '../../../src/repository/open.js';
import type { Repository } from '../../../src/repository/repository.js';
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.js';
import { startInProcessS3 } from './in-process-s3.js';
import { leaseContract } from './lease-contract.js';

leaseContract('a directory', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'coolify-state-lease-'));
  const repository = await openRepository({ kind: 'directory', path: join(folder, 'made', 'later') });
  return {
    repository,
    decidesRaces: true,
    dispose: async () => {
      await repository.close();
      await rm(folder, { recursive: true });
    },
  };
});

// A store that lets both of two writers win: there a pause and a second look decide.
leaseContract('an in-process S3 without conditions', async () => {
  const { settings, stop } = await startInProcessS3();
  const repository = await openRepository(settings);
  return {
    repository,
    decidesRaces: false,
    dispose: async () => {
      await repository.close();
      await stop();
    },
  };
});

describe('a lease on a bad day', () => {
  const term = { duration: 3000, renewal: 500, retry: 100, margin: 1100, settle: 50 };
  const never = new AbortController().signal;
  let proxy: FaultyProxy;
  let repository: Repository;
  let stop: () => Promise<void>;
  beforeAll(async () => {
    const s3 = await startInProcessS3();
    stop = s3.stop;
    proxy = await startFaultyProxy(s3.settings.endpoint);
    const settings = { ...s3.settings, endpoint: proxy.endpoint, maxAttempts: 1, idleTimeout: 1000 };
    repository = await openRepository(settings);
  });
  afterEach(() => {
    proxy.faults = () => undefined;
  });
  afterAll(async () => {
    await repository?.close();
    await proxy?.stop();
    await stop?.();
  });

  it('is held on to while a renewal now and then does not come through', async () => {
    let puts = 0;
    proxy.faults = ({ method }) => {
      if (method !== 'PUT') return undefined;
      puts += 1;
      // The first two are taking it, and finding out that this store does not decide.
      if (puts === 3) return { answer: 503, code: 'SlowDown' };
      return puts === 5 ? { loseAnswer: true } : undefined;
    };
    const working = withLease(
      repository,
      'shaken',
      'test',
      never,
      async (lease) => {
        while (puts < 7) await sleep(50, undefined, { signal: lease.signal });
        await lease.confirm();
        return 'held';
      },
      { term },
    );
    await expect(working).resolves.toBe('held');
  });

  it('is given up when the store does not answer for as long as it lasts, and the work is ended', async () => {
    const working = withLease(
      repository,
      'cut-off',
      'test',
      never,
      async (lease) => {
        proxy.faults = () => ({ answer: 503, code: 'SlowDown' });
        await sleep(60_000, undefined, { signal: lease.signal });
      },
      { term },
    );
    await expect(working).rejects.toMatchObject({
      kind: 'failed',
      code: 'repository.lease-expired',
      why: expect.stringContaining('asked to slow down'),
    });
    // It runs out in the store as well, and then the next has it.
    proxy.faults = () => undefined;
    const next = withLease(repository, 'cut-off', 'test', never, async () => 'next', { term, wait: 60_000 });
    await expect(next).resolves.toBe('next');
  });

  it('that cannot be asked for says what the store said', async () => {
    proxy.faults = () => ({ answer: 404, code: 'NoSuchBucket' });
    await expect(withLease(repository, 'h', 'test', never, async () => '')).rejects.toMatchObject({
      code: 'repository.bucket-missing',
      what: expect.stringMatching(/^Could not take the lease of the snapshots of h in s3:/),
    });
  });
});
