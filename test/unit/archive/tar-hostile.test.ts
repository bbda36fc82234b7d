import { lstat, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractFiles, readEntries } from '../../../src/archive/tar.js';
import { DEFAULT_LIMITS } from '../../../src/archive/tar-rules.js';
import { StateError } from '../../../src/core/errors.js';
import { codeOf, pieces } from './streams.js';

/** A folder with the target in it, to see whether anything lands beside. */
let outside: string;
let target: string;

beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'tar-hostile-'));
  target = join(outside, 'target');
  await mkdir(target);
});
afterEach(() => rm(outside, { recursive: true, force: true }));

interface RawEntry {
  readonly name: string;
  readonly type?: string;
  readonly linkname?: string;
  readonly content?: string;
  /** Written into a pax record before the entry. */
  readonly pax?: Readonly<Record<string, string>>;
  /** The same where a key comes twice. */
  readonly records?: readonly (readonly [string, string])[];
}

describe('a hostile archive', () => {
  const refused: readonly [string, string, readonly RawEntry[]][] = [
    ['an absolute path', 'its path is absolute', [{ name: '/tmp/x' }]],
    ['a path that climbs', 'its path leads out of the archive', [{ name: '../x' }]],
    ['a path that climbs in the middle', 'its path leads out of the archive', [{ name: 'a/../../x' }]],
    ['a path that climbs at the end', 'its path leads out of the archive', [{ name: 'a/..' }]],
    ['a folder that climbs', 'its path leads out of the archive', [{ name: '../', type: '5' }]],
    ['a symbolic link', 'it is a symbolic link', [{ name: 'l', type: '2', linkname: '/etc' }]],
    [
      'a symbolic link and a file through it',
      'it is a symbolic link',
      [{ name: 'l', type: '2', linkname: '..' }, { name: 'l/x' }],
    ],
    ['a hard link', 'it is a hard link', [{ name: 'l', type: '1', linkname: '/etc/passwd' }]],
    [
      'a hard link to a file of its own',
      'it is a hard link',
      [{ name: 'a' }, { name: 'l', type: '1', linkname: 'a' }],
    ],
    ['a character device', 'it is a device,', [{ name: 'd', type: '3' }]],
    ['a block device', 'it is a device,', [{ name: 'd', type: '4' }]],
    ['a pipe', 'a pipe,', [{ name: 'p', type: '6' }]],
    ['a sparse file', 'a sparse file,', [{ name: 's', type: 'S' }]],
    [
      'a sparse file in the form of pax',
      'a sparse file,',
      [{ name: 's', content: '1\n0\n0\n', pax: { 'GNU.sparse.major': '1', 'GNU.sparse.realsize': '5000' } }],
    ],
    ['a volume of several', 'something else that is no plain file', [{ name: 'm', type: 'M' }]],
    ['a list of names of a folder', 'something else that is no plain file', [{ name: 'd', type: 'D' }]],
    ['a file that comes twice', 'it comes twice', [{ name: 'a' }, { name: './a' }]],
    ['a file that comes twice but for case', 'it comes twice', [{ name: 'a' }, { name: 'A' }]],
    [
      'a file that comes twice but for how an umlaut is written',
      'it comes twice',
      [
        { name: 'x', pax: { path: 'ä' } },
        { name: 'x', pax: { path: 'A\u0308' } },
      ],
    ],
    ['a file under a file', 'a is a file as well', [{ name: 'a' }, { name: 'a/b' }]],
    ['a file under a file but for case', 'A is a file as well', [{ name: 'a' }, { name: 'A/b' }]],
    ['a file where a folder is', 'it is a folder as well', [{ name: 'a/b' }, { name: 'a' }]],
    ['a folder where a file is', 'a is a file as well', [{ name: 'a' }, { name: 'a/', type: '5' }]],
    [
      'a file that is the folder itself',
      'cannot be the folder itself',
      [{ name: './', type: '0', pax: { path: '.' } }],
    ],
    ['a pax path that climbs', 'its path leads out', [{ name: 'harmless', pax: { path: '../x' } }]],
    [
      'two pax paths of which the last climbs',
      'its path leads out',
      [
        {
          name: 'harmless',
          records: [
            ['path', 'a'],
            ['path', '../x'],
          ],
        },
      ],
    ],
    ['a NUL in a pax path', 'its name holds a NUL', [{ name: 'harmless', pax: { path: 'x\0y' } }]],
    ['no name', 'it has no name', [{ name: '' }]],
    [
      'a name that is too long',
      'its name is too long',
      [{ name: 'harmless', pax: { path: 'n'.repeat(256) } }],
    ],
    [
      'a path that is too long',
      'its path is too long',
      [{ name: 'x', pax: { path: `${'n/'.repeat(3000)}x` } }],
    ],
    ['a name that is no UTF-8', 'its name is not UTF-8', [{ name: '\xff\xfe' }]],
    ['an absurd size', 'its size is absurd', [{ name: 'a', pax: { size: '99999999999999999999' } }]],
  ];
  for (const [what, why, entries] of refused) {
    it(`with ${what} is refused, and says so`, async () => {
      const reading = extractFiles(Readable.from([rawTar(entries)]), target);
      await expect(reading).rejects.toMatchObject({
        kind: 'proof',
        code: 'archive.unsafe-entry',
        why: expect.stringContaining(why),
        next: expect.stringContaining('do not use this archive'),
      });
      expect(await readdir(outside)).toEqual(['target']);
    });
  }

  it('with headers of megabytes is refused before they are held', async () => {
    const huge = rawTar([{ name: 'a', pax: { comment: 'x'.repeat(5 * 1024 * 1024) } }]);
    expect(await codeOf(extractFiles(Readable.from(pieces(huge, 65_536)), target))).toBe('archive.corrupt');
  });

  it('with more entries, bytes or a larger file than its limits is refused as a bomb', async () => {
    const limits = { ...DEFAULT_LIMITS, files: 100, bytes: 5000, fileBytes: 2000 };
    const bombs: readonly [string, readonly RawEntry[]][] = [
      ['it holds more than 100 entries', Array.from({ length: 101 }, (_, index) => ({ name: `${index}` }))],
      [
        'it holds more than 100 entries',
        Array.from({ length: 101 }, (_, i) => ({ name: `${i}/`, type: '5' })),
      ],
      [
        'its files have more than 5000 bytes',
        ['a', 'b', 'c'].map((name) => ({ name, content: 'x'.repeat(1999) })),
      ],
      ['a has more than 2000 bytes', [{ name: 'a', content: 'x'.repeat(2001) }]],
    ];
    for (const [why, entries] of bombs) {
      await rm(target, { recursive: true });
      await mkdir(target);
      const reading = extractFiles(Readable.from([rawTar(entries)]), target, { limits });
      await expect(reading).rejects.toMatchObject({ kind: 'proof', code: 'archive.limit-exceeded', why });
    }
  });

  it('is written only as far as somebody wants it', async () => {
    const asked: string[] = [];
    const tar = rawTar([{ name: 'a', content: 'one' }, { name: 'b', content: 'two' }, { name: 'c' }]);
    const extracted = await extractFiles(Readable.from(pieces(tar, 100)), target, {
      wants: async ({ path, size }) => {
        asked.push(`${path} ${size} after ${(await readdir(target)).join()}`);
        return path !== 'b';
      },
    });
    expect(asked).toEqual(['a 3 after ', 'b 3 after a', 'c 0 after a']);
    expect(extracted.map(({ path }) => path)).toEqual(['a', 'c']);
    expect((await readdir(target)).sort()).toEqual(['a', 'c']);
  });

  it('shows control characters of its names as text', async () => {
    const reading = extractFiles(Readable.from([rawTar([{ name: '../\x1b[2Jx' }])]), target);
    await expect(reading).rejects.toThrow(
      expect.objectContaining({ what: expect.stringContaining('\\x1b[2J') }),
    );
  });

  it('may hold links and devices for a reader that does not write', async () => {
    const types: string[] = [];
    const tar = rawTar([
      { name: 'l', type: '2', linkname: '/etc' },
      { name: 'h', type: '1', linkname: 'l' },
      { name: 'd', type: '3' },
      { name: 'f' },
    ]);
    await readEntries(
      Readable.from([tar]),
      async ({ type, linkname }) => void types.push(`${type} ${linkname ?? ''}`),
    );
    expect(types).toEqual(['symlink /etc', 'link l', 'other ', 'file ']);
  });

  it('that announces more than it has, or less, is an error', async () => {
    const more = rawTar([{ name: 'a', content: 'x'.repeat(600), pax: { size: '9000' } }]);
    expect(await codeOf(extractFiles(Readable.from([more]), target))).toBe('archive.truncated');
    const less = rawTar([{ name: 'a', content: 'x'.repeat(600), pax: { size: '100' } }]);
    expect(await codeOf(readEntries(Readable.from([less]), async () => undefined))).toBe('archive.corrupt');
    const huge = rawTar([{ name: 'a', pax: { size: '99999999999999999999' } }]);
    expect(await codeOf(readEntries(Readable.from([huge]), async () => undefined))).toBe(
      'archive.unsafe-entry',
    );
  });

  it('never writes outside its folder nor anything but files, whatever it says', async () => {
    const part = fc.constantFrom('a', 'b', '..', '.', '', 'A', 'target', 'etc', '\x00', '~', '\\..\\');
    const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('/'));
    const entry = fc.record({
      name,
      type: fc.constantFrom('0', '0', '0', '1', '2', '3', '5', '6', '7', 'x', 'L', 'K', 'S', 'g'),
      linkname: fc.constantFrom('..', '/tmp', 'a', '../..'),
      content: fc.constantFrom('', 'x', 'y'.repeat(513)),
      pax: fc.option(fc.record({ path: name }), { nil: {} }),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(entry, { maxLength: 5 }),
        fc.integer({ min: 1, max: 2000 }),
        async (entries, size) => {
          const folder = join(outside, 'target');
          await rm(folder, { recursive: true, force: true });
          await mkdir(folder);
          await settle(extractFiles(Readable.from(pieces(rawTar(entries), size)), folder));
          expect(await readdir(outside)).toEqual(['target']);
          for (const path of await readdir(folder, { recursive: true })) {
            const facts = await lstat(join(folder, path));
            expect(facts.isFile() || facts.isDirectory()).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('of random bytes, or with random damage, ends in an error of ours or in what was packed', async () => {
    const good = rawTar([
      { name: 'a', content: 'one' },
      { name: 'b/c', content: 'two'.repeat(400), pax: { path: 'b/ü' } },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), async (at, change) => {
        const bent = Buffer.from(good);
        bent[at] = (bent[at] ?? 0) ^ change;
        await rm(target, { recursive: true, force: true });
        await mkdir(target);
        await settle(extractFiles(Readable.from([bent]), target));
        expect(await readdir(outside)).toEqual(['target']);
        const first = await readFile(join(target, 'a')).catch(() => undefined);
        if (first !== undefined && at > 1024) expect(first.toString()).toBe('one');
      }),
      { numRuns: 200 },
    );
  });
});

/** Anything but success or an error of ours is a crash. */
async function settle(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    expect(error).toBeInstanceOf(StateError);
  }
}

/** Writes what no decent program would. */
function rawTar(entries: readonly RawEntry[]): Buffer {
  const blocks = entries.flatMap(
    ({ name, type = '0', linkname = '', content = '', pax = {}, records: more = [] }) => {
      const records = [...Object.entries(pax), ...more].map(([key, value]) => paxRecord(key, value)).join('');
      return [
        ...(records === '' ? [] : [...file('PaxHeader', 'x', '', Buffer.from(records))]),
        ...file(name, type, linkname, Buffer.from(content)),
      ];
    },
  );
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

function file(name: string, type: string, linkname: string, content: Buffer): Buffer[] {
  const header = Buffer.alloc(512);
  header.write(name.slice(0, 100), 0, 'latin1');
  header.write('0000644\0', 100);
  header.write('0000000\0', 108);
  header.write('0000000\0', 116);
  header.write(`${content.length.toString(8).padStart(11, '0')}\0`, 124);
  header.write('00000000000\0', 136);
  header.write('        ', 148);
  header.write(type, 156);
  header.write(linkname, 157);
  header.write('ustar\x0000', 257, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return [header, content, Buffer.alloc((512 - (content.length % 512)) % 512)];
}

function paxRecord(key: string, value: string): string {
  const body = ` ${key}=${value}\n`;
  let length = Buffer.byteLength(body);
  while (String(length).length + Buffer.byteLength(body) !== length)
    length = String(length).length + Buffer.byteLength(body);
  return `${length}${body}`;
}
