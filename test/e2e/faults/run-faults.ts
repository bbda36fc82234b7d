import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect } from 'vitest';
import { collect, type Outcome, PROGRAM } from '../lab.js';
import { leftoversIn } from '../observations.js';
import type { Fault, Operation } from './fault.js';
import { atTask } from './moments.js';
import type { Stage } from './stage.js';

/** What happens to the run itself: it is killed, another one is at work, its clock is wrong. */

const ALL_OPERATIONS = ['backup', 'verify', 'prune', 'restore', 'drill'] as const;

export const RUN_FAULTS: readonly Fault[] = [
  ...[3, 6, 9, 12, 15, 18, 21, 24, 27].map(
    (count): Fault => ({
      name: `kill -9 before change ${count} of a file`,
      on: ['prune'],
      quick: count === 18 ? ['prune'] : [],
      disturb: (stage, run) => run(killedBefore(stage.disk, count)).outcome,
      expect: ({ status, stdout }) => expect(status, stdout).toBeNull(),
    }),
  ),
  killedAtTask('verify', 'verify '),
  killedAtTask('restore', "restore dump of Coolify's database"),
  killedAtTask('restore', 'start Coolify'),
  killedAtTask('drill', 'start the throwaway host'),
  killedAtTask('drill', 'restore dump'),
  {
    name: 'another run on this machine at the same time',
    on: ALL_OPERATIONS,
    quick: ['backup'],
    disturb: async (_stage, run) => {
      const both = [run(), run()].map(({ outcome }) => outcome);
      return await betterOf(both);
    },
    expect: ({ status, stdout }) => expect(status, stdout).toBe(0),
  },
  {
    name: 'a run on another machine at the same time',
    on: ALL_OPERATIONS,
    quick: ['backup'],
    root: true,
    disturb: async (stage, run) => {
      const outcome = await betterOf([run().outcome, onOtherMachine(stage, ['backup'])]);
      expect(await leftoversIn(otherState(stage))).toEqual([]);
      return outcome;
    },
    // With two repositories each of them may come first in one, and both say so of the other.
    expect: ({ status, stdout }) => expect([0, 5], stdout).toContain(status),
  },
  ...[
    { name: 'a clock that is a year ahead', off: 365 * 86_400 },
    { name: 'a clock that is ten years behind', off: -3650 * 86_400 },
    { name: 'a clock that jumps an hour ahead', off: 3600, at: 1500 },
    { name: 'a clock that jumps a day back', off: -86_400, at: 1500 },
  ].map(
    ({ name, off, at = 0 }): Fault => ({
      name,
      on: ['backup', 'verify', 'prune', 'restore'],
      quick: at === 0 && off < 0 ? ['backup'] : [],
      disturb: (_stage, run) =>
        run({ ...preloaded('clock.mjs'), FAULTS_CLOCK: String(off), FAULTS_CLOCK_AT: String(at) }).outcome,
      expect: ({ status, stdout }) => expect(status, stdout).toBe(0),
    }),
  ),
];

/**
 * The environment that has a run killed right before it makes its so many-th change below a folder; counted are those of a
 * name (`step`), from the first whose path fits `from`.
 */
export function killedBefore(
  root: string,
  count: number,
  { step, from }: { readonly step?: string; readonly from?: RegExp } = {},
): Record<string, string> {
  return {
    ...preloaded('fs-recorder.mjs'),
    FAULTS_ROOT: root,
    FAULTS_KILL: String(count),
    ...(step !== undefined && { FAULTS_STEP: step }),
    ...(from !== undefined && { FAULTS_FROM: from.source }),
  };
}

export function preloaded(file: string): Record<string, string> {
  return { NODE_OPTIONS: `--import=${pathToFileURL(join(import.meta.dirname, file)).href}` };
}

function killedAtTask(operation: Operation, task: string): Fault {
  return {
    name: `kill -9 at "${task.trim()}"`,
    on: [operation],
    disturb: async (_stage, run) => {
      const running = run();
      await atTask(running, task);
      running.process.kill('SIGKILL');
      return await running.outcome;
    },
    expect: ({ status }) => expect(status).toBeNull(),
  };
}

/** Of runs at the same time each works, or is told that others are at work: the one that came furthest. */
async function betterOf(outcomes: readonly Promise<Outcome>[]): Promise<Outcome> {
  const ended = await Promise.all(outcomes);
  for (const { status, stdout, stderr } of ended) expect([0, 5], stdout + stderr).toContain(status);
  const [best] = ended.sort((a, b) => (a.status ?? 99) - (b.status ?? 99));
  if (best === undefined) throw new Error('there was no run');
  return best;
}

function otherState(stage: Stage): string {
  return join(stage.folder, 'other-state');
}

/** With another name and another state folder: what two machines share is the host and the repositories. */
async function onOtherMachine(stage: Stage, args: readonly string[]): Promise<Outcome> {
  await mkdir(otherState(stage), { recursive: true, mode: 0o700 });
  const program = [process.execPath, PROGRAM, ...args, '-i', join(stage.folder, 'inventory.yml')];
  return collect(
    'unshare',
    [
      '--uts',
      'sh',
      '-c',
      'hostname other-machine && exec "$@"',
      'sh',
      ...program,
      '--state-dir',
      otherState(stage),
    ],
    { env: stage.env },
  );
}
