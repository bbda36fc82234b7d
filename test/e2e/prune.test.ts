import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { CreateMultipartUploadCommand, PutBucketPolicyCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Secret } from '../../src/core/secret.js';
import { openRepository } from '../../src/repository/open.js';
import type { Repository } from '../../src/repository/repository.js';
import { SnapshotRepository } from '../../src/repository/snapshots/snapshots.js';
import { startFaultyProxy } from '../interop/repository/faulty-proxy.js';
import { coolifyState, LAB, lab, type Outcome, type S3Access, s3 } from './lab.js';

/** Real snapshots in Ceph RGW, of small bodies: prune needs no host. */

const HOUR = 3_600_000;
const bucket = `prune-${randomBytes(6).toString('hex')}`;
const START = Date.now();

let access: S3Access;
let folder: string;
let repository: Repository;
let snapshots: SnapshotRepository;
let client: S3Client;

beforeAll(async () => {
  access = await s3();
  await lab('s3.sh', 'bucket', bucket);
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-e2e-'));
  const accessKeyId = access.env['HETZNER_S3_ACCESS_KEY'] ?? '';
  const secretAccessKey = access.env['HETZNER_S3_SECRET_KEY'] ?? '';
  repository = await openRepository({
    kind: 's3',
    endpoint: access.endpoint,
    bucket,
    path: 'state',
    accessKeyId: new Secret(accessKeyId),
    secretAccessKey: new Secret(secretAccessKey),
  });
  snapshots = new SnapshotRepository(repository);
  client = new S3Client({
    endpoint: access.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  });
});
afterAll(async () => {
  client.destroy();
  await repository.close();
  await rm(folder, { recursive: true, force: true });
});

async function publish(host: string, ages: readonly number[]): Promise<string[]> {
  const ids: string[] = [];
  for (const hours of ages) {
    const at = new Date(START - hours * HOUR);
    const facts = {
      finishedAt: at,
      files: 1,
      recipients: ['SHA256:somebody'],
      tool: '0.1.0',
      coolify: '4.3.11',
      proofs: [{ name: 'app-key', ok: true }],
    };
    ids.push((await snapshots.publish(host, at, Readable.from([randomBytes(500)]), () => facts)).id);
  }
  return ids;
}

const idsOf = async (host: string): Promise<string[]> => (await snapshots.list(host)).map(({ id }) => id);

async function keysOf(host: string): Promise<string[]> {
  const keys: string[] = [];
  // Beside them lies the lease.
  for await (const { key } of repository.list(`${host}/coolify-state-`)) keys.push(key);
  return keys;
}

interface RunOptions {
  readonly endpoint?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly started?: NonNullable<Parameters<typeof coolifyState>[1]>['started'];
}

/** Runs the program on one host, whose repository is the bucket. */
async function program(
  command: string,
  host: string,
  args: readonly string[],
  { endpoint = access.endpoint, settings = {}, started }: RunOptions = {},
): Promise<Outcome> {
  const inventory = join(folder, `${host}.yml`);
  const vars = {
    coolify_s3_endpoint: endpoint,
    coolify_s3_bucket: bucket,
    coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
    ...settings,
  };
  await writeFile(inventory, JSON.stringify({ controller: { hosts: { [host]: vars } } }));
  return await coolifyState([command, '-i', inventory, '--state-dir', join(folder, 'state'), ...args], {
    env: access.env,
    ...(started !== undefined && { started }),
  });
}

interface PlannedSnapshot {
  readonly id: string;
  readonly outcome: string;
  readonly reasons: readonly string[];
}

/** What the summary of `--json` says of the snapshots in the bucket. */
function planned({ stdout }: Outcome): PlannedSnapshot[] {
  const { hosts } = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
  return hosts[0].places[1].snapshots;
}

