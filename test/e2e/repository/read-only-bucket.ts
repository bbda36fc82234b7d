import { readFile } from 'node:fs/promises';
import { ListObjectsV2Command, PutBucketPolicyCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { S3Settings } from '../../../src/repository/s3/settings.js';
import { cephSettings } from './ceph.js';
import { cephUser, ownBucket, plainClient } from './ceph-users.js';

/** A bucket that one user owns and another may only read, by the policy of docs/security.md for a machine that restores. */
export interface ReadOnlyBucket extends AsyncDisposable {
  /** For whoever stores. */
  readonly owner: S3Settings;
  /** Of the inventory, for whoever reads. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly reader: { readonly accessKey: string; readonly secretKey: string };
  keys(): Promise<string[]>;
}

const policySchema = z.object({
  Version: z.string(),
  Statement: z.array(z.looseObject({ Principal: z.object({ AWS: z.array(z.string()) }) })),
});

export async function readOnlyBucket(): Promise<ReadOnlyBucket> {
  const ceph = await cephSettings();
  const client = plainClient(ceph);
  const { bucket, empty } = await ownBucket(client);
  const reader = await cephUser();
  const page = await readFile(new URL('../../../docs/security.md', import.meta.url), 'utf8');
  const text = /<!-- bucket-policy -->\s*```json\n([\s\S]+?)```/.exec(page)?.[1] ?? '';
  const policy = policySchema.parse(JSON.parse(text.replaceAll('my-controllers', bucket)));
  const own = policy.Statement.filter(({ Principal }) => Principal.AWS[0]?.endsWith(':user/restore'));
  const Policy = JSON.stringify({ ...policy, Statement: own }).replaceAll(
    'user/restore"',
    `user/${reader.uid}"`,
  );
  await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
  return {
    owner: { ...ceph, bucket, path: 'state' },
    settings: {
      coolify_repository: `s3://${bucket}/state`,
      coolify_s3_endpoint: ceph.endpoint,
      coolify_s3_region: ceph.region,
    },
    reader: { accessKey: reader.accessKeyId.reveal(), secretKey: reader.secretAccessKey.reveal() },
    keys: async () => {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: bucket }));
      return Contents.map(({ Key = '' }) => Key);
    },
    [Symbol.asyncDispose]: async () => {
      await empty();
      await reader.remove();
      client.destroy();
    },
  };
}
