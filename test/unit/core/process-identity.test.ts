import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { isSurelyDead, thisProcess } from '../../../src/core/process-identity.js';

describe('whether a process is surely dead', () => {
  it('is false of this one, and of one that lives', async () => {
    const own = await thisProcess();
    expect(own).toMatchObject({ pid: process.pid, boot: expect.stringMatching(/^[0-9a-f]{32}$/) });
    expect(await isSurelyDead(own)).toBe(false);
  });

  it('is true of one that has ended, and of one whose pid was given to another', async () => {
    const own = await thisProcess();
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    const stat = await readFile(`/proc/${child.pid}/stat`, 'utf8');
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    const identity = { ...own, pid: child.pid ?? 0, started };
    expect(await isSurelyDead(identity)).toBe(false);
    expect(await isSurelyDead({ ...identity, started: '1' })).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(await isSurelyDead(identity)).toBe(true);
  });

  it('is false of one that ran elsewhere, where its pid means nothing here', async () => {
    const own = await thisProcess();
    expect(await isSurelyDead({ ...own, boot: 'f'.repeat(32), started: '1' })).toBe(false);
    expect(await isSurelyDead({ ...own, boot: '', started: '1' })).toBe(false);
  });
});
