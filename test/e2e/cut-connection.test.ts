import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Cut, type CutLine, cutAt, lineTo, stepsOf } from './cut-line.js';
import { fingerprintOf, type InstanceFingerprint, PRESENTED_KEYS } from './instance-fingerprint.js';
import { collect, coolifyState, lab, onHost, type Workplace } from './lab.js';
import { leftovers, processes } from './restore-remains.js';
import { OTHER_COOLIFY, targetFingerprint } from './restore-targets.js';
import { twoHosts, writeTwoHosts } from './two-hosts.js';

/**
 * The line to the target is cut in the middle of each step in turn: reset, so that both sides know, or frozen, so that what
 * ran on the host goes on or waits for ever. How long the steps take is seen in a run that is left alone. Each test goes on
 * where the one before it ended. Three of these cuts are in `make test`, too: see resume.test.ts.
 */
const HOSTS = { source: 'cut-source.test', sourcePort: 2411, target: 'cut-target.test', targetPort: 2412 };
const { source: SOURCE, target: TARGET, targetPort: TARGET_PORT } = HOSTS;

/** Taken back after a cut at these steps in every run, at all of them in `make test-matrix`. */
const ALL = process.env['COOLIFY_STATE_MATRIX'] === 'all';
const TAKEN_BACK = ["restore dump of Coolify's database", 'start Coolify', "restore root's authorized_keys"];

/** Every step of a restore from the first change on. Of the two that lay down `.env` each kind of host has one. */
const STEPS = [
  'keep a way back',
  'stop the original',
  'note what is under way',
  'restore controller environment',
  'choose the version of PostgreSQL',
  "run Coolify's installer",
  'stop what writes',
  "restore dump of Coolify's database",
  'start Coolify',
  "restore root's authorized_keys",
  'restore saved API token',
  'restore further files asked for',
  "restore archive of Coolify's SSH keys",
  'prove the target',
  'settle .env',
  "switch Coolify's queue and scheduler on",
  "settle Coolify's SSH keys",
  'prove that Coolify works',
  'expect the restored host keys',
  "restore host keys and root's own keys",
  'see which host keys sshd presents',
  'prove the host keys',
  'drop the former database',
  'remove the notes of this restore',
  "prove that Coolify's servers take its keys",
];

/** And of taking one back. */
const STEPS_BACK = [
  'note that the restore is taken back',
  'stop what writes',
  'put the former database back',
  'put the former .env back',
  'start Coolify',
  'put the files back',
  'put the former key files back',
  'remove what else was left',
  'prove the target',
  'drop the databases that the restore made',
  'put the host keys back',
  'remove the notes',
];

let place: Workplace;
let line: CutLine;
let source: InstanceFingerprint;

const run = (...args: string[]) => coolifyState([...args, ...place.options]);
const RESTORE = ['restore', SOURCE, '--to', TARGET, '--yes', '--downgrade'];
const ROLLBACK = ['restore', '--rollback', TARGET, '--yes'];
const hostKeys = () =>
  collect('sh', ['-c', PRESENTED_KEYS, 'sh', String(TARGET_PORT)]).then(({ stdout }) => stdout);

beforeAll(async () => {
  await lab('host.sh', 'up', SOURCE, '--port', String(HOSTS.sourcePort), '--recreate');
  place = await twoHosts(HOSTS);
  source = await fingerprintOf(SOURCE);
  const { status, stderr } = await run('backup', SOURCE);
  expect(status, stderr).toBe(0);
  // The fire: nothing answers at the original's address any more.
  await lab('host.sh', 'down', SOURCE);
});

afterAll(async () => {
  await line?.close();
  await place?.remove();
  await lab('host.sh', 'down', SOURCE);
  await lab('host.sh', 'down', TARGET);
});

async function freshTarget(): Promise<void> {
  await lab('host.sh', 'fresh', TARGET, '--port', String(TARGET_PORT));
  line ??= await lineTo(TARGET_PORT, place);
  await line.mend();
  await line.learn();
  await writeTwoHosts(place, { ...HOSTS, targetVars: line.vars });
}

