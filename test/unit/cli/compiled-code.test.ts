import { chmod, mkdir, mkdtemp, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { keepCompiledCode } from '../../../src/cli/compiled-code.js';

let home: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'coolify-state-code-'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

it("is kept in a folder that is this user's alone", async () => {
  const enable = vi.fn();
  const folder = join(home, '.cache/coolify-state/code');
  expect(await keepCompiledCode({ HOME: home }, enable)).toBe(folder);
  expect(enable).toHaveBeenCalledWith(folder);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
});

it('is kept where the cache was put', async () => {
  const cache = join(home, 'elsewhere');
  expect(await keepCompiledCode({ HOME: home, COOLIFY_STATE_CACHE_PATH: cache }, vi.fn())).toBe(
    join(cache, 'code'),
  );
});

it.each([
  [
    'others may write to',
    () =>
      mkdir(join(home, 'cache/code'), { recursive: true }).then(() => chmod(join(home, 'cache/code'), 0o777)),
  ],
  ['is a link', () => mkdir(join(home, 'cache')).then(() => symlink(home, join(home, 'cache/code')))],
])('is not kept in a folder that %s', async (_what, make) => {
  await make();
  const enable = vi.fn();
  expect(await keepCompiledCode({ COOLIFY_STATE_CACHE_PATH: join(home, 'cache') }, enable)).toBeUndefined();
  expect(enable).not.toHaveBeenCalled();
});

it('is not kept where nothing can be written, or by a Node that cannot', async () => {
  const enable = vi.fn();
  expect(await keepCompiledCode({ COOLIFY_STATE_CACHE_PATH: '/proc/nowhere' }, enable)).toBeUndefined();
  expect(await keepCompiledCode({ HOME: home }, null)).toBeUndefined();
  expect(enable).not.toHaveBeenCalled();
});
