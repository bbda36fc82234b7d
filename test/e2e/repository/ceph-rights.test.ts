import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PutBucketPolicyCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withLease } from '../../../src/repository/lease/lease.js';
import { openRepository } from '../../../src/repository/open.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { chunked } from '../../interop/repository/contract.js';
import { cephSettings } from './ceph.js';
import { type CephUser, cephUser, ownBucket, plainClient, radosgwAdmin } from './ceph-users.js';

const MiB = 1024 * 1024;
const facts = () => ({ finishedAt: new Date(), files: 1, recipients: [], tool: '0', proofs: [] });
const never = new AbortController().signal;

/** The policy as the documentation has it. */
async function documentedPolicy(): Promise<string> {
  const page = await readFile(new URL('../../../docs/repositories.md', import.meta.url), 'utf8');
  const policy = /<!-- smallest-policy -->\s*```json\n([\s\S]+?)```/.exec(page)?.[1];
  if (policy === undefined) throw new Error('docs/repositories.md holds no policy');
  return policy;
}

describe('a machine that only takes backups, with the smallest policy of the documentation', () => {
  let owner: S3Client;
  let settings: S3Settings;
  let backup: S3Settings;
  let user: CephUser;
  let empty: () => Promise<void>;
  const allow = async (policy: string) => {
    const Policy = policy
      .replaceAll('my-controllers', settings.bucket)
      .replaceAll('user/backup', `user/${user.uid}`);
    await owner.send(new PutBucketPolicyCommand({ Bucket: settings.bucket, Policy }));
  };
  beforeAll(async () => {
    const ceph = await cephSettings();
    owner = plainClient(ceph);
    const own = await ownBucket(owner);
    empty = own.empty;
    user = await cephUser();
    settings = { ...ceph, bucket: own.bucket, path: 'state' };
    backup = { ...settings, accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey };
    await allow(await documentedPolicy());
  });
  afterAll(async () => {
    await empty?.();
    await user?.remove();
    owner?.destroy();
  });

  it('publishes snapshots under the lease, large and small, again and again, and lists them', async () => {
    const repository = await openRepository(backup);
    try {
      const snapshots = new SnapshotRepository(repository);
      for (const size of [1000, 6 * MiB]) {
        await withLease(repository, 'host', 'backup', never, (lease) =>
          snapshots.publish('host', new Date(), chunked(randomBytes(size)), facts, {
            signal: lease.signal,
            beforeListed: () => lease.confirm(),
          }),
        );
      }
      expect(await snapshots.listDescribed('host')).toHaveLength(2);
    } finally {
      await repository.close();
    }
  });

  it('cannot remove anything, and is told so', async () => {
    const repository = await openRepository(backup);
    try {
      const snapshots = new SnapshotRepository(repository);
      const [snapshot] = await snapshots.list('host');
      expect(snapshot).toBeDefined();
      if (snapshot === undefined) return;
      await expect(snapshots.remove(snapshot)).rejects.toMatchObject({
        code: 'repository.remove-denied',
        why: expect.stringContaining('may not remove'),
      });
      await expect(snapshots.find('host', snapshot.id)).resolves.toMatchObject({ id: snapshot.id });
    } finally {
      await repository.close();
    }
  });

  it('that may not write leases is told what is missing, and nothing is stored', async () => {
    const without = (await documentedPolicy()).replace('state/*', 'state/*/coolify-state-*');
    await allow(without);
    const repository = await openRepository(backup);
    try {
      const working = withLease(repository, 'other', 'backup', never, async () => 'unlocked');
      await expect(working).rejects.toMatchObject({
        code: 'repository.lease-denied',
        what: expect.stringContaining('of other in s3://'),
        why: expect.stringContaining('.lease/'),
        next: expect.stringContaining('docs/repositories.md'),
      });
    } finally {
      await repository.close();
    }
  });
});

describe('an account of Ceph RGW', () => {
  let user: CephUser;
  let settings: S3Settings;
  let client: S3Client;
  beforeAll(async () => {
    user = await cephUser();
    const ceph = await cephSettings();
    const own = { ...ceph, accessKeyId: user.accessKeyId, secretAccessKey: user.secretAccessKey };
    client = plainClient(own);
    settings = { ...own, bucket: (await ownBucket(client)).bucket };
  });
  afterAll(async () => {
    client?.destroy();
    await user?.remove();
  });

  it('whose quota is used up is told from other refusals, and leaves nothing behind', async () => {
    await radosgwAdmin('quota', 'set', '--quota-scope=user', '--uid', user.uid, '--max-size=4M');
    await radosgwAdmin('quota', 'enable', '--quota-scope=user', '--uid', user.uid);
    const repository = await openRepository(settings);
    try {
      await expect(repository.put('host/object', chunked(randomBytes(11 * MiB)))).rejects.toMatchObject({
        code: 'repository.no-space',
        why: expect.stringContaining('quota'),
      });
      for await (const entry of repository.list('')) expect(entry).toBeUndefined();
      for await (const leftover of repository.leftovers('')) expect(leftover).toBeUndefined();
    } finally {
      await repository.close();
    }
  });

  it('that is suspended is told from one that lacks a right', async () => {
    await radosgwAdmin('user', 'suspend', '--uid', user.uid);
    const repository = await openRepository(settings);
    try {
      await expect(repository.check()).rejects.toMatchObject({ code: 'repository.account-suspended' });
    } finally {
      await repository.close();
      await radosgwAdmin('user', 'enable', '--uid', user.uid);
    }
  });

  it('looks into the bucket of another in vain', async () => {
    const theirs = await cephSettings();
    const repository = await openRepository({ ...settings, bucket: theirs.bucket });
    try {
      await expect(repository.check()).rejects.toMatchObject({ code: 'repository.access-denied' });
      await expect(repository.putSmall('host/object', Buffer.from('x'))).rejects.toMatchObject({
        code: 'repository.access-denied',
      });
    } finally {
      await repository.close();
    }
  });
});
