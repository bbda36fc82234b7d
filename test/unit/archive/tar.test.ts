import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type EntryHeader,
  extractFiles,
  packEntries,
  packFiles,
  readEntries,
  type TarEntry,
} from '../../../src/archive/tar.js';
import { DEFAULT_LIMITS } from '../../../src/archive/tar-rules.js';
import { codeOf, collect, noise, pieces, sha256 } from './streams.js';

let root: string;
let target: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tar-root-'));
  target = await mkdtemp(join(tmpdir(), 'tar-target-'));
});
afterEach(async () => {
  await rm(root, { recursive: true, force: true });
  await rm(target, { recursive: true, force: true });
});

const MTIME = new Date('2026-03-04T05:06:07Z');

describe('files packed and unpacked', () => {
  it('come back with their bytes, private, and with their hashes', async () => {
    const contents = new Map([
      ['manifest.json', Buffer.from('{}')],
      ['empty', Buffer.alloc(0)],
      ['.ssh/ssh_host_rsa_key', noise(513)],
      [`backups/${'long/'.repeat(40)}name`, noise(600_000)],
      ['backups/schlüssel 🔑', noise(1024)],
    ]);
    const tar = await packed(contents);
    const extracted = await extractFiles(Readable.from(pieces(tar, 700, 100_000)), target, {});
    expect(extracted.map(({ path }) => path)).toEqual([...contents.keys()]);
    for (const { path, size, mode, sha256: hash } of extracted) {
      const content = contents.get(path) ?? Buffer.from('missing');
      expect([size, mode, hash]).toEqual([content.length, 0o640, sha256(content)]);
      expect((await readFile(join(target, path))).equals(content)).toBe(true);
      expect((await stat(join(target, path))).mode & 0o7777).toBe(0o600);
    }
    expect((await stat(join(target, 'backups'))).mode & 0o7777).toBe(0o700);
  });

  it('make the same bytes each time, in the order given, without owner and folders', async () => {
    const contents = new Map([
      ['b', noise(10)],
      ['a/x', noise(20)],
    ]);
    const tar = await packed(contents);
    expect((await packed(contents)).equals(tar)).toBe(true);
    const headers = await headersOf(tar);
    expect(headers.map(({ path, uid, gid, uname, mtime }) => [path, uid, gid, uname, mtime])).toEqual([
      ['b', 0, 0, '', MTIME.getTime() / 1000],
      ['a/x', 0, 0, '', MTIME.getTime() / 1000],
    ]);
  });

  it('are refused when a file is longer, shorter, gone, a link or a folder', async () => {
    await writeFile(join(root, 'file'), noise(100));
    await symlink('file', join(root, 'link'));
    await mkdir(join(root, 'folder'));
    const pack = (path: string, size: number): Promise<string> =>
      codeOf(collect(packFiles(root, [{ path, size, mode: 0o600, mtime: MTIME }])));
    expect(await pack('file', 100)).toBe('no error');
    expect(await pack('file', 99)).toBe('archive.source-changed');
    expect(await pack('file', 101)).toBe('archive.source-changed');
    expect(await pack('gone', 1)).toBe('archive.source-unreadable');
    expect(await pack('link', 100)).toBe('archive.source-unreadable');
    expect(await pack('folder', 0)).toBe('archive.unsafe-entry');
    expect(await pack('../file', 100)).toBe('archive.unsafe-entry');
  });

  it('are refused when two names could not be unpacked beside each other', async () => {
    await writeFile(join(root, 'Key'), 'x');
    await writeFile(join(root, 'key'), 'x');
    const files = ['Key', 'key'].map((path) => ({ path, size: 1, mode: 0o600, mtime: MTIME }));
    expect(await codeOf(collect(packFiles(root, files)))).toBe('archive.unsafe-entry');
  });

  it('stop when the signal fires, on both sides', async () => {
    await writeFile(join(root, 'file'), noise(3_000_000));
    const files = [{ path: 'file', size: 3_000_000, mode: 0o600, mtime: MTIME }];
    const reason = new Error('stop it');
    const controller = new AbortController();
    const packing = packFiles(root, files, { signal: controller.signal });
    packing.once('data', () => controller.abort(reason));
    await expect(collect(packing)).rejects.toBe(reason);
    const stalled = new Readable({ read: () => undefined });
    const other = new AbortController();
    const extracting = extractFiles(stalled, target, { signal: other.signal });
    setTimeout(() => other.abort(reason), 10);
    await expect(extracting).rejects.toBe(reason);
    expect(stalled.destroyed).toBe(true);
  });
});

