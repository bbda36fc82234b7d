import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { Fault, Operation } from './fault.js';
import type { Stage } from './stage.js';

const run = promisify(execFile);
const KiB = 1024;
const MiB = 1024 * KiB;

/** The disk of this machine, with state and repository on it, is full, becomes full, cannot be written to. */
export const DISK_FAULTS: readonly Fault[] = [
  diskFault(
    'a disk here that is full',
    ['backup', 'verify', 'prune', 'restore'],
    (stage) => space(stage, 16 * KiB),
    ['prune'],
  ),
  diskFault(
    'a disk here that becomes full during the pull',
    ['backup'],
    (stage) => space(stage, 3 * MiB),
    ['backup'],
    [1],
  ),
  diskFault('a disk here that becomes full while the snapshot is stored', ['backup'], (stage) =>
    space(stage, 9 * MiB),
  ),
  diskFault('a disk here that becomes full while the snapshot is fetched', ['restore'], (stage) =>
    space(stage, 2 * MiB),
  ),
  diskFault(
    'a disk here that is read-only',
    ['backup', 'verify', 'prune', 'restore'],
    (stage) => stage.remountDisk('ro'),
    ['verify'],
  ),
  diskFault(
    'a disk here that has no more room for names',
    ['backup', 'verify', 'prune', 'restore'],
    async (stage) => stage.remountDisk(`nr_inodes=${(await df(stage, 'iused')) + 12}`),
    ['backup'],
  ),
];

function diskFault(
  name: string,
  on: readonly Operation[],
  strike: (stage: Stage) => Promise<void>,
  quick: readonly Operation[] = [],
  statuses?: readonly number[],
): Fault {
  return {
    name,
    on,
    quick,
    root: true,
    disturb: async (stage, begin) => {
      await strike(stage);
      return await begin().outcome;
    },
    expect: ({ status, stdout }) => {
      if (statuses !== undefined) expect(statuses, stdout).toContain(status);
    },
  };
}

/** So much more can be written, and no more. */
async function space(stage: Stage, bytes: number): Promise<void> {
  await stage.remountDisk(`size=${Math.ceil(((await df(stage, 'used')) * KiB + bytes) / 4096) * 4096}`);
}

async function df(stage: Stage, what: 'used' | 'iused'): Promise<number> {
  const { stdout } = await run('df', ['-k', `--output=${what}`, stage.disk]);
  return Number(stdout.trim().split('\n').at(-1));
}
