import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeFolders } from '../../../src/core/folders.js';

const run = promisify(execFile);
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coolify-state-folders-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a folder that is made with its parents', () => {
  it('tells the first that was missing, and each has the mode that was asked for', async () => {
    await mkdir(join(root, 'there'));
    expect(await makeFolders(join(root, 'there/a/b/c'), 0o700)).toBe(join(root, 'there/a'));
    for (const path of ['there/a', 'there/a/b', 'there/a/b/c'])
      expect((await stat(join(root, path))).mode & 0o777).toBe(0o700);
  });

  it('is nothing new when it is there, by a link too', async () => {
    await mkdir(join(root, 'there'));
    await symlink('there', join(root, 'link'));
    expect(await makeFolders(join(root, 'there'))).toBeUndefined();
    expect(await makeFolders(join(root, 'link'))).toBeUndefined();
    expect(await makeFolders('/')).toBeUndefined();
    expect(await makeFolders('.')).toBeUndefined();
  });

  it('may be made by several at once', async () => {
    const paths = Array.from({ length: 20 }, (_, index) => join(root, `a/b/c/${index % 4}/d`));
    await Promise.all(paths.map((path) => makeFolders(path)));
    for (const path of paths) expect((await stat(path)).isDirectory()).toBe(true);
  });

  it('is refused where something else has its name', async () => {
    await writeFile(join(root, 'file'), '');
    await symlink('nowhere', join(root, 'dangling'));
    await expect(makeFolders(join(root, 'file'))).rejects.toMatchObject({ code: 'EEXIST' });
    await expect(makeFolders(join(root, 'file/below'))).rejects.toMatchObject({ code: 'ENOTDIR' });
    await expect(makeFolders(join(root, 'dangling/below'))).rejects.toMatchObject({ code: 'EEXIST' });
    // Node's own tries for ever here.
    await expect(makeFolders('/proc/nowhere/below')).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe.runIf(process.getuid?.() === 0)(
  'a disk that takes no more folders (only root can mount one)',
  () => {
    beforeEach(() => run('mount', ['-t', 'tmpfs', '-o', 'size=1m,nr_inodes=4', 'tmpfs', root]));
    afterEach(() => run('umount', [root]));

    it('is told as it is: full, or read-only', async () => {
      await expect(makeFolders(join(root, 'a/b/c/d/e'))).rejects.toMatchObject({ code: 'ENOSPC' });
      await expect(makeFolders(join(root, 'x'))).rejects.toMatchObject({ code: 'ENOSPC' });
      await run('mount', ['-o', 'remount,ro', root]);
      expect(await makeFolders(join(root, 'a/b'))).toBeUndefined();
      await expect(makeFolders(join(root, 'a/y'))).rejects.toMatchObject({ code: 'EROFS' });
      await expect(makeFolders(join(root, 'y/z'))).rejects.toMatchObject({ code: 'EROFS' });
    });
  },
);
