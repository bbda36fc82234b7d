import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LAB, type Outcome } from '../lab.js';
import { hostOf } from '../observations.js';
import type { Fault, Operation } from './fault.js';
import { expectNothingLeft, expectProven, listedIds } from './invariant.js';
import { IS_ROOT, type Stage } from './stage.js';
import { FAULTS } from './table.js';

/** All of the table, or the part that is quick. */
export const ALL = process.env['COOLIFY_STATE_FAULTS'] === 'all';

const ARGS: Readonly<Record<Operation, readonly string[]>> = {
  backup: ['backup'],
  verify: ['verify', '--all', '--read-data'],
  prune: ['prune', '--keep-last', '1', '--leftovers-older-than', '0h', '--yes'],
  restore: ['restore', '--from', 'latest', '--yes'],
  drill: ['drill'],
};
const TIDY = ['prune', '--keep-last', '2', '--leftovers-older-than', '0h', '--yes'];

/** Plays every fault of the table that can befall an operation, and looks at the invariant after each. */
export function playFaults(operation: Operation, open: () => Promise<Stage>): void {
  const rows = FAULTS.filter(({ on, quick }) => (ALL ? on : quick)?.includes(operation) === true);
  const playable = rows.filter(({ root }) => root !== true || IS_ROOT);
  if (playable.length < rows.length)
    console.warn(`only root can mount small disks: ${rows.length - playable.length} faults are left out`);

  describe(`a ${operation} that is befallen by`, () => {
    let stage: Stage;
    const tally = { injected: 0, survived: 0 };

    beforeAll(async () => {
      stage = await open();
      await mustWork(stage, ['backup']);
      await mustWork(stage, ['backup']);
    });
    afterAll(async () => {
      await stage?.close();
      await tell(operation, tally);
    });

    for (const fault of playable) {
      // Survived at the second try is not survived.
      it(fault.name, { retry: 0 }, () => play(fault));
    }

    async function play(fault: Fault): Promise<void> {
      if (operation === 'restore') await stage.onHost(OTHER_DATA);
      const before = await listedIds(stage);
      tally.injected += 1;
      const outcome = await fault
        .disturb(stage, (env) => stage.begin(ARGS[operation], env))
        // A restore that broke off has stopped Coolify, and leaves it to the next one.
        .finally(() => stage.mend(operation === 'restore' ? 'may stand still' : 'runs'));
      expectOurs(fault, outcome);
      await expectKept(stage, operation, before);
      await expectProven(stage);
      await mustWork(stage, ARGS[operation]);
      if (operation !== 'backup') await mustWork(stage, ['backup']);
      await mustWork(stage, TIDY);
      await expectNothingLeft(stage);
      tally.survived += 1;
    }
  });
}

/** A run that nothing disturbs. */
async function mustWork(stage: Stage, args: readonly string[]): Promise<void> {
  const { status, stdout, stderr } = await stage.run(args);
  expect(status, `${args.join(' ')}: ${stdout.slice(-3000)}${stderr.slice(-3000)}`).toBe(0);
}

/** It ended well, was killed, or says why it did not in words of ours. */
function expectOurs(fault: Fault, outcome: Outcome): void {
  const { status, stdout, stderr } = outcome;
  fault.expect?.(outcome);
  if (status === null || status === 0) return;
  expect([1, 3, 4, 5, 130], `${stdout.slice(-2000)}${stderr.slice(-2000)}`).toContain(status);
  const { error } = hostOf(outcome);
  expect(error?.code, stdout.slice(-3000)).toMatch(/^[a-z-]+(\.[a-z0-9-]+)?$/);
  expect(error?.code, stdout.slice(-3000)).not.toBe('unexpected');
}

/** No snapshot is gone that the operation was not to remove. */
async function expectKept(stage: Stage, operation: Operation, before: readonly string[]): Promise<void> {
  const after = await listedIds(stage);
  const lost = before.filter((id) => !after.includes(id));
  if (operation !== 'prune') expect(lost).toEqual([]);
  // One in each of the two repositories.
  else expect(after.length).toBeGreaterThanOrEqual(2);
}

async function tell(operation: Operation, { injected, survived }: Tally): Promise<void> {
  console.log(`faults of a ${operation}: ${injected} injected, ${survived} survived`);
  await keepTally(operation, { injected, survived });
}

export interface Tally {
  readonly injected: number;
  readonly survived: number;
}

/** For the sum at the end of `make test-faults`. */
export async function keepTally(name: string, tally: Tally): Promise<void> {
  const folder = join(LAB, 'faults');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.json`), JSON.stringify(tally));
}

/** What a restore has to put back. */
const OTHER_DATA = `docker exec coolify-db psql -qX -U coolify -d coolify -c "UPDATE private_keys SET description = 'changed since' WHERE id = (SELECT min(id) FROM private_keys)"`;
