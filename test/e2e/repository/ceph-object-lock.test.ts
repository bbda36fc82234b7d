import { randomBytes } from 'node:crypto';
import {
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLease } from '../../../src/repository/lease/lease.js';
import { DEFAULT_TERM } from '../../../src/repository/lease/term.js';
import { openRepository } from '../../../src/repository/open.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';
import { sidecarKey } from '../../../src/repository/snapshots/names.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { chunked } from '../../interop/repository/contract.js';
import { cephSettings } from './ceph.js';
import { ownBucket, plainClient } from './ceph-users.js';

const MiB = 1024 * 1024;
const DAY = 86_400_000;
const facts = () => ({ finishedAt: new Date(), files: 1, recipients: [], tool: '0', proofs: [] });
const never = new AbortController().signal;
/** In a bucket with versions Ceph passes over If-None-Match, so that a lease looks twice. */
const term = { ...DEFAULT_TERM, settle: 100 };

describe('an object lock in Ceph RGW', () => {
  let settings: S3Settings & { readonly path: string };
  let client: S3Client;
  let empty: () => Promise<void>;
  beforeAll(async () => {
    const ceph = await cephSettings();
    client = plainClient(ceph);
    const own = await ownBucket(client, { locked: true });
    empty = own.empty;
    settings = { ...ceph, bucket: own.bucket, objectLock: { mode: 'governance', days: 3 } };
  });
  afterAll(async () => {
    await empty?.();
    client?.destroy();
  });

  const using = async <Result>(
    change: Partial<S3Settings>,
    work: (snapshots: SnapshotRepository) => Promise<Result>,
  ): Promise<Result> => {
    const repository = await openRepository({ ...settings, ...change });
    try {
      return await work(new SnapshotRepository(repository));
    } finally {
      await repository.close();
    }
  };
  const headOf = (key: string) =>
    client.send(new HeadObjectCommand({ Bucket: settings.bucket, Key: `${settings.path}/${key}` }));
  const versionsOf = async (prefix: string) => {
    const { Versions = [], DeleteMarkers = [] } = await client.send(
      new ListObjectVersionsCommand({ Bucket: settings.bucket, Prefix: `${settings.path}/${prefix}` }),
    );
    return { versions: Versions.length, markers: DeleteMarkers.length };
  };

  it.each([
    ['one request', 1000, 'when-supported'],
    ['parts, whose lock Ceph passes over', 6 * MiB, 'when-supported'],
    ['one request, although checksums are only sent when they must be', 2000, 'when-required'],
  ] as const)('is on archive and sidecar, stored in %s', async (_, size, checksums) => {
    await using({ checksums }, async (snapshots) => {
      const before = Date.now();
      const { key } = await snapshots.publish(`h${size}`, new Date(), chunked(randomBytes(size)), facts);
      for (const stored of [key, sidecarKey(key)]) {
        const { ObjectLockMode, ObjectLockRetainUntilDate } = await headOf(stored);
        expect(ObjectLockMode).toBe('GOVERNANCE');
        const until = ObjectLockRetainUntilDate?.getTime() ?? 0;
        expect(until).toBeGreaterThanOrEqual(before + 3 * DAY - 1000);
        expect(until).toBeLessThanOrEqual(Date.now() + 3 * DAY);
      }
      await expect(snapshots.remove({ key })).rejects.toMatchObject({
        code: 'repository.remove-denied',
        why: expect.stringMatching(/^an object lock keeps it until 20/),
      });
      // Nothing was hidden either: it is as good as before.
      await snapshots.verify(await snapshots.find(`h${size}`, 'latest'));
      expect((await versionsOf(`h${size}/`)).markers).toBe(0);
      await expect(snapshots.repository.putSmall(key, Buffer.from('x'))).rejects.toMatchObject({
        code: 'repository.exists',
      });
    });
  });

  it('is not on leases: one object without a lock stays, and no version behind it', async () => {
    await using({}, async ({ repository }) => {
      for (const _round of [1, 2, 3]) {
        await withLease(repository, 'leased', 'test', never, (lease) => lease.confirm(), { term });
      }
    });
    expect(await versionsOf('leased/.lease/')).toEqual({ versions: 1, markers: 0 });
    await expect(headOf('leased/.lease/000000000009')).resolves.not.toHaveProperty('ObjectLockMode');
  });

  it('keeps what could not be published, unlisted, and says that it is left over', async () => {
    await using({}, async (snapshots) => {
      const failing = snapshots.publish('failed', new Date(), chunked(randomBytes(1000)), () => {
        throw new RangeError('facts');
      });
      await expect(failing).rejects.toThrow(RangeError);
      expect(await snapshots.list('failed')).toEqual([]);
      const leftovers = await snapshots.leftovers(new Date(Date.now() + 60_000), 'failed');
      expect(leftovers).toMatchObject([{ kind: 'object' }]);
      for (const leftover of leftovers) {
        await expect(snapshots.removeLeftover(leftover)).rejects.toMatchObject({
          code: 'repository.remove-denied',
        });
      }
    });
  });

  it.each([1000, 6 * MiB])(
    'of a bucket that was created without one is refused in a sentence, and %d bytes leave nothing behind',
    async (size) => {
      const plain = await cephSettings();
      const elsewhere = { ...plain, objectLock: settings.objectLock };
      await using(elsewhere, async (snapshots) => {
        await expect(
          snapshots.publish('host', new Date(), chunked(randomBytes(size)), facts),
        ).rejects.toMatchObject({
          code: 'repository.settings-refused',
          why: expect.stringContaining('an object lock'),
          next: expect.stringContaining('created with it'),
        });
        expect(await snapshots.leftovers(new Date(Date.now() + 60_000))).toEqual([]);
        for await (const entry of snapshots.repository.list('')) expect(entry).toBeUndefined();
      });
      const { Uploads } = await client.send(
        new ListMultipartUploadsCommand({ Bucket: plain.bucket, Prefix: plain.path }),
      );
      expect(Uploads ?? []).toEqual([]);
    },
  );
});

describe('what Ceph RGW does not offer', () => {
  it.each([
    [{ storageClass: 'STANDARD_IA' }, /the storage class STANDARD_IA/],
    [{ encryption: 'aes256' }, /its encryption \(aes256\)/],
    [{ encryption: 'aws:kms', kmsKeyId: 'k' }, /its encryption \(aws:kms\)/],
  ] as const)('%j, is refused in a sentence that names it', async (change, why) => {
    const repository = await openRepository({ ...(await cephSettings()), ...change });
    try {
      for (const size of [1000, 6 * MiB]) {
        await expect(repository.put('host/object', chunked(Buffer.alloc(size)))).rejects.toMatchObject({
          code: 'repository.settings-refused',
          why: expect.stringMatching(why),
        });
      }
    } finally {
      await repository.close();
    }
  });

  it('the usual storage class, is taken', async () => {
    const repository = await openRepository({ ...(await cephSettings()), storageClass: 'STANDARD' });
    try {
      await repository.put('host/object', chunked(Buffer.alloc(6 * MiB)));
      await repository.remove('host/object');
    } finally {
      await repository.close();
    }
  });
});