describe('entries packed and read', () => {
  it('keep owners, modes, times and names, the largest included', async () => {
    const headers: EntryHeader[] = [
      { ...plain('./', 'directory', 0), mode: 0o700, uid: 9999, gid: 0, uname: 'coolify', gname: 'root' },
      { ...plain('./ssh_key@abc', 'file', 5), mode: 0o600, uid: 9999, gid: 4_000_000, mtime: 1_700_000_000 },
      { ...plain('./none', 'file', 5), mode: 0, uid: 3_000_000_000 },
      { ...plain('setuid', 'file', 5), mode: 0o4755 },
    ];
    const tar = await collect(
      packEntries(headers.map((header) => entry(header, header.size === 0 ? '' : 'hello'))),
    );
    const read = await headersOf(tar);
    expect(read.map(({ path, type, mode, uname, mtime }) => [path, type, mode, uname, mtime])).toEqual([
      ['.', 'directory', 0o700, 'coolify', 0],
      ['ssh_key@abc', 'file', 0o600, '', 1_700_000_000],
      ['none', 'file', 0, '', 0],
      ['setuid', 'file', 0o4755, '', 0],
    ]);
    expect(read.map(({ uid, gid }) => [uid, gid])).toEqual([
      [9999, 0],
      [9999, 4_000_000],
      [3_000_000_000, 0],
      [0, 0],
    ]);
  });

  it('take streams as content, and refuse one that is not as long as was said', async () => {
    const content = (): Readable => Readable.from([Buffer.from('hel'), Buffer.from('lo')]);
    const tar = await collect(packEntries([{ header: plain('a', 'file', 5), content: content() }]));
    expect(await contentsOf(tar)).toEqual([['a', 'hello']]);
    for (const size of [0, 4, 6]) {
      const wrong = packEntries([{ header: plain('a', 'file', size), content: content() }]);
      expect(await codeOf(collect(wrong))).toBe('archive.source-changed');
    }
  });

  it('can be skipped, left half-read or destroyed by whoever takes them', async () => {
    const tar = await collect(
      packEntries(['a', 'b', 'c', 'd'].map((path) => entry(plain(path, 'file', 300_000), noise(300_000)))),
    );
    const seen: string[] = [];
    await readEntries(Readable.from(pieces(tar, 10_000)), async ({ path }, content) => {
      seen.push(path);
      if (path === 'b') for await (const _chunk of content) break;
      if (path === 'c') content.destroy();
      if (path === 'd') expect((await collect(content)).equals(noise(300_000))).toBe(true);
    });
    expect(seen).toEqual(['a', 'b', 'c', 'd']);
  });

  it('fail with the error of whoever takes them, and destroy the source', async () => {
    const tar = await collect(packEntries([entry(plain('a', 'file', 300_000), noise(300_000))]));
    const mine = new Error('mine');
    const source = Readable.from(pieces(tar, 10_000));
    const reading = readEntries(source, async (_header, content) => {
      for await (const _chunk of content) throw mine;
    });
    await expect(reading).rejects.toBe(mine);
    expect(source.destroyed).toBe(true);
  });

  it('fail with the error of their source', async () => {
    const tar = await collect(packEntries([entry(plain('a', 'file', 300_000), noise(300_000))]));
    const mine = new Error('the line is dead');
    async function* broken(): AsyncGenerator<Buffer> {
      yield tar.subarray(0, 100_000);
      throw mine;
    }
    await expect(
      readEntries(Readable.from(broken()), async (_header, content) => void (await collect(content))),
    ).rejects.toBe(mine);
  });

  it('do not run ahead of a slow reader', async () => {
    let made = 0;
    async function* many(): AsyncGenerator<TarEntry> {
      for (let index = 0; index < 500; index++) {
        made++;
        yield entry(plain(`file-${index}`, 'file', 100_000), Buffer.alloc(100_000));
      }
    }
    const archive = packEntries(many());
    for await (const _chunk of archive) break;
    const early = made;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(early).toBeLessThan(20);
    expect(made).toBeLessThan(20);
    expect(archive.destroyed).toBe(true);
  });

  it('close the content in work when the archive is no longer wanted', async () => {
    const content = new Readable({ read: () => undefined });
    const archive = packEntries([{ header: plain('a', 'file', 5), content }]);
    archive.once('data', () => archive.destroy());
    await expect(pipeline(archive, async (source) => void (await collect(source)))).rejects.toThrow();
    await new Promise((resolve) => setImmediate(resolve));
    expect(content.destroyed).toBe(true);
  });
});