describe('pruning a bucket', () => {
  it('shows what it would keep and drop and why, and then does that', async () => {
    const ids = await publish('daily', [2, 3, 26, 50, 51, 74]);
    const settings = { coolify_keep_daily: 2, coolify_keep_within: '1h' };
    const check = await program('prune', 'daily', ['--check'], { settings });
    expect(check).toMatchObject({ status: 0 });
    for (const id of ids) expect(check.stdout).toMatch(new RegExp(`${id} .* (keep|drop) `));
    expect(await idsOf('daily')).toEqual(ids);

    const plan = planned(await program('prune', 'daily', ['--check', '--json'], { settings }));
    expect(plan.map(({ id }) => id)).toEqual(ids);
    expect(plan[0]).toMatchObject({ outcome: 'keep', reasons: ['within 1h', 'daily snapshot'] });
    const kept = plan.filter(({ outcome }) => outcome === 'keep').map(({ id }) => id);
    expect(kept).toHaveLength(2);

    // Its rules stand in the inventory, so nobody has to say yes.
    const done = await program('prune', 'daily', ['--json'], { settings });
    expect(done).toMatchObject({ status: 0 });
    expect(planned(done).map(({ outcome }) => outcome.replace('removed', 'drop'))).toEqual(
      plan.map(({ outcome }) => outcome),
    );
    expect(await idsOf('daily')).toEqual(kept);
    expect(await keysOf('daily')).toHaveLength(4);
    const again = await program('prune', 'daily', [], { settings });
    expect(again.stdout).toMatch(/changed=0/);

    const listed = await program('snapshots', 'daily', ['--json'], { settings });
    expect(JSON.parse(listed.stdout).snapshots).toMatchObject([
      { id: kept[0], proven: true, retention: { keep: true }, recipients: ['SHA256:somebody'] },
      { id: kept[1], retention: { keep: true, reasons: ['daily snapshot'] } },
    ]);
  });

  it('asks for --yes where the rules were typed and nobody can be asked, and for rules where there are none', async () => {
    const ids = await publish('typed', [1, 2]);
    const refused = await program('prune', 'typed', ['--keep-last', '1']);
    expect(refused).toMatchObject({ status: 2, stderr: expect.not.stringContaining('removed') });
    expect(refused.stdout).toContain('code: prune.needs-yes');
    const without = await program('prune', 'typed', ['--yes']);
    expect(without).toMatchObject({ status: 2, stdout: expect.stringContaining('code: prune.no-policy') });
    const wrong = await program('prune', 'typed', ['--yes', '--keep-within', '7w']);
    expect(wrong).toMatchObject({ status: 2, stderr: expect.stringContaining('--keep-within') });
    expect(await idsOf('typed')).toEqual(ids);
    // A flag wins over the setting of the same name; -1 is unlimited.
    const settings = { coolify_keep_last: 1 };
    const all = await program('prune', 'typed', ['--yes', '--keep-last', '-1'], { settings });
    expect(all).toMatchObject({ status: 0, stdout: expect.stringContaining('--keep-last unlimited') });
    expect(await idsOf('typed')).toEqual(ids);
    expect(await program('prune', 'typed', ['--yes', '--keep-last', '1'])).toMatchObject({ status: 0 });
    expect(await idsOf('typed')).toEqual(ids.slice(0, 1));
  });

  it('finds the uploads of a writer that was killed, and hits none that may be under way', async () => {
    const [id] = await publish('killed', [1]);
    const name = 'coolify-state-killed-20260101T000000Z.tar.gz.age';
    const Key = `state/killed/${name}`;
    await client.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
    await repository.putSmall(
      `killed/coolify-state-killed-20260102T000000Z.tar.gz.age`,
      Buffer.from('no sidecar'),
    );
    const young = await program('prune', 'killed', ['--keep-last', '1', '--yes']);
    expect(young).toMatchObject({ status: 0, stderr: expect.stringContaining('may be under way') });
    expect(await snapshots.leftovers(new Date(Date.now() + HOUR), 'killed')).toHaveLength(2);
    // The store tells whole seconds.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    const old = await program('prune', 'killed', [
      '--keep-last',
      '1',
      '--yes',
      '--leftovers-older-than',
      '0h',
    ]);
    expect(old).toMatchObject({
      status: 0,
      stdout: expect.stringContaining(`removed: leftover the open upload of`),
    });
    expect(await snapshots.leftovers(new Date(Date.now() + HOUR), 'killed')).toEqual([]);
    expect(await idsOf('killed')).toEqual([id]);
  });

  it('leaves nothing that is listed and broken when it is killed in the middle, and is finished by the next one', async () => {
    const ids = await publish(
      'middle',
      Array.from({ length: 30 }, (_, hours) => hours + 1),
    );
    const proxy = await startFaultyProxy(access.endpoint);
    try {
      let removals = 0;
      // Most of what was begun gets stuck half way: some sidecars are gone, and the objects are still there.
      const stuck = new Promise<void>((resolve) => {
        proxy.faults = ({ method, url }) => {
          if (method !== 'DELETE' || url.includes('.lease')) return undefined;
          removals += 1;
          if (removals === 20) resolve();
          return removals > 12 ? { hang: true } : undefined;
        };
      });
      const killed = await program('prune', 'middle', ['--keep-last', '3', '--yes'], {
        endpoint: proxy.endpoint,
        started: (child) => {
          void stuck.then(() => child.kill('SIGKILL'));
        },
      });
      expect(killed.status).toBeNull();
    } finally {
      await proxy.stop();
    }
    const left = await snapshots.listDescribed('middle');
    expect(left.length).toBeGreaterThan(3);
    expect(left.length).toBeLessThan(ids.length);
    expect(left.filter(({ problem }) => problem !== undefined)).toEqual([]);
    expect(left.slice(0, 3).map(({ id }) => id)).toEqual(ids.slice(0, 3));
    for (const snapshot of left) if (snapshot.sidecar !== undefined) await snapshots.verify(snapshot);
    expect((await keysOf('middle')).length).toBeGreaterThan(left.length * 2);

    await new Promise((resolve) => setTimeout(resolve, 1100));
    const rest = ['--keep-last', '3', '--yes', '--leftovers-older-than', '0h'];
    expect(await program('prune', 'middle', rest)).toMatchObject({ status: 0 });
    expect(await idsOf('middle')).toEqual(ids.slice(0, 3));
    expect(await keysOf('middle')).toHaveLength(6);
  });

  it('tells what the store keeps, which is no failure', async () => {
    const ids = await publish('locked', [1, 2, 3]);
    const [, second] = await snapshots.list('locked');
    const Statement = {
      Effect: 'Deny',
      Principal: '*',
      Action: ['s3:DeleteObject'],
      Resource: [`arn:aws:s3:::${bucket}/state/${second?.key}*`],
    };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [Statement] });
    await client.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy }));
    const run = await program('prune', 'locked', ['--keep-last', '1', '--yes', '--json']);
    expect(run).toMatchObject({ status: 0 });
    expect(planned(run).map(({ outcome }) => outcome)).toEqual(['keep', 'locked', 'removed']);
    expect(await idsOf('locked')).toEqual(ids.slice(0, 2));
    expect((await snapshots.listDescribed('locked')).every(({ problem }) => problem === undefined)).toBe(
      true,
    );
  });
});
