import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { acquireLock, lockHolder } from '../../../src/state/lock.js';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-'));
  path = join(folder, 'host.lock');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const owner = {
  started: '',
  machine: hostname(),
  since: '2026-01-01T00:00:00Z',
  command: 'coolify-state backup',
  token: 'other',
};

describe('a lock', () => {
  it('tells who holds it, and is free again after its release', async () => {
    const lock = await acquireLock(path, 'host', 'coolify-state backup');
    await expect(acquireLock(path, 'host', 'x')).rejects.toMatchObject({
      kind: 'locked',
      exitStatus: 5,
      why: expect.stringContaining(`process ${process.pid} on ${hostname()}`),
    });
    await lock.release();
    await (await acquireLock(path, 'host', 'x')).release();
    expect(await readdir(folder)).toEqual([]);
  });

  it('of a dead process is taken over', async () => {
    const child = spawn('true');
    await new Promise((resolve) => child.on('exit', resolve));
    await writeFile(path, JSON.stringify({ ...owner, pid: child.pid, started: '1' }));
    const lock = await acquireLock(path, 'host', 'x');
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
  });

  it('of a process that only bears the number of a dead one is taken over', async () => {
    await writeFile(path, JSON.stringify({ ...owner, pid: process.pid, started: 'long before' }));
    await (await acquireLock(path, 'host', 'x')).release();
  });

  it('of another machine is believed', async () => {
    await writeFile(path, JSON.stringify({ ...owner, pid: 1, machine: 'elsewhere' }));
    await expect(acquireLock(path, 'host', 'x')).rejects.toMatchObject({
      code: 'state.locked',
      next: expect.stringContaining(path),
    });
  });

  describe('of another container of this machine', () => {
    const elsewhere = { ...owner, pid: process.pid, started: 'unknown here', pidNamespace: 'pid:[1]' };

    it('is believed while it is touched', async () => {
      await writeFile(path, JSON.stringify(elsewhere));
      await expect(acquireLock(path, 'host', 'x')).rejects.toMatchObject({ code: 'state.locked' });
      expect(await lockHolder(path)).toMatchObject({ alive: true });
    });

    it('is taken over when it has not been for long', async () => {
      await writeFile(path, JSON.stringify(elsewhere));
      const longAgo = new Date(Date.now() - 120_000);
      await utimes(path, longAgo, longAgo);
      expect(await lockHolder(path)).toMatchObject({ alive: false });
      await (await acquireLock(path, 'host', 'x')).release();
    });

    it('finds this one touched, as long as it is held', async () => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
      try {
        await using _lock = await acquireLock(path, 'host', 'x');
        await utimes(path, 0, 0);
        vi.advanceTimersByTime(10_000);
        await vi.waitFor(async () => expect((await stat(path)).mtimeMs).toBeGreaterThan(0));
      } finally {
        vi.useRealTimers();
      }
    });
  });

  it('that is no lock is replaced', async () => {
    await writeFile(path, 'garbage');
    await (await acquireLock(path, 'host', 'x')).release();
  });

  it('clears what runs left that ended while they took one, and nothing of those that live', async () => {
    const child = spawn('true');
    await new Promise((resolve) => child.on('exit', resolve));
    const dead = JSON.stringify({ ...owner, pid: child.pid, started: '1' });
    await writeFile(join(folder, '.lock-00ff'), dead);
    await writeFile(join(folder, '.lock-0aaa'), '');
    await utimes(join(folder, '.lock-0aaa'), 0, 0);
    await writeFile(join(folder, '.lock-0bbb'), '');
    await writeFile(join(folder, '.lock-0ccc'), JSON.stringify({ ...owner, pid: 1, machine: 'elsewhere' }));
    await writeFile(join(folder, 'other.lock'), dead);
    await (await acquireLock(path, 'host', 'x')).release();
    expect((await readdir(folder)).sort()).toEqual(['.lock-0bbb', '.lock-0ccc', 'other.lock']);
  });

  it('is not released by one who lost it', async () => {
    const lock = await acquireLock(path, 'host', 'x');
    await writeFile(path, JSON.stringify({ ...owner, pid: 1, machine: 'elsewhere' }));
    await lock.release();
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ machine: 'elsewhere' });
  });

  it('has one winner among many who find a dead one', async () => {
    for (let round = 0; round < 25; round++) {
      await writeFile(path, JSON.stringify({ ...owner, pid: process.pid, started: 'long before' }));
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, () => acquireLock(path, 'host', 'x')),
      );
      const locks = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
      expect(locks).toHaveLength(1);
      await locks[0]?.release();
    }
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over also after a run that died while it did so', async () => {
    await writeFile(path, 'garbage');
    await writeFile(`${path}.taking`, '');
    await utimes(`${path}.taking`, 0, 0);
    await (await acquireLock(path, 'host', 'x')).release();
    expect(await readdir(folder)).toEqual([]);
  });
});
