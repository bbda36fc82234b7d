import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DirectoryRepository } from '../../../src/repository/directory/directory.js';
import { directoryFailure } from '../../../src/repository/directory/failures.js';
import { placeNew } from '../../../src/repository/directory/new-file.js';
import { TEMPORARY_PREFIX } from '../../../src/repository/keys.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-directory-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const collected = async <Item>(items: AsyncIterable<Item>) => {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
};

describe('a directory repository', () => {
  it('keeps files 0600 in folders 0700, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      const repository = new DirectoryRepository(join(folder, 'a', 'b'));
      await repository.putSmall('host/object', Buffer.from('x'));
      const mode = async (path: string) => ((await stat(join(folder, path))).mode & 0o777).toString(8);
      expect(await mode('a')).toBe('700');
      expect(await mode('a/b/host')).toBe('700');
      expect(await mode('a/b/host/object')).toBe('600');
    } finally {
      process.umask(before);
    }
  });

  it('is found under a path and under each way of writing a file URL', async () => {
    await new DirectoryRepository(folder).putSmall('object', Buffer.from('x'));
    for (const place of [
      `file:${folder}`,
      `file://${folder}`,
      `${folder}/`,
      `${folder}/../${folder.slice(5)}`,
    ]) {
      const repository = new DirectoryRepository(place);
      expect(repository.location).toBe(`file:${folder}`);
      expect(await repository.stat('object')).toMatchObject({ size: 1 });
    }
  });

  it('shows a file only when it is whole: while it is written it is a leftover', async () => {
    const repository = new DirectoryRepository(folder);
    const body = new Readable({ read() {} });
    const putting = repository.put('host/object', body);
    body.push(Buffer.alloc(1000));
    let leftovers = await collected(repository.leftovers('host/'));
    while (leftovers[0] === undefined) {
      await new Promise((resolve) => setTimeout(resolve, 5));
      leftovers = await collected(repository.leftovers('host/'));
    }
    expect(await collected(repository.list(''))).toEqual([]);
    body.push(null);
    await putting;
    expect((await collected(repository.list(''))).map(({ key }) => key)).toEqual(['host/object']);
    expect(await collected(repository.leftovers(''))).toEqual([]);
  });

  it('finds what a killed writer left, and removes that and nothing else', async () => {
    const repository = new DirectoryRepository(folder);
    await repository.putSmall('host/object', Buffer.from('x'));
    await writeFile(join(folder, 'host', `${TEMPORARY_PREFIX}dead`), 'half');
    await writeFile(join(folder, `${TEMPORARY_PREFIX}dead`), 'half');
    const leftovers = await collected(repository.leftovers(''));
    expect(leftovers.map(({ key }) => key).sort()).toEqual([
      `${TEMPORARY_PREFIX}dead`,
      `host/${TEMPORARY_PREFIX}dead`,
    ]);
    for (const leftover of [...leftovers, ...leftovers]) await repository.removeLeftover(leftover);
    expect(await collected(repository.leftovers(''))).toEqual([]);
    for (const forged of [
      { key: 'host/object', id: 'object' },
      { key: `x/${TEMPORARY_PREFIX}/../object`, id: `${TEMPORARY_PREFIX}/../object` },
    ]) {
      await expect(repository.removeLeftover({ ...forged, startedAt: new Date() })).rejects.toMatchObject({
        code: 'repository.not-found',
      });
    }
    expect(await repository.stat('host/object')).toBeDefined();
  });

  it('does not follow symbolic links', async () => {
    const repository = new DirectoryRepository(join(folder, 'repository'));
    await repository.putSmall('host/object', Buffer.from('x'));
    await writeFile(join(folder, 'outside'), 'secret');
    await symlink(join(folder, 'outside'), join(folder, 'repository/host/link'));
    await symlink(folder, join(folder, 'repository/loop'));
    expect((await collected(repository.list(''))).map(({ key }) => key)).toEqual(['host/object']);
    expect(await repository.stat('host/link')).toBeUndefined();
    await expect(repository.get('host/link')).rejects.toMatchObject({ code: 'repository.not-a-file' });
  });

  it('says what stands in the way', async () => {
    await writeFile(join(folder, 'file'), '');
    const repository = new DirectoryRepository(join(folder, 'file'));
    const inTheWay = { code: 'repository.not-a-directory' };
    await expect(repository.check()).rejects.toMatchObject(inTheWay);
    await expect(repository.putSmall('a/b', Buffer.from('x'))).rejects.toMatchObject(inTheWay);
    await expect(collected(repository.list(''))).rejects.toMatchObject(inTheWay);
    await mkdir(join(folder, 'taken/key'), { recursive: true });
    const other = new DirectoryRepository(join(folder, 'taken'));
    await expect(other.putSmall('key', Buffer.from('x'))).rejects.toMatchObject({
      code: 'repository.exists',
    });
    expect(await readdir(join(folder, 'taken'))).toEqual(['key']);
  });

  it.each([
    ['ENOSPC', 'repository.no-space'],
    ['EDQUOT', 'repository.no-space'],
    ['EACCES', 'repository.access-denied'],
    ['EROFS', 'repository.access-denied'],
    ['EIO', 'repository.unreadable'],
    ['EWHATEVER', 'repository.failed'],
  ])('explains %s', (code, expected) => {
    const error = Object.assign(new Error('from the system'), { code });
    expect(directoryFailure(error, 'Could not store x', 'file:/dir')).toMatchObject({
      code: expected,
      what: 'Could not store x in file:/dir',
      cause: error,
    });
  });

  it('checks a folder that is to be made later by the one it will be made in', async () => {
    await expect(new DirectoryRepository(join(folder, 'not', 'yet')).check()).resolves.toBeUndefined();
    if (process.getuid?.() === 0) return;
    await chmod(folder, 0o500);
    await expect(new DirectoryRepository(join(folder, 'not')).check()).rejects.toMatchObject({
      code: 'repository.access-denied',
    });
    await chmod(folder, 0o700);
  });
});

describe('a file system without hard links', () => {
  const noLinks = async () => {
    throw Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
  };

  it('gets the file by rename, and still never replaces another', async () => {
    const temporary = join(folder, 'temporary');
    await writeFile(temporary, 'new');
    await placeNew(temporary, join(folder, 'name'), noLinks);
    expect(await readdir(folder)).toEqual(['name']);
    await writeFile(temporary, 'second');
    await expect(placeNew(temporary, join(folder, 'name'), noLinks)).rejects.toMatchObject({
      code: 'EEXIST',
    });
    expect((await stat(join(folder, 'name'))).size).toBe(3);
  });

  it('gets no empty file when the rename fails', async () => {
    await expect(placeNew(join(folder, 'missing'), join(folder, 'name'), noLinks)).rejects.toMatchObject({
      code: 'ENOENT',
    });
    expect(await readdir(folder)).toEqual([]);
  });
});
