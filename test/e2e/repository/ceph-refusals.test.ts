import { inspect } from 'node:util';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { openRepository } from '../../../src/repository/open.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';
import { verifyStored } from '../../../src/repository/snapshots/verify-stored.js';
import { chunked } from '../../interop/repository/contract.js';
import { cephSettings } from './ceph.js';

describe('what Ceph RGW refuses', () => {
  let settings: Awaited<ReturnType<typeof cephSettings>>;
  beforeAll(async () => {
    settings = await cephSettings();
  });

  const failureWith = async (change: Partial<S3Settings>) => {
    const repository = await openRepository({ ...settings, ...change });
    try {
      const failures: unknown[] = [];
      for (const attempt of [
        () => repository.check(),
        () => repository.put('host/object', chunked(Buffer.alloc(6 * 1024 * 1024))),
        () => repository.putSmall('host/small', Buffer.from('x')),
      ]) {
        await attempt().then(
          () => failures.push('it was accepted'),
          (failure: unknown) => failures.push(failure),
        );
      }
      return failures;
    } finally {
      await repository.close();
    }
  };

  it('a wrong secret access key, without telling it', async () => {
    const failures = await failureWith({ secretAccessKey: new Secret('not-the-secret-access-key') });
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'repository.signature-mismatch' });
      expect(inspect(failure, { depth: 10, showHidden: true })).not.toContain('not-the-secret-access-key');
    }
  });

  it('an unknown access key id', async () => {
    for (const failure of await failureWith({ accessKeyId: new Secret('NOBODYKNOWSME') })) {
      expect(failure).toMatchObject({ code: 'repository.access-key-unknown' });
    }
  });

  it('a bucket that does not exist', async () => {
    for (const failure of await failureWith({ bucket: 'there-is-no-such-bucket' })) {
      expect(failure).toMatchObject({ code: 'repository.bucket-missing' });
    }
  });
});

describe('once Ceph RGW is known to refuse the second put of a key', () => {
  it.each([
    ['a small object is put with one request', 1024],
    ['an object in parts is put as before', 11 * 1024 * 1024],
  ])('%s, and is not replaced', async (_what, size) => {
    const repository = await openRepository(await cephSettings());
    try {
      const [known, key] = [`known/${size}`, `once/${size}`];
      await repository.putSmall(known, Buffer.from('x'));
      expect(await repository.decidesRaces(known, Buffer.from('x'))).toBe(true);
      const before = repository.requests ?? 0;
      const stored = await repository.put(key, chunked(Buffer.alloc(size)));
      // Begin, three parts, a question, the end, and what became of it.
      expect((repository.requests ?? 0) - before).toBe(size === 1024 ? 1 : 7);
      await expect(repository.put(key, chunked(Buffer.alloc(size, 1)))).rejects.toMatchObject({
        code: 'repository.exists',
      });
      await verifyStored(repository, key, stored);
    } finally {
      await repository.close();
    }
  });
});

describe('what Ceph RGW would refuse, and gets right', () => {
  it('requests of a machine whose clock is three hours off, because the SDK learns the time from the refusal', async () => {
    const repository = await openRepository(await cephSettings());
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3 * 3600 * 1000 });
    try {
      const stored = await repository.put('host/object', chunked(Buffer.alloc(6 * 1024 * 1024)));
      await verifyStored(repository, 'host/object', stored);
      await repository.remove('host/object');
    } finally {
      vi.useRealTimers();
      await repository.close();
    }
  });
});
