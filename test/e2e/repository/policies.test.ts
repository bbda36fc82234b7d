import { chmod, copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  DeleteObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { S3Settings } from '../../../src/repository/s3/settings.js';
import { releasedSnapshots } from '../../released-snapshots.js';
import { coolifyState, type Outcome, type Workplace, workplace } from '../lab.js';
import { cephSettings } from './ceph.js';
import { type CephUser, cephUser, ownBucket, plainClient } from './ceph-users.js';

/** The bucket policy of docs/security.md: each machine does its work with exactly those rights, and nothing else. */
const [released] = releasedSnapshots();
const ROLES = ['backup', 'restore', 'prune'] as const;
type Role = (typeof ROLES)[number];

let ceph: Awaited<ReturnType<typeof cephSettings>>;
let owner: S3Client;
let users: Record<Role, CephUser>;

beforeAll(async () => {
  ceph = await cephSettings();
  owner = plainClient(ceph);
  const [backup, restore, prune] = await Promise.all(ROLES.map(() => cephUser()));
  if (backup === undefined || restore === undefined || prune === undefined) throw new Error('no users');
  users = { backup, restore, prune };
});

afterAll(async () => {
  await Promise.all(Object.values(users ?? {}).map((user) => user.remove()));
  owner?.destroy();
});

async function documentedPolicy(bucket: string): Promise<string> {
  const page = await readFile(new URL('../../../docs/security.md', import.meta.url), 'utf8');
  const policy = /<!-- bucket-policy -->\s*```json\n([\s\S]+?)```/.exec(page)?.[1];
  if (policy === undefined) throw new Error('docs/security.md holds no policy');
  const named = policy.replaceAll('my-controllers', bucket);
  return ROLES.reduce((text, role) => text.replaceAll(`user/${role}"`, `user/${users[role].uid}"`), named);
}

/** A bucket with that policy, the clients of the three, and the program as each of them. */
async function bucketOf(locked: boolean) {
  if (released === undefined) throw new Error('there is no released snapshot');
  const own = await ownBucket(owner, { locked });
  const { bucket } = own;
  await owner.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: await documentedPolicy(bucket) }));
  const clients = {
    backup: plainClient(settingsOf('backup', bucket)),
    restore: plainClient(settingsOf('restore', bucket)),
    prune: plainClient(settingsOf('prune', bucket)),
  };
  const place = await workplace(released.host, 1, {
    coolify_s3_endpoint: ceph.endpoint,
    coolify_s3_bucket: bucket,
    coolify_s3_path: 'state',
    ...(locked && { coolify_s3_object_lock: 'governance', coolify_s3_object_lock_days: 1 }),
  });
  const key = join(place.folder, 'identity');
  await copyFile(released.identity, key);
  await chmod(key, 0o600);
  return { bucket, clients, place, key, empty: own.empty };
}

function settingsOf(role: Role, bucket: string): S3Settings {
  const { accessKeyId, secretAccessKey } = users[role];
  return { ...ceph, bucket, path: 'state', accessKeyId, secretAccessKey };
}

function as(role: Role, place: Workplace, args: readonly string[]): Promise<Outcome> {
  const { accessKeyId, secretAccessKey } = users[role];
  return coolifyState([...args, ...place.options], {
    env: {
      HETZNER_S3_ACCESS_KEY: accessKeyId.reveal(),
      HETZNER_S3_SECRET_KEY: secretAccessKey.reveal(),
      // What another role has seen must not help this one.
      COOLIFY_STATE_CACHE_PATH: join(place.folder, `cache-${role}`),
    },
  });
}

async function keysOf(bucket: string): Promise<string[]> {
  const { Contents = [] } = await owner.send(new ListObjectsV2Command({ Bucket: bucket }));
  return Contents.map(({ Key = '' }) => Key).filter((name) => !name.includes('/.lease/'));
}

const refused = { name: 'AccessDenied' };
const from = `file:${released?.repository}`;