describe('a tar archive that was cut or bent', () => {
  it('is never taken for a whole one, wherever it was cut', async () => {
    const tar = await collect(
      packEntries([
        entry(plain('a', 'file', 700), noise(700)),
        entry(plain('zeros', 'file', 3000), Buffer.alloc(3000)),
      ]),
    );
    expect(await codeOf(readEntries(Readable.from([tar]), async () => undefined))).toBe('no error');
    for (let end = 0; end < tar.length; end += 64) {
      const source = Readable.from(pieces(tar.subarray(0, end), 1000));
      expect([end, await codeOf(readEntries(source, async () => undefined))]).toEqual([
        end,
        'archive.truncated',
      ]);
    }
  });

  it('is corrupt when a header does not make sense', async () => {
    const tar = await collect(
      packEntries([entry(plain('a', 'file', 700), noise(700)), entry(plain('b', 'file', 3), 'abc')]),
    );
    const bent = Buffer.from(tar);
    bent[512 + 1024 + 20] = 1;
    expect(await codeOf(readEntries(Readable.from([bent]), async () => undefined))).toBe('archive.corrupt');
    expect(await codeOf(readEntries(Readable.from([noise(5000)]), async () => undefined))).toBe(
      'archive.corrupt',
    );
  });

  it('may be padded with zeros, as tar pads to its record size', async () => {
    const tar = await collect(packEntries([entry(plain('a', 'file', 3), 'abc')]));
    const padded = Readable.from([tar, Buffer.alloc(8192)]);
    expect(await codeOf(readEntries(padded, async () => undefined))).toBe('no error');
    expect(await codeOf(readEntries(Readable.from([Buffer.alloc(10_240)]), async () => undefined))).toBe(
      'no error',
    );
  });
});

describe('limits', () => {
  it('stop an archive with too many, too large or too long entries', async () => {
    const headers = ['one', 'two', 'three'].map((path) => plain(path, 'file', 1000));
    const tar = await collect(packEntries(headers.map((header) => entry(header, noise(1000)))));
    const read = (limits: Partial<typeof DEFAULT_LIMITS>): Promise<string> =>
      codeOf(
        readEntries(Readable.from([tar]), async () => undefined, {
          limits: { ...DEFAULT_LIMITS, ...limits },
        }),
      );
    expect(await read({ files: 3, bytes: 3000, fileBytes: 1000, pathBytes: 5 })).toBe('no error');
    expect(await read({ files: 2 })).toBe('archive.limit-exceeded');
    expect(await read({ bytes: 2999 })).toBe('archive.limit-exceeded');
    expect(await read({ fileBytes: 999 })).toBe('archive.limit-exceeded');
    expect(await read({ pathBytes: 4 })).toBe('archive.unsafe-entry');
  });
});

describe('unpacking', () => {
  it('refuses a folder that is not empty', async () => {
    await writeFile(join(target, 'x'), 'x');
    const source = Readable.from([Buffer.alloc(1024)]);
    expect(await codeOf(extractFiles(source, target))).toBe('archive.target-unfit');
    expect(source.destroyed).toBe(true);
    const missing = extractFiles(Readable.from([Buffer.alloc(1024)]), join(target, 'missing'));
    expect(await codeOf(missing)).toBe('archive.target-unfit');
  });

  it('refuses any set of names that meet each other, and otherwise writes exactly those files', async () => {
    const name = fc
      .array(fc.constantFrom('a', 'A', 'b', '.', 'ä', 'a\u0308'), { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join('/'));
    await fc.assert(
      fc.asyncProperty(fc.array(name, { minLength: 1, maxLength: 5 }), async (names) => {
        const folder = await mkdtemp(join(tmpdir(), 'tar-names-'));
        try {
          const tar = await collect(packEntries(names.map((path) => entry(plain(path, 'file', 1), 'x'))));
          const plainNames = names.map((path) =>
            path
              .split('/')
              .filter((part) => part !== '.')
              .join('/'),
          );
          const folded = plainNames.map((path) => path.normalize('NFC').toLowerCase());
          const meet = folded.some(
            (path, index) =>
              path === '' ||
              folded.some((other, at) => at !== index && (other === path || other.startsWith(`${path}/`))),
          );
          expect(await codeOf(extractFiles(Readable.from([tar]), folder))).toBe(
            meet ? 'archive.unsafe-entry' : 'no error',
          );
          const written = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((found) =>
            found.isFile(),
          );
          if (!meet) expect(written).toHaveLength(names.length);
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: 100 },
    );
  });
});

async function packed(contents: ReadonlyMap<string, Buffer>): Promise<Buffer> {
  const files = [];
  for (const [path, content] of contents) {
    await mkdir(join(root, path, '..'), { recursive: true });
    await writeFile(join(root, path), content);
    files.push({ path, size: content.length, mode: 0o640, mtime: MTIME });
  }
  return collect(packFiles(root, files));
}

async function headersOf(tar: Buffer): Promise<EntryHeader[]> {
  const headers: EntryHeader[] = [];
  await readEntries(Readable.from(pieces(tar, 1000)), async (header) => void headers.push(header));
  return headers;
}

async function contentsOf(tar: Buffer): Promise<[string, string][]> {
  const contents: [string, string][] = [];
  await readEntries(
    Readable.from([tar]),
    async ({ path }, content) => void contents.push([path, (await collect(content)).toString()]),
  );
  return contents;
}

function plain(path: string, type: EntryHeader['type'], size: number): EntryHeader {
  return { path, type, size, mode: 0o644, uid: 0, gid: 0, uname: '', gname: '', mtime: 0 };
}

function entry(header: EntryHeader, content: string | Buffer): TarEntry {
  return { header, content: Buffer.from(content) };
}
