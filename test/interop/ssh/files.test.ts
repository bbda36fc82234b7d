import { createHash, randomBytes } from 'node:crypto';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Connection, connect } from '../../../src/ssh/connection.js';
import type { HostFiles } from '../../../src/ssh/files.js';
import { startSshd, type TestSshd } from './sshd.js';

const NAMES = [
  'plain',
  'with space',
  `it's`,
  'a\\b',
  '$HOME',
  '-rf',
  'ümlaut',
  'new\nline',
  '*',
  '.hidden',
  '~',
  '...',
];

/** The same contract by both ways; which one is in use is decided by whether the subsystem is there. */
describe.each([
  ['SFTP', 'Subsystem sftp internal-sftp', true],
  ['commands', 'Subsystem sftp /nonexistent/sftp-server', false],
])('files of a host by %s', (_way, config, bySftp) => {
  let sshd: TestSshd;
  let connection: Connection;
  let files: HostFiles;
  let folder: string;
  beforeAll(async () => {
    sshd = await startSshd({ config: [config] });
    connection = await connect(sshd.endpoint(), { signal: new AbortController().signal });
    files = connection.files;
  });
  afterAll(async () => {
    await connection?.close();
    await sshd?.stop();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'host-files-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const at = (name: string): string => join(folder, name);

  test('go the way that is meant', async () => {
    await files.stat('/');
    await files.write(at('x'), Buffer.from('x'), { mode: 0o600 });
    expect(sshd.log().includes('Starting session: command')).toBe(!bySftp);
  });

  test('are described as they are, links as links', async () => {
    await writeFile(at('file'), 'twelve bytes');
    await chmod(at('file'), 0o4751);
    await chown(at('file'), 1234, 5678);
    await chmod(at('file'), 0o4751);
    await symlink('/nowhere', at('link'));
    const { mtimeMs } = await stat(at('file'));
    expect(await files.stat(at('file'))).toEqual({
      name: 'file',
      path: at('file'),
      type: 'file',
      size: 12,
      mode: 0o4751,
      uid: 1234,
      gid: 5678,
      mtimeMs: Math.floor(mtimeMs / 1000) * 1000,
    });
    expect(await files.stat(at('link'))).toMatchObject({ type: 'symlink' });
    expect(await files.stat(folder)).toMatchObject({ type: 'directory', mode: 0o700 });
    expect(await files.stat('/dev/null')).toMatchObject({ type: 'other' });
  });

  test('that are not there are undefined', async () => {
    expect(await files.stat(at('none'))).toBeUndefined();
    expect(await files.list(at('none'))).toBeUndefined();
    expect(await files.stat(at('none/deeper'))).toBeUndefined();
    await writeFile(at('file'), '');
    expect(await files.list(at('file'))).toBeUndefined();
  });

  test('are listed by name, whatever the names', async () => {
    for (const name of NAMES) await writeFile(at(name), name);
    await mkdir(at('folder'));
    const listed = await files.list(folder);
    expect(listed?.map(({ name }) => name)).toEqual([...NAMES, 'folder'].sort());
    expect(listed?.find(({ name }) => name === 'folder')).toEqual(await files.stat(at('folder')));
    expect(await files.list(at('folder'))).toEqual([]);
  });

  test('are written, read and described whatever their names', async () => {
    for (const name of NAMES) {
      await files.write(at(name), Buffer.from(name), { mode: 0o600 });
      expect((await files.read(at(name), { limitBytes: 100 })).toString()).toBe(name);
      expect(await files.stat(at(name))).toMatchObject({ name, path: at(name) });
    }
    expect((await readdir(folder)).sort()).toEqual([...NAMES].sort());
  });

  test('are replaced in one step, with owner and mode, and nothing is left beside them', async () => {
    await writeFile(at('file'), 'old');
    const before = await stat(at('file'));
    await files.write(at('file'), Buffer.from('new'), { mode: 0o640, uid: 1, gid: 2 });
    const after = await stat(at('file'));
    expect(await readFile(at('file'), 'utf8')).toBe('new');
    expect(after.ino).not.toBe(before.ino);
    expect([after.mode & 0o7777, after.uid, after.gid]).toEqual([0o640, 1, 2]);
    await files.write(at('file'), Buffer.alloc(0), { mode: 0o600, gid: 3 });
    expect(await stat(at('file'))).toMatchObject({ size: 0, uid: 0, gid: 3 });
    expect(await readdir(folder)).toEqual(['file']);
  });

  test('replace a link, not what it points to', async () => {
    await writeFile(at('target'), 'target');
    await symlink(at('target'), at('link'));
    await files.write(at('link'), Buffer.from('new'), { mode: 0o600 });
    expect(await readFile(at('target'), 'utf8')).toBe('target');
    expect((await lstat(at('link'))).isFile()).toBe(true);
  });

  test('do not become part of a folder of that name', async () => {
    await mkdir(at('folder'));
    await expect(files.write(at('folder'), Buffer.from('x'), { mode: 0o600 })).rejects.toMatchObject({
      kind: 'failed',
      code: 'ssh.file-failed',
    });
    expect(await readdir(at('folder'))).toEqual([]);
    expect(await readdir(folder)).toEqual(['folder']);
  });

  test('take large contents from streams', async () => {
    const content = randomBytes(5 * 1024 * 1024);
    await files.write(
      at('big'),
      Readable.from([content.subarray(0, 1_000_000), content.subarray(1_000_000)]),
      {
        mode: 0o600,
      },
    );
    const hash = createHash('sha256');
    await pipeline(await files.download(at('big')), hash);
    expect(hash.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
  });

  test('keep the old content when the new one breaks off', async () => {
    await writeFile(at('file'), 'old');
    async function* broken(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(100_000);
      throw new Error('the source broke');
    }
    await expect(files.write(at('file'), Readable.from(broken()), { mode: 0o600 })).rejects.toThrow(
      'the source broke',
    );
    const giveUp = new AbortController();
    async function* abandoned(): AsyncGenerator<Buffer> {
      yield Buffer.alloc(100_000);
      giveUp.abort();
      yield Buffer.alloc(100_000);
    }
    await expect(
      files.write(at('file'), Readable.from(abandoned()), { mode: 0o600, signal: giveUp.signal }),
    ).rejects.toMatchObject({ name: 'AbortError' });
    expect(await readFile(at('file'), 'utf8')).toBe('old');
    expect(await readdir(folder)).toEqual(['file']);
  });

  test('are not read beyond the limit', async () => {
    await writeFile(at('file'), 'x'.repeat(1000));
    expect((await files.read(at('file'), { limitBytes: 1000 })).length).toBe(1000);
    await expect(files.read(at('file'), { limitBytes: 999 })).rejects.toMatchObject({
      code: 'ssh.file-too-large',
    });
  });

  test('that are missing fail reading, downloading and renaming as missing', async () => {
    const none = at('none');
    await expect(files.read(none, { limitBytes: 1 })).rejects.toMatchObject({ code: 'ssh.file-missing' });
    await expect((await files.download(none)).toArray()).rejects.toMatchObject({ code: 'ssh.file-missing' });
    await expect(files.rename(none, at('x'))).rejects.toMatchObject({ code: 'ssh.file-missing' });
    await expect(files.write(at('no/such'), Buffer.from(''), { mode: 0o600 })).rejects.toMatchObject({
      code: 'ssh.file-missing',
      host: 'testhost',
      what: expect.stringContaining(at('no/such')),
    });
  });

  test('fail with what the host says', async () => {
    await expect(files.read(folder, { limitBytes: 10 })).rejects.toMatchObject({ code: 'ssh.file-failed' });
    await expect(files.write('/proc/x', Buffer.from(''), { mode: 0o600 })).rejects.toMatchObject({
      code: expect.stringMatching(/^ssh\.file-(missing|failed|denied)$/),
    });
  });

  test('have absolute paths', async () => {
    for (const path of ['relative', '', '-rf', '/nul\0']) {
      await expect(async () => files.stat(path)).rejects.toMatchObject({ code: 'ssh.path-invalid' });
      await expect(async () => files.rename(at('x'), path)).rejects.toMatchObject({
        code: 'ssh.path-invalid',
      });
    }
  });

  test('can be renamed over others', async () => {
    await writeFile(at('a'), 'a');
    await writeFile(at('b'), 'b');
    await files.rename(at('a'), at('b'));
    expect(await readFile(at('b'), 'utf8')).toBe('a');
    expect(await readdir(folder)).toEqual(['b']);
  });

  test('need folders, which are made once and set right again', async () => {
    await files.mkdir(at('folder'), { mode: 0o750, uid: 1, gid: 2 });
    await files.mkdir(at('folder'), { mode: 0o700 });
    const { mode, uid, gid } = await stat(at('folder'));
    expect([mode & 0o7777, uid, gid]).toEqual([0o700, 1, 2]);
    await expect(files.mkdir(at('no/such'), { mode: 0o700 })).rejects.toMatchObject({
      code: 'ssh.file-missing',
    });
    await writeFile(at('file'), '');
    await expect(files.mkdir(at('file'), { mode: 0o700 })).rejects.toMatchObject({ code: 'ssh.file-failed' });
  });

  test('are removed, folders only when empty or when asked, and links never followed', async () => {
    await mkdir(at('outside'));
    await writeFile(at('outside/kept'), '');
    await mkdir(at('folder/deep'), { recursive: true });
    await writeFile(at('folder/deep/file'), '');
    await symlink(at('outside'), at('folder/link'));
    await expect(files.remove(at('folder'))).rejects.toMatchObject({ code: 'ssh.file-failed' });
    await files.remove(at('folder'), { recursive: true });
    await files.remove(at('folder'), { recursive: true });
    await files.remove(at('none'));
    expect(await readdir(folder)).toEqual(['outside']);
    expect(await readdir(at('outside'))).toEqual(['kept']);
    await files.remove(at('outside/kept'));
    await files.remove(at('outside'));
    expect(await readdir(folder)).toEqual([]);
  });

  test('are handled many at once', async () => {
    const names = Array.from({ length: 40 }, (_, index) => at(`f${index}`));
    await Promise.all(names.map((path) => files.write(path, Buffer.from(path), { mode: 0o600 })));
    const contents = await Promise.all(names.map((path) => files.read(path, { limitBytes: 500 })));
    expect(contents.map(String)).toEqual(names);
  });
});