/** A run that is left alone: it has just these steps. Returns the milliseconds of each. */
async function timesOf(args: readonly string[], steps: readonly string[]): Promise<Map<string, number>> {
  const outcome = await run(...args, '--json');
  expect(outcome.status, outcome.stdout.slice(-2000)).toBe(0);
  const times = stepsOf(outcome);
  const names = [...times.keys()];
  expect(names.slice(names.indexOf(steps[0] ?? ''))).toEqual(steps);
  return times;
}

/** Every third by silence. */
function howOf(index: number): Cut {
  return index % 3 === 2 ? 'freeze' : 'reset';
}

/** In the middle of a step, as long as it took when nobody cut it. */
function cutIn(args: readonly string[], step: string, how: Cut, times: Map<string, number>): Promise<void> {
  return cutAt(line, how, [...args, ...place.options], step, Math.trunc((times.get(step) ?? 0) / 2));
}

/** With the dead lines gone nothing of a restore is left. */
async function expectNothingLeft(): Promise<void> {
  await line.mend();
  expect(await leftovers(TARGET)).toBe('');
  expect(await processes(TARGET)).toBe('');
}

describe('a restore onto a bare host whose connection is cut', () => {
  let times: Map<string, number>;

  beforeAll(async () => {
    await freshTarget();
    times = await timesOf(RESTORE, STEPS);
    await freshTarget();
  }, 900_000);

  it.each(STEPS.map((step, index) => [index, step] as const))(
    'at step %i, %s, is gone on with by the next run',
    async (index, step) => {
      await cutIn(RESTORE, step, howOf(index), times);
    },
  );

  it('is complete after one that is left alone', async () => {
    const { status, stdout, stderr } = await run(...RESTORE);
    expect(status, `${stderr}${stdout}`).toBe(0);
    expect(stdout).not.toContain('FAILED');
    expect(await fingerprintOf(TARGET)).toEqual(source);
    await expectNothingLeft();
  });
});

describe('a restore onto another Coolify, and taking it back', () => {
  let times: Map<string, number>;
  let timesBack: Map<string, number>;
  let former: string;
  let formerKeys: string;

  beforeAll(async () => {
    await freshTarget();
    await onHost(TARGET, OTHER_COOLIFY);
    former = await targetFingerprint(TARGET);
    formerKeys = await hostKeys();
    times = await timesOf(RESTORE, STEPS);
    timesBack = await timesOf(ROLLBACK, STEPS_BACK);
    await expectTakenBack();
  }, 900_000);

  async function expectTakenBack(): Promise<void> {
    expect(await targetFingerprint(TARGET)).toBe(former);
    expect(await hostKeys()).toBe(formerKeys);
    await expectNothingLeft();
  }

  it.each(STEPS.map((step, index) => [index, step] as const))(
    'cut at step %i, %s, is gone on with by the next run',
    async (index, step) => {
      await cutIn(RESTORE, step, howOf(index), times);
    },
  );

  it('is complete after one that is left alone', async () => {
    const { status, stdout, stderr } = await run(...RESTORE);
    expect(status, `${stderr}${stdout}`).toBe(0);
    expect(stdout).not.toContain('FAILED');
    expect((await fingerprintOf(TARGET)).database).toBe(source.database);
    await expectNothingLeft();
  });

  it.each(STEPS_BACK.map((step, index) => [index, step] as const))(
    'taken back and cut at step %i, %s, is gone on with by the next run',
    async (index, step) => {
      await cutIn(ROLLBACK, step, howOf(index), timesBack);
    },
  );

  it('is taken back after one that is left alone', async () => {
    const { status, stdout, stderr } = await run(...ROLLBACK);
    expect(status, `${stderr}${stdout}`).toBe(0);
    await expectTakenBack();
  });

  it.each(STEPS.filter((step) => ALL || TAKEN_BACK.includes(step)))(
    'cut at "%s" is taken back',
    async (step) => {
      await cutIn(RESTORE, step, 'reset', times);
      const { status, stdout, stderr } = await run(...ROLLBACK);
      expect(status, `${stderr}${stdout}`).toBe(0);
      await expectTakenBack();
    },
  );
});
