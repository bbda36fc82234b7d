import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Secret } from '../../../src/core/secret.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';

const run = promisify(execFile);

/** Runs the lab's `radosgw-admin`. */
export async function radosgwAdmin(...args: readonly string[]): Promise<string> {
  const { stdout } = await run('docker', ['exec', 'coolify-state-lab-s3', 'radosgw-admin', ...args]);
  return stdout;
}

export interface CephUser {
  readonly uid: string;
  readonly accessKeyId: Secret;
  readonly secretAccessKey: Secret;
  remove(): Promise<void>;
}

/** One more user of the lab's Ceph, who owns nothing yet. */
export async function cephUser(): Promise<CephUser> {
  const uid = `test-${randomBytes(6).toString('hex')}`;
  const [access, secret] = [randomBytes(10).toString('hex').toUpperCase(), randomBytes(20).toString('hex')];
  await radosgwAdmin(
    ...['user', 'create', '--uid', uid, '--display-name', uid],
    ...['--access-key', access, '--secret', secret],
  );
  return {
    uid,
    accessKeyId: new Secret(access),
    secretAccessKey: new Secret(secret),
    remove: async () => {
      await radosgwAdmin('user', 'rm', '--uid', uid, '--purge-data');
    },
  };
}

/** The SDK's own client, for what this program never does. */
export function plainClient(settings: S3Settings): S3Client {
  return new S3Client({
    endpoint: settings.endpoint ?? '',
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: settings.accessKeyId?.reveal() ?? '',
      secretAccessKey: settings.secretAccessKey?.reveal() ?? '',
    },
  });
}

/** A bucket of one's own. `empty` removes it with all versions, locked by governance or not. */
export async function ownBucket(
  client: S3Client,
  { locked = false }: { readonly locked?: boolean } = {},
): Promise<{ readonly bucket: string; empty(): Promise<void> }> {
  const Bucket = `test-${randomBytes(6).toString('hex')}`;
  await client.send(new CreateBucketCommand({ Bucket, ObjectLockEnabledForBucket: locked }));
  return {
    bucket: Bucket,
    empty: async () => {
      const { Versions = [], DeleteMarkers = [] } = await client.send(
        new ListObjectVersionsCommand({ Bucket }),
      );
      for (const { Key, VersionId } of [...Versions, ...DeleteMarkers]) {
        const target = { Bucket, Key, VersionId, ...(locked && { BypassGovernanceRetention: true }) };
        await client.send(new DeleteObjectCommand(target));
      }
      await client.send(new DeleteBucketCommand({ Bucket }));
    },
  };
}
