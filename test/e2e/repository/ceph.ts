import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Secret } from '../../../src/core/secret.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';

const run = promisify(execFile);
const script = fileURLToPath(new URL('../../../docker/s3.sh', import.meta.url));

/** Starts the lab's Ceph RGW where it does not run yet, and returns settings for a path that nobody else uses. */
export async function cephSettings(): Promise<
  S3Settings & { readonly endpoint: string; readonly path: string }
> {
  await run(script, ['up']);
  const { stdout } = await run(script, ['env']);
  const env = new Map<string, string>();
  for (const [, name = '', value = ''] of stdout.matchAll(/^export ([A-Z0-9_]+)=(.*)$/gm)) {
    env.set(name, value.replace(/^(['"])(.*)\1$/, '$2'));
  }
  const setting = (name: string): string => {
    const value = env.get(name);
    if (value === undefined) throw new Error(`docker/s3.sh env does not tell ${name}`);
    return value;
  };
  return {
    kind: 's3',
    endpoint: setting('COOLIFY_S3_ENDPOINT'),
    region: setting('COOLIFY_S3_REGION'),
    bucket: setting('COOLIFY_S3_BUCKET'),
    path: `repository-test/${randomUUID()}`,
    accessKeyId: new Secret(setting('HETZNER_S3_ACCESS_KEY')),
    secretAccessKey: new Secret(setting('HETZNER_S3_SECRET_KEY')),
    partSize: 5 * 1024 * 1024,
  };
}
