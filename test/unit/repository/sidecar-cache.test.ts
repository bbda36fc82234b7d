import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryRepository } from '../../../src/repository/directory/directory.js';
import type { StoredEntry } from '../../../src/repository/repository.js';
import { SidecarCache } from '../../../src/repository/snapshots/sidecar-cache.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';

const etagOf = (content: Buffer) => `"${createHash('md5').update(content).digest('hex')}"`;
const first = Buffer.from('{"first": "ä"}\n');
const second = Buffer.from('{"second": 2}\n');

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-cache-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const fileOf = async () => {
  const [name = ''] = await readdir(join(folder, 'cache', 'sidecars'));
  return join(folder, 'cache', 'sidecars', name);
};
const opened = (subject = 's3://bucket/host/') => SidecarCache.open(join(folder, 'cache'), subject);
const filled = async () => {
  const cache = await opened();
  cache.keep(etagOf(first), first);
  cache.keep(etagOf(second), second);
  await cache.save();
};

describe('the cache of sidecars', () => {
  it('gives back what was kept, to who asks for just that content, and is private', async () => {
    await filled();
    const cache = await opened();
    expect(cache.find(etagOf(first))).toEqual(first);
    expect(cache.find(etagOf(second).slice(1, -1))).toEqual(second);
    expect(cache.find(etagOf(Buffer.from('other')))).toBeUndefined();
    expect((await opened('s3://bucket/other/')).find(etagOf(first))).toBeUndefined();
    expect((await stat(await fileOf())).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'cache'))).mode & 0o777).toBe(0o700);
  });

  it('keeps nothing whose ETag is not the MD5 of the content', async () => {
    const cache = await opened();
    for (const etag of [undefined, '', '"abc-2"', etagOf(second), `${etagOf(first)}-2`])
      cache.keep(etag, first);
    await cache.save();
    await expect(readdir(join(folder, 'cache'))).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('gives nothing back that was changed in the file, whoever did that', async () => {
    await filled();
    const path = await fileOf();
    const text = await readFile(path, 'latin1');
    const forged = Buffer.from('{"first": "forged"}\n').toString('base64');
    for (const bad of [
      text.replace(first.toString('base64'), forged),
      text.replaceAll(' ', '\n'),
      text.slice(0, 45),
      '\0'.repeat(100),
    ]) {
      await writeFile(path, bad);
      expect((await opened()).find(etagOf(first))).toBeUndefined();
    }
  });

  it('does not follow a link, and does without a folder that cannot be made', async () => {
    await filled();
    const path = await fileOf();
    const text = await readFile(path);
    await writeFile(join(folder, 'elsewhere'), text);
    await rm(path);
    await symlink(join(folder, 'elsewhere'), path);
    expect((await opened()).find(etagOf(first))).toBeUndefined();
    await rm(join(folder, 'cache'), { recursive: true });
    await writeFile(join(folder, 'cache'), 'a file stands there');
    const cache = await opened();
    cache.keep(etagOf(first), first);
    await expect(cache.save()).resolves.toBeUndefined();
    expect(cache.find(etagOf(first))).toBeUndefined();
  });

  it('forgets what is not there any more', async () => {
    await filled();
    const cache = await opened();
    expect(cache.find(etagOf(second))).toEqual(second);
    cache.keep(etagOf(Buffer.from('3')), Buffer.from('3'));
    await cache.save();
    expect((await opened()).find(etagOf(first))).toBeUndefined();
    expect((await opened()).find(etagOf(second))).toEqual(second);
    expect(await readdir(join(folder, 'cache', 'sidecars'))).toHaveLength(1);
  });
});

/** A directory that tells ETags as S3 does, and counts what is read. */
class Counting extends DirectoryRepository {
  reads = 0;
  readonly cacheFolder: string;

  constructor(place: string, cacheFolder: string) {
    super(place);
    this.cacheFolder = cacheFolder;
  }

  override async getSmall(...args: Parameters<DirectoryRepository['getSmall']>): Promise<Buffer> {
    this.reads += 1;
    return super.getSmall(...args);
  }

  override async *list(...args: Parameters<DirectoryRepository['list']>): AsyncIterable<StoredEntry> {
    for await (const entry of super.list(...args)) {
      yield { ...entry, etag: etagOf(await super.getSmall(entry.key, 1_000_000)) };
    }
  }
}

describe('a listing with a cache', () => {
  it('reads every sidecar once, and again only what has changed behind our back', async () => {
    await mkdir(join(folder, 'cache'));
    const repository = new Counting(join(folder, 'repository'), join(folder, 'cache'));
    const snapshots = new SnapshotRepository(repository);
    const facts = () => ({ finishedAt: new Date(), files: 1, recipients: [], tool: '0', proofs: [] });
    for (const second of [1, 2, 3]) {
      const body = Readable.from([Buffer.from(`archive ${second}`)]);
      await snapshots.publish('host', new Date(second * 1000), body, facts);
    }
    const readsOf = async () => {
      repository.reads = 0;
      const described = await snapshots.listDescribed('host');
      return {
        reads: repository.reads,
        good: described.filter(({ sidecar }) => sidecar !== undefined).length,
      };
    };
    expect(await readsOf()).toEqual({ reads: 3, good: 3 });
    expect(await readsOf()).toEqual({ reads: 0, good: 3 });
    const [newest] = await snapshots.list('host');
    await writeFile(join(folder, 'repository', `${newest?.key}.json`), '{"format": 1}');
    expect(await readsOf()).toEqual({ reads: 1, good: 2 });
    expect(await readsOf()).toEqual({ reads: 0, good: 2 });
  });
});
