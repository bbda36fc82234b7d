import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type EntryHeader,
  extractFiles,
  packEntries,
  packFiles,
  readEntries,
} from '../../../src/archive/tar.js';
import { codeOf, collect, noise, pieces, sha256 } from '../../unit/archive/streams.js';
import { filter } from './programs.js';

const MTIME = new Date('2026-03-04T05:06:07Z');
const LONG = `deep/${'directory/'.repeat(20)}file`;

let root: string;
let target: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tar-command-'));
  target = await mkdtemp(join(tmpdir(), 'tar-command-target-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
  await rm(target, { recursive: true, force: true });
});

describe('GNU tar', () => {
  it('unpacks what is packed here, with modes and times', async () => {
    const files = [];
    for (const [path, size] of [
      ['a', 0],
      ['b/c', 1],
      [LONG, 512],
      ['schlüssel', 100_000],
    ] as const) {
      await mkdir(join(root, path, '..'), { recursive: true });
      await writeFile(join(root, path), noise(size));
      files.push({ path, size, mode: 0o640, mtime: MTIME });
    }
    await filter('tar', ['-xpf', '-', '-C', target], packFiles(root, files));
    for (const { path, size } of files) {
      expect((await readFile(join(target, path))).equals(noise(size))).toBe(true);
      const facts = await stat(join(target, path));
      expect([facts.mode & 0o7777, facts.mtime]).toEqual([0o640, MTIME]);
    }
  });

  for (const format of ['gnu', 'posix', 'ustar']) {
    it(`in ${format} format packs what is unpacked here`, async () => {
      const name = format === 'ustar' ? 'deep/er/file' : LONG;
      await mkdir(join(root, name, '..'), { recursive: true });
      await writeFile(join(root, name), noise(200_000));
      await writeFile(join(root, 'empty'), '');
      const tar = await filter('tar', [`--format=${format}`, '-cf', '-', '-C', root, '.'], Readable.from([]));
      const extracted = await extractFiles(Readable.from(pieces(tar, 4000)), target);
      expect(new Map(extracted.map(({ path, sha256: hash }) => [path, hash]))).toEqual(
        new Map([
          [name, sha256(noise(200_000))],
          ['empty', sha256(Buffer.alloc(0))],
        ]),
      );
      expect((await readFile(join(target, name))).equals(noise(200_000))).toBe(true);
    });
  }

  it('tells owners, modes, times and links of what it packs', async () => {
    await writeFile(join(root, 'key'), 'secret');
    await chmod(join(root, 'key'), 0o600);
    await utimes(join(root, 'key'), MTIME, MTIME);
    await symlink('key', join(root, 'link'));
    await link(join(root, 'key'), join(root, 'same'));
    const owner = ['--owner=coolify:9999', '--group=big:4000000', '--sort=name'];
    for (const format of ['gnu', 'posix']) {
      const tar = await filter(
        'tar',
        [`--format=${format}`, ...owner, '-cf', '-', '-C', root, '.'],
        Readable.from([]),
      );
      const headers: EntryHeader[] = [];
      await readEntries(Readable.from([tar]), async (header) => void headers.push(header));
      expect(headers.map(({ path, type }) => [path, type])).toEqual([
        ['.', 'directory'],
        ['key', 'file'],
        ['link', 'symlink'],
        ['same', 'link'],
      ]);
      expect(headers[1]).toMatchObject({
        size: 6,
        mode: 0o600,
        uid: 9999,
        gid: 4_000_000,
        uname: 'coolify',
        gname: 'big',
        mtime: MTIME.getTime() / 1000,
      });
      expect(headers[2]).toMatchObject({ linkname: 'key' });
    }
  });

  it('strips the slash of absolute paths, and we refuse it where it does not', async () => {
    await writeFile(join(root, 'key'), 'secret');
    const stripped = await filter('tar', ['-chf', '-', '--', join(root, 'key')], Readable.from([]));
    const paths: string[] = [];
    await readEntries(Readable.from([stripped]), async ({ path }) => void paths.push(`/${path}`));
    expect(paths).toEqual([join(root, 'key')]);
    const absolute = await filter('tar', ['-Pcf', '-', '--', join(root, 'key')], Readable.from([]));
    expect(await codeOf(readEntries(Readable.from([absolute]), async () => undefined))).toBe(
      'archive.unsafe-entry',
    );
  });

  it('unpacks entries of any owner and mode, the folder itself included', async () => {
    const header = {
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      uname: '',
      gname: '',
      mtime: 1_700_000_000,
    };
    const entries = [
      {
        header: { ...header, path: './', type: 'directory', size: 0, mode: 0o700 } as const,
        content: Buffer.alloc(0),
      },
      {
        header: { ...header, path: './key', type: 'file', size: 6, mode: 0o400 } as const,
        content: Buffer.from('secret'),
      },
      {
        header: { ...header, path: './none', type: 'file', size: 0, mode: 0 } as const,
        content: Buffer.alloc(0),
      },
    ];
    await filter('tar', ['-xpf', '-', '--same-owner', '-C', target], packEntries(entries));
    expect((await readdir(target)).sort()).toEqual(['key', 'none']);
    const [self, key, none] = await Promise.all(['.', 'key', 'none'].map((name) => stat(join(target, name))));
    expect([self, key, none].map((facts) => (facts?.mode ?? 0) & 0o7777)).toEqual([0o700, 0o400, 0]);
    expect(key?.mtime).toEqual(new Date(1_700_000_000_000));
  });

  it('agrees on owners beyond what a plain header can hold', async () => {
    const header = {
      path: 'a',
      type: 'file',
      size: 0,
      mode: 0o600,
      uid: 3_000_000_000,
      gid: 300_000,
      uname: '',
      gname: '',
      mtime: 5_000_000_000,
    } as const;
    const tar = await collect(packEntries([{ header, content: Buffer.alloc(0) }]));
    const listed = (
      await filter('tar', ['--numeric-owner', '--full-time', '--utc', '-tvf', '-'], Readable.from([tar]))
    ).toString();
    expect(listed).toContain('3000000000/300000');
    expect(listed).toContain('2128-06-11 08:53:20');
  });

  it('packs sparse files that are refused by name', async () => {
    await truncate(await touched(join(root, 'sparse')), 5_000_000);
    const tar = await filter('tar', ['-S', '-cf', '-', '-C', root, 'sparse'], Readable.from([]));
    await expect(extractFiles(Readable.from([tar]), target)).rejects.toMatchObject({
      code: 'archive.unsafe-entry',
      what: expect.stringContaining('sparse'),
    });
  });
});

async function touched(path: string): Promise<string> {
  await writeFile(path, '');
  return path;
}
