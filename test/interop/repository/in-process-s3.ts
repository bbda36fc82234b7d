import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { Secret } from '../../../src/core/secret.js';
import type { S3Settings } from '../../../src/repository/s3/settings.js';

export const SECRET_KEY = 'S3RVER';

/**
 * An S3 in this process. It is old: it evaluates neither If-None-Match of a put nor If-Match, cannot abort a multipart
 * upload, does not list open ones, and needs DES, which OpenSSL 3 no longer has, for the second page of a listing. What
 * rests on these is tested against Ceph RGW (test/e2e/repository).
 */
export async function startInProcessS3(): Promise<{
  readonly settings: S3Settings & { readonly endpoint: string };
  stop(): Promise<void>;
}> {
  const directory = await mkdtemp(join(tmpdir(), 'coolify-state-s3-'));
  const bucket = 'test-bucket';
  const server = new S3rver({
    address: '127.0.0.1',
    port: 0,
    silent: true,
    directory,
    // The name of the host says nothing about the bucket.
    vhostBuckets: false,
    configureBuckets: [{ name: bucket }],
  });
  const { port } = await server.run();
  return {
    settings: {
      kind: 's3',
      endpoint: `http://127.0.0.1:${port}`,
      bucket,
      path: 'some/path',
      accessKeyId: new Secret('S3RVER'),
      secretAccessKey: new Secret(SECRET_KEY),
      partSize: 5 * 1024 * 1024,
      maxAttempts: 3,
    },
    stop: async () => {
      await server.close();
      await rm(directory, { recursive: true });
    },
  };
}
