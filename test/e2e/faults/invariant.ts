import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ListMultipartUploadsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { expect } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { openRepository, type RepositorySettings } from '../../../src/repository/open.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { collect } from '../lab.js';
import { eventually, leftoversIn, oursOn } from '../observations.js';
import type { Stage } from './stage.js';

/** What has to hold after every fault. */

/** Ids of the snapshots that are listed in both repositories; one that is in two places counts twice. */
export async function listedIds(stage: Stage): Promise<string[]> {
  const { env, endpoint } = stage.bucket;
  const places: readonly RepositorySettings[] = [
    { kind: 'directory', path: join(stage.disk, 'repository') },
    {
      kind: 's3',
      endpoint,
      bucket: env['COOLIFY_S3_BUCKET'] ?? '',
      path: stage.prefix,
      accessKeyId: new Secret(env['HETZNER_S3_ACCESS_KEY'] ?? ''),
      secretAccessKey: new Secret(env['HETZNER_S3_SECRET_KEY'] ?? ''),
    },
  ];
  const ids: string[] = [];
  for (const place of places) {
    const repository = await openRepository(place);
    try {
      const listed = await new SnapshotRepository(repository).list(stage.host);
      ids.push(...listed.map(({ id }) => id));
    } finally {
      await repository.close();
    }
  }
  return ids.sort();
}

/** The last good generation and every snapshot that is listed prove, from their last byte, that they can be restored. */
export async function expectProven(stage: Stage): Promise<void> {
  for (const which of [
    ['--all', '--read-data'],
    ['--from', 'local'],
  ]) {
    const { status, stdout, stderr } = await stage.run(['verify', ...which]);
    expect(status, `verify ${which.join(' ')}: ${stdout.slice(-3000)}${stderr.slice(-2000)}`).toBe(0);
  }
}

/** Nothing is left of any run: here, on the host, in the stores, on the engine. */
export async function expectNothingLeft(stage: Stage): Promise<void> {
  let left: string[] = [];
  const look = async (): Promise<boolean> => {
    left = [...(await leftHere(stage)), ...(await leftElsewhere(stage))];
    return left.length === 0;
  };
  // Processes on the host end when their connection does, which takes a moment.
  await eventually('nothing is left', look, 30).catch(() => expect(left).toEqual([]));
}

async function leftHere(stage: Stage): Promise<string[]> {
  const repository = await readdir(join(stage.disk, 'repository'), { recursive: true }).catch(() => []);
  return [
    ...(await leftoversIn(stage.state)),
    ...(await readdir(stage.temporary)),
    ...repository.filter((path) => path.includes('.coolify-state-writing-')),
  ];
}

async function leftElsewhere(stage: Stage): Promise<string[]> {
  const spare = await stage.onHost(
    `docker exec coolify-db psql -U coolify -Atc "SELECT datname FROM pg_database WHERE datname LIKE 'coolify\\_state\\_%'"`,
  );
  const filter = ['--filter', 'label=coolify-state.drill', '--format', '{{.Names}}'];
  const { stdout: drills } = await collect('docker', ['ps', '-a', ...filter]);
  return [
    ...(await oursOn(stage.host)),
    ...spare.split('\n').filter((name) => name !== ''),
    ...(await inStore(stage)).uploads.map((key) => `upload of ${key}`),
    ...drills.split('\n').filter((name) => name.includes(stage.host)),
  ];
}

/** What is below the stage's prefix. */
export async function inStore(
  stage: Stage,
): Promise<{ readonly keys: string[]; readonly uploads: string[] }> {
  const { env, endpoint } = stage.bucket;
  const client = new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: env['HETZNER_S3_ACCESS_KEY'] ?? '',
      secretAccessKey: env['HETZNER_S3_SECRET_KEY'] ?? '',
    },
  });
  const below = { Bucket: env['COOLIFY_S3_BUCKET'], Prefix: `${stage.prefix}/` };
  try {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand(below));
    const { Contents = [] } = await client.send(new ListObjectsV2Command(below));
    return {
      keys: Contents.map(({ Key = '' }) => Key),
      uploads: Uploads.map(({ Key = '' }) => Key),
    };
  } finally {
    client.destroy();
  }
}