describe('in a plain bucket', () => {
  let at: Awaited<ReturnType<typeof bucketOf>>;
  let archive: string;
  beforeAll(async () => {
    at = await bucketOf(false);
  });
  afterAll(async () => {
    for (const client of Object.values(at?.clients ?? {})) client.destroy();
    await at?.place.remove();
    await at?.empty();
  });

  it('the backup machine stores a snapshot and reads it back, without a key that opens it', async () => {
    await at.place.writeInventory({ coolify_backup_encryption_key_path: join(at.place.folder, 'not-here') });
    const { status, stdout, stderr } = await as('backup', at.place, ['copy', '--from-repository', from]);
    expect(status, stderr + stdout).toBe(0);
    const keys = await keysOf(at.bucket);
    expect(keys).toHaveLength(2);
    archive = keys.find((key) => key.endsWith('.age')) ?? '';
    expect(archive).toMatch(/^state\/.+\.tar\.gz\.age$/);
    const opened = await as('backup', at.place, ['verify', '--read-data']);
    expect(opened.status, opened.stderr).not.toBe(0);
  });

  it('the backup machine removes nothing and writes nowhere else', async () => {
    const { backup } = at.clients;
    await expect(
      backup.send(new DeleteObjectCommand({ Bucket: at.bucket, Key: archive })),
    ).rejects.toMatchObject(refused);
    await expect(
      backup.send(new PutObjectCommand({ Bucket: at.bucket, Key: 'other/file', Body: 'x' })),
    ).rejects.toMatchObject(refused);
    await expect(
      backup.send(
        new PutBucketPolicyCommand({ Bucket: at.bucket, Policy: await documentedPolicy(at.bucket) }),
      ),
    ).rejects.toMatchObject(refused);
    const prune = await as('backup', at.place, [
      'prune',
      '--keep-last',
      '1',
      '--leftovers-older-than',
      '0h',
      '--yes',
    ]);
    expect(await keysOf(at.bucket), prune.stderr).toHaveLength(2);
  });

  it('the restore machine lists, verifies and opens, and writes and removes nothing', async () => {
    await at.place.writeInventory({ coolify_backup_encryption_key_path: at.key });
    for (const args of [['snapshots'], ['verify', '--read-data'], ['ls', 'latest']]) {
      const { status, stdout, stderr } = await as('restore', at.place, args);
      expect(status, `${args.join(' ')}: ${stderr}${stdout}`).toBe(0);
    }
    const { restore } = at.clients;
    for (const Key of [archive, 'state/new', `state/${released?.host}/.lease/9`]) {
      await expect(
        restore.send(new PutObjectCommand({ Bucket: at.bucket, Key, Body: 'x' })),
      ).rejects.toMatchObject(refused);
      await expect(restore.send(new DeleteObjectCommand({ Bucket: at.bucket, Key }))).rejects.toMatchObject(
        refused,
      );
    }
  });

  it('the prune machine stores no snapshot and changes none, whoever holds its credentials', async () => {
    const { prune } = at.clients;
    for (const Key of [archive, `${archive}.json`, 'state/other/coolify-state-other-x.tar.gz.age']) {
      await expect(
        prune.send(new PutObjectCommand({ Bucket: at.bucket, Key, Body: 'x' })),
      ).rejects.toMatchObject(refused);
    }
  });

  it('an overwritten snapshot is not taken for a good one', async () => {
    // S3 knows no right to create that is none to replace: only versions and an object lock keep what was there.
    await at.clients.backup.send(new PutObjectCommand({ Bucket: at.bucket, Key: archive, Body: 'junk' }));
    const { status, stdout } = await as('restore', at.place, ['verify']);
    expect(status, stdout).toBe(4);
  });

  it('the prune machine removes what the policy of the inventory does not keep', async () => {
    const again = await as('prune', at.place, [
      'prune',
      '--keep-last',
      '1',
      '--leftovers-older-than',
      '0h',
      '--yes',
    ]);
    expect(again.status, again.stderr + again.stdout).toBe(0);
    expect(await keysOf(at.bucket)).toHaveLength(2);
    await owner.send(new DeleteObjectCommand({ Bucket: at.bucket, Key: `${archive}.json` }));
    // An archive without its sidecar is a leftover.
    const { status, stderr, stdout } = await as('prune', at.place, [
      ...['prune', '--keep-last', '1', '--leftovers-older-than', '0h', '--yes'],
    ]);
    expect(status, stderr + stdout).toBe(0);
    expect(await keysOf(at.bucket)).toEqual([]);
  });
});

describe('in a bucket with an object lock', () => {
  let at: Awaited<ReturnType<typeof bucketOf>>;
  beforeAll(async () => {
    at = await bucketOf(true);
  });
  afterAll(async () => {
    for (const client of Object.values(at?.clients ?? {})) client.destroy();
    await at?.place.remove();
    await at?.empty();
  });

  it('what a backup machine overwrites is hidden at most, and comes back', async () => {
    const copied = await as('backup', at.place, ['copy', '--from-repository', from]);
    expect(copied.status, copied.stderr + copied.stdout).toBe(0);
    const Key = (await keysOf(at.bucket)).find((key) => key.endsWith('.age')) ?? '';
    await at.clients.backup.send(new PutObjectCommand({ Bucket: at.bucket, Key, Body: 'junk' }));
    expect((await as('restore', at.place, ['verify'])).status).toBe(4);
    const { Versions = [] } = await owner.send(
      new ListObjectVersionsCommand({ Bucket: at.bucket, Prefix: Key }),
    );
    const [junk, ...locked] = Versions.filter((version) => version.Key === Key);
    expect(locked).toHaveLength(1);
    for (const [role, client] of Object.entries(at.clients)) {
      const target = { Bucket: at.bucket, Key, VersionId: locked[0]?.VersionId };
      await expect(
        client.send(new DeleteObjectCommand({ ...target, BypassGovernanceRetention: true })),
        role,
      ).rejects.toMatchObject(refused);
    }
    await owner.send(new DeleteObjectCommand({ Bucket: at.bucket, Key, VersionId: junk?.VersionId }));
    await at.place.writeInventory({ coolify_backup_encryption_key_path: at.key });
    const { status, stdout, stderr } = await as('restore', at.place, ['verify', '--read-data']);
    expect(status, stdout + stderr).toBe(0);
  });
});
