import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository } from '../../../src/repository/open.js';
import type { Repository } from '../../../src/repository/repository.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { chunked, stallingAfter } from '../../interop/repository/contract.js';
import { startFaultyProxy } from '../../interop/repository/faulty-proxy.js';
import { cephSettings } from './ceph.js';

const MiB = 1024 * 1024;
const time = new Date('2026-11-24T10:11:12.345Z');
const later = new Date(Date.now() + 3600 * 1000);
const facts = () => ({ finishedAt: time, files: 3, recipients: ['SHA256:x'], tool: '0.1.0', proofs: [] });

describe('snapshots in Ceph RGW', () => {
  let settings: Awaited<ReturnType<typeof cephSettings>>;
  let repository: Repository;
  let snapshots: SnapshotRepository;
  beforeAll(async () => {
    settings = await cephSettings();
    repository = await openRepository(settings);
    snapshots = new SnapshotRepository(repository);
  });
  afterAll(async () => {
    for (const snapshot of await snapshots.list()) await snapshots.remove(snapshot);
    await repository.close();
  });

  it('are published, listed, found, read, verified and removed', async () => {
    const content = randomBytes(11 * MiB);
    const published = await snapshots.publish('controller', time, chunked(content), facts);
    const second = await snapshots.publish('controller', time, chunked(content.subarray(0, 10)), facts);
    expect((await snapshots.list('controller')).map(({ id }) => id)).toEqual([second.id, published.id]);
    const found = await snapshots.find('controller', published.id);
    expect(found).toEqual(published);
    expect((await buffer(await snapshots.open(found))).equals(content)).toBe(true);
    await snapshots.verify(found);
    await snapshots.remove(second);
    await expect(snapshots.find('controller', 'latest')).resolves.toMatchObject({ id: published.id });
    expect(await snapshots.leftovers(later)).toEqual([]);
  });

  it('are listed without reading what was read before, and without believing a changed cache', async () => {
    const cacheFolder = await mkdtemp(join(tmpdir(), 'coolify-state-ceph-cache-'));
    const proxy = await startFaultyProxy(settings.endpoint);
    const distant = await openRepository({ ...settings, endpoint: proxy.endpoint, cacheFolder });
    const reads = () => proxy.seen.filter(({ method, url }) => method === 'GET' && url.includes('.json'));
    try {
      for (const second of [1, 2, 3]) {
        const at = new Date(time.getTime() + second * 1000);
        await snapshots.publish('cached', at, chunked(randomBytes(100)), facts);
      }
      const listed = await new SnapshotRepository(distant).listDescribed('cached');
      expect(listed).toHaveLength(3);
      expect(reads()).toHaveLength(3);
      expect(await new SnapshotRepository(distant).listDescribed('cached')).toEqual(listed);
      expect(reads()).toHaveLength(3);
      const [file = ''] = await readdir(join(cacheFolder, 'sidecars'));
      await writeFile(join(cacheFolder, 'sidecars', file), 'not what was there\n');
      expect(await new SnapshotRepository(distant).listDescribed('cached')).toEqual(listed);
      expect(reads()).toHaveLength(6);
    } finally {
      await distant.close();
      await proxy.stop();
      await rm(cacheFolder, { recursive: true });
    }
  });

  it('leave no open upload when publishing is interrupted', async () => {
    const controller = new AbortController();
    const publishing = snapshots.publish('interrupted', time, stallingAfter(12 * MiB), facts, {
      signal: controller.signal,
      onProgress: (_, bytes) => {
        if (bytes === 12 * MiB) setTimeout(() => controller.abort(), 50);
      },
    });
    await expect(publishing).rejects.toMatchObject({ kind: 'interrupted' });
    expect(await snapshots.leftovers(later)).toEqual([]);
    expect(await snapshots.list('interrupted')).toEqual([]);
  });

  it('show the uploads of a writer that was killed as leftovers, and removing them twice is no error', async () => {
    const { S3Client, CreateMultipartUploadCommand } = await import('@aws-sdk/client-s3');
    const client = new S3Client({
      endpoint: settings.endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: {
        accessKeyId: settings.accessKeyId?.reveal() ?? '',
        secretAccessKey: settings.secretAccessKey?.reveal() ?? '',
      },
    });
    const Key = `${settings.path}/killed/coolify-state-killed-20261124T101112Z.tar.gz.age`;
    await client.send(new CreateMultipartUploadCommand({ Bucket: settings.bucket, Key }));
    client.destroy();
    expect(await snapshots.leftovers(later, 'other')).toEqual([]);
    const leftovers = await snapshots.leftovers(later, 'killed');
    expect(leftovers).toMatchObject([{ kind: 'upload' }]);
    for (const leftover of [...leftovers, ...leftovers]) await snapshots.removeLeftover(leftover);
    expect(await snapshots.leftovers(later)).toEqual([]);
  });

  it('are whole after a download that was cut again and again, and are not read on when the object was replaced', async () => {
    const content = randomBytes(6 * MiB);
    const proxy = await startFaultyProxy(settings.endpoint);
    const distant = await openRepository({ ...settings, endpoint: proxy.endpoint });
    try {
      await repository.put('cut/object', chunked(content));
      proxy.faults = ({ method }) => (method === 'GET' ? { cutAfter: 1_500_000 } : undefined);
      expect((await buffer(await distant.get('cut/object'))).equals(content)).toBe(true);

      let replaced = false;
      const replacing = await distant.get('cut/object');
      const reading = (async () => {
        for await (const _chunk of replacing) {
          if (replaced) continue;
          replaced = true;
          await repository.remove('cut/object');
          await repository.put('cut/object', chunked(randomBytes(6 * MiB)));
        }
      })();
      await expect(reading).rejects.toMatchObject({ code: 'repository.object-changed' });
      await repository.remove('cut/object');
    } finally {
      await distant.close();
      await proxy.stop();
    }
  });

  it('keep an object that a lost answer had completed: the repetition finds it to be its own', async () => {
    const content = randomBytes(11 * MiB);
    const proxy = await startFaultyProxy(settings.endpoint);
    const distant = await openRepository({ ...settings, endpoint: proxy.endpoint });
    try {
      for (const [key, size] of [
        ['lost/parts', 11 * MiB],
        ['lost/small', 1000],
      ] as const) {
        let lost = false;
        proxy.faults = ({ method, url }) => {
          const isLast = size === 1000 ? method === 'PUT' : method === 'POST' && url.includes('uploadId=');
          if (!isLast || lost) return undefined;
          lost = true;
          return { loseAnswer: true };
        };
        await distant.put(key, chunked(content.subarray(0, size)));
        expect(lost).toBe(true);
        expect((await buffer(await repository.get(key))).equals(content.subarray(0, size))).toBe(true);
        await repository.remove(key);
      }
      expect(await snapshots.leftovers(later)).toEqual([]);
    } finally {
      await distant.close();
      await proxy.stop();
    }
  });
});
