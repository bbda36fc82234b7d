import { link, mkdir, mkdtemp, readdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decompressionStream } from '../../../src/archive/gzip.js';
import { extractFiles } from '../../../src/archive/tar.js';
import { pieces } from '../../unit/archive/streams.js';
import { command, filter } from './programs.js';

/** `outside` holds the target, to see whether anything lands beside it. */
let root: string;
let outside: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tar-hostile-root-'));
  outside = await mkdtemp(join(tmpdir(), 'tar-hostile-'));
  await mkdir(join(outside, 'target'));
  await writeFile(join(root, 'key'), 'secret');
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
  await rm(outside, { recursive: true, force: true });
});

interface Case {
  readonly what: string;
  readonly why: string;
  /** Makes what is packed, in `root`. */
  readonly prepare?: () => Promise<unknown>;
  readonly options: readonly string[];
  readonly names?: readonly string[];
}

const at = (name: string): string => join(root, name);
const CASES: readonly Case[] = [
  {
    what: 'a path that climbs',
    why: 'its path leads out of the archive',
    options: ['-P', '--transform=s,^,../,'],
  },
  { what: 'an absolute path', why: 'its path is absolute', options: ['-P', '--transform=s,^,/tmp/,'] },
  {
    what: 'a symbolic link that leads out, and a file through it',
    why: 'it is a symbolic link',
    prepare: () => symlink(outside, at('way')),
    options: ['--transform=s,^key$,way/key,'],
    names: ['way', 'key'],
  },
  {
    what: 'a hard link',
    why: 'it is a hard link',
    prepare: () => link(at('key'), at('same')),
    options: [],
    names: ['key', 'same'],
  },
  {
    what: 'a pipe',
    why: 'it is a device, a pipe,',
    prepare: () => command('mkfifo', at('pipe')),
    options: [],
    names: ['pipe'],
  },
  { what: 'a device', why: 'it is a device,', options: ['-C', '/dev'], names: ['null'] },
  { what: 'a file twice, linked to itself', why: 'it is a hard link', options: [], names: ['key', 'key'] },
  {
    what: 'two files of one name',
    why: 'it comes twice',
    prepare: () => writeFile(at('other'), 'other'),
    options: ['--transform=s,^other$,key,'],
    names: ['key', 'other'],
  },
  {
    what: 'two files that differ in case only',
    why: 'it comes twice',
    prepare: () => writeFile(at('KEY'), 'other'),
    options: [],
    names: ['key', 'KEY'],
  },
  {
    what: 'a file where another has a folder',
    why: 'as well',
    prepare: () => writeFile(at('other'), ''),
    options: ['--transform=s,^other$,key/other,'],
    names: ['key', 'other'],
  },
  ...['0.0', '0.1', '1.0'].map((version) => ({
    what: `a sparse file in version ${version}`,
    why: 'a sparse file,',
    prepare: async () => {
      await writeFile(at('holes'), '');
      await truncate(at('holes'), 5_000_000);
    },
    options: ['--format=posix', '--sparse', `--sparse-version=${version}`],
    names: ['holes'],
  })),
  {
    what: 'a sparse file in the form of GNU',
    why: 'a sparse file,',
    prepare: async () => {
      await writeFile(at('holes'), '');
      await truncate(at('holes'), 5_000_000);
    },
    options: ['--format=gnu', '--sparse'],
    names: ['holes'],
  },
  {
    what: 'a path that climbs in a pax record',
    why: 'its path leads out of the archive',
    options: ['--format=posix', '--pax-option=path:=../key'],
  },
  {
    what: 'a path that climbs in a pax record for all files',
    why: 'its path leads out of the archive',
    options: ['--format=posix', '--pax-option=path=../key,mtime:=1.5'],
  },
  {
    what: 'a pax record of the size that is absurd',
    why: 'its size is absurd',
    options: ['--format=posix', '--pax-option=size:=99999999999999999999'],
  },
  {
    what: 'a name that is no UTF-8',
    why: 'its name is not UTF-8',
    prepare: () => writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0xfe])]), ''),
    options: [],
    names: ['.'],
  },
];

describe('an archive of GNU tar', () => {
  for (const { what, why, prepare, options, names = ['key'] } of CASES) {
    it(`with ${what} is refused, and says so`, async () => {
      await prepare?.();
      const tar = await filter('tar', ['-cf', '-', '-C', root, ...options, ...names], Readable.from([]));
      const reading = extractFiles(Readable.from(pieces(tar, 5000)), join(outside, 'target'));
      await expect(reading).rejects.toMatchObject({
        kind: 'proof',
        code: 'archive.unsafe-entry',
        why: expect.stringContaining(why),
      });
      expect(await readdir(outside)).toEqual(['target']);
    });
  }

  it('of zeros is stopped where it would fill the disk', async () => {
    await writeFile(at('zeros'), '');
    await truncate(at('zeros'), 60_000_000);
    const bomb = await filter('tar', ['-czf', '-', '-C', root, 'zeros'], Readable.from([]));
    expect(bomb.length).toBeLessThan(100_000);
    const plain = decompressionStream({ maxRatio: 100, ratioFromBytes: 1_000_000 });
    const [streamed] = await Promise.allSettled([
      pipeline(Readable.from(pieces(bomb, 5000)), plain),
      extractFiles(plain, join(outside, 'target')),
    ]);
    expect(streamed).toMatchObject({ status: 'rejected', reason: { code: 'archive.limit-exceeded' } });
  });
});
