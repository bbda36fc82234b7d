import { lstat, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { extractFiles, readEntries } from '../../../src/archive/tar.js';
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
}

describe('a hostile archive', () => {
  const refused: readonly [string, readonly RawEntry[]][] = [
    ['an absolute path', [{ name: '/tmp/x' }]],
    ['a path that climbs', [{ name: '../x' }]],
    ['a path that climbs in the middle', [{ name: 'a/../../x' }]],
    ['a path that climbs at the end', [{ name: 'a/..' }]],
    ['a folder that climbs', [{ name: '../', type: '5' }]],
    ['a symbolic link', [{ name: 'l', type: '2', linkname: '/etc' }]],
    ['a symbolic link and a file through it', [{ name: 'l', type: '2', linkname: '..' }, { name: 'l/x' }]],
    ['a hard link', [{ name: 'l', type: '1', linkname: '/etc/passwd' }]],
    ['a character device', [{ name: 'd', type: '3' }]],
    ['a block device', [{ name: 'd', type: '4' }]],
    ['a pipe', [{ name: 'p', type: '6' }]],
    ['a sparse file', [{ name: 's', type: 'S' }]],
    ['a file that comes twice', [{ name: 'a' }, { name: './a' }]],
    ['a file that comes twice but for case', [{ name: 'a' }, { name: 'A' }]],
    ['a file under a file', [{ name: 'a' }, { name: 'a/b' }]],
    ['a file where a folder is', [{ name: 'a/b' }, { name: 'a' }]],
    ['a folder where a file is', [{ name: 'a' }, { name: 'a/', type: '5' }]],
    ['a file that is the folder itself', [{ name: './', type: '0', pax: { path: '.' } }]],
    ['a pax path that climbs', [{ name: 'harmless', pax: { path: '../x' } }]],
    ['a NUL in a pax path', [{ name: 'harmless', pax: { path: 'x\0y' } }]],
    ['a name that is too long', [{ name: 'harmless', pax: { path: 'n'.repeat(256) } }]],
    ['a path that is too long', [{ name: 'harmless', pax: { path: `${'n/'.repeat(3000)}x` } }]],
    ['a name that is no UTF-8', [{ name: '\xff\xfe' }]],
  ];
  for (const [what, entries] of refused) {
    it(`with ${what} is refused`, async () => {
      const code = await codeOf(extractFiles(Readable.from([rawTar(entries)]), target));
      expect(code).toBe('archive.unsafe-entry');
      expect(await readdir(outside)).toEqual(['target']);
    });
  }

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
  const blocks = entries.flatMap(({ name, type = '0', linkname = '', content = '', pax = {} }) => {
    const records = Object.entries(pax)
      .map(([key, value]) => paxRecord(key, value))
      .join('');
    return [
      ...(records === '' ? [] : [...file('PaxHeader', 'x', '', Buffer.from(records))]),
      ...file(name, type, linkname, Buffer.from(content)),
    ];
  });
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
