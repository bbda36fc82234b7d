import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { coolifyState } from '../lab.js';
import { expectRecovered, goodBefore, type KnownGood } from './after-crash.js';
import { RecordedRun, type Remains } from './crashes.js';
import { expectNothingLeft, expectProven, listedIds } from './invariant.js';
import { ALL, keepTally } from './matrix.js';
import { killedBefore, preloaded } from './run-faults.js';
import { Stage } from './stage.js';

/**
 * A backup that is killed, or loses power, at every step of what it writes. Every change of a file in one real run is recorded, with
 * what was synced; from that the disk is put together as it may be after each change, and our own code has to find its way. Some
 * of the crashes are real: the run is killed right before a change, and the program itself goes on.
 */
const HOST = 'faults-commit.test';
/** The draft of a manifest, in a generation that is being made. */
const MANIFEST = /\/staging-[0-9a-f]+\/\.[0-9a-f]+\.tmp$/;
const tally = { injected: 0, survived: 0 };
let stage: Stage;
let first: RecordedRun;
let recorded: RecordedRun;
let good: KnownGood;

beforeAll(async () => {
  stage = await Stage.open(HOST, 2455);
  first = await recordedBackup('first');
  await mustWork(['backup']);
  good = await goodBefore(stage.disk, HOST);
  recorded = await recordedBackup('later');
});

async function recordedBackup(name: string): Promise<RecordedRun> {
  const copy = join(stage.folder, name);
  await cp(stage.disk, copy, { recursive: true });
  const log = join(stage.folder, `${name}.changes`);
  const env = { ...preloaded('fs-recorder.mjs'), FAULTS_ROOT: stage.disk, FAULTS_LOG: log };
  const { status, stderr } = await stage.begin(['backup'], env).outcome;
  expect(status, stderr).toBe(0);
  return await RecordedRun.read(log, stage.disk, copy);
}

afterAll(async () => {
  await stage?.close();
  console.log(`crashes of a commit: ${tally.injected} injected, ${tally.survived} survived`);
  await keepTally('commit', tally);
});

it('the whole run was recorded: its changes make the disk that it left', { retry: 0 }, async () => {
  const { changes } = recorded;
  const again = join(stage.folder, 'again');
  await recorded.killed(changes.length).writeTo(again);
  expect(await goodBefore(again, HOST)).toEqual(await goodBefore(stage.disk, HOST));
  await rm(again, { recursive: true });
});

it('what the very first run said it had stored is there after a power cut, in folders that were new', {
  retry: 0,
}, async () => {
  for (const remains of first.powerless(first.changes.length, { each: true }))
    await play(remains, { generations: [], snapshots: [] }, true);
});

it('whatever is left of a run that was killed or lost power, after each of its changes, is found the way out of', {
  retry: 0,
  // Some thousand disks are put together, and looked at.
  ...(ALL && { timeout: 7_200_000 }),
}, async () => {
  const seen = new Set<string>();
  const finished = recorded.changes.length;
  for (let count = 1; count <= finished; count++) {
    // Files that are pulled one after the other are all alike.
    if (count < firstOfCommit() && count % (ALL ? 10 : 200) !== 0) continue;
    for (const remains of [recorded.killed(count), ...recorded.powerless(count, { each: ALL })]) {
      if (seen.has(remains.signature)) continue;
      seen.add(remains.signature);
      await play(remains, good, count === finished);
    }
  }
  expect(tally.injected).toBeGreaterThan(50);
  expect(tally.survived).toBe(tally.injected);
});

it('a run that is really killed before one of its changes leaves what the next one goes on from', {
  retry: 0,
}, async () => {
  const steps = stepsOfCommit();
  const rename = steps.findIndex(
    ({ number }) => number === recorded.changes[commitRename() - 1]?.step.number,
  );
  expect(rename).toBeGreaterThan(0);
  for (const step of ALL ? steps : [steps[rename], steps.at(-1)]) {
    if (step === undefined) throw new Error('no such step');
    const before = await listedIds(stage);
    tally.injected += 1;
    await killBefore(step);
    const after = await listedIds(stage);
    expect(before.filter((id) => !after.includes(id))).toEqual([]);
    await expectProven(stage);
    await mustWork(['backup']);
    await mustWork(['prune', '--keep-last', '2', '--leftovers-older-than', '0h', '--yes']);
    await expectNothingLeft(stage);
    tally.survived += 1;
  }
});

it('the program itself goes on from what a power cut leaves', { retry: 0 }, async () => {
  const at = commitRename();
  for (const remains of [at, at - 1]
    .flatMap((count) => recorded.powerless(count, { each: ALL }))
    .slice(0, ALL ? 50 : 2)) {
    await rm(join(stage.disk, 'state'), { recursive: true });
    await rm(join(stage.disk, 'repository'), { recursive: true });
    tally.injected += 1;
    await remains.writeTo(stage.disk);
    await expectProven(stage);
    await mustWork(['backup']);
    await mustWork(['prune', '--keep-last', '2', '--leftovers-older-than', '0h', '--yes']);
    await expectNothingLeft(stage);
    tally.survived += 1;
  }
});

async function killBefore({ name, count }: Step): Promise<void> {
  const kill = killedBefore(stage.disk, count, { step: name, from: MANIFEST });
  const { status, stdout, stderr } = await stage.begin(['backup'], kill).outcome;
  expect(status, `before "${name}" (${count}): ${stdout}${stderr}`).toBeNull();
}

/** A change of the commit, or of what follows it: the so many-th of its name. */
interface Step {
  readonly number: number;
  readonly name: string;
  readonly count: number;
}

/**
 * All changes from the manifest on but the writes: in how many pieces the network and the disk have a file written differs from
 * run to run, so that a count of changes would end somewhere else, or never.
 */
function stepsOfCommit(): Step[] {
  const seen = new Map<string, number>();
  const steps = new Map<number, Step>();
  for (const { op, step } of recorded.changes.slice(firstOfCommit() - 1)) {
    if (op === 'write' || steps.has(step.number)) continue;
    const count = (seen.get(step.name) ?? 0) + 1;
    seen.set(step.name, count);
    steps.set(step.number, { ...step, count });
  }
  return [...steps.values()];
}

async function play(remains: Remains, before: KnownGood, isFinished: boolean): Promise<void> {
  const folder = join(stage.folder, 'crashed');
  tally.injected += 1;
  try {
    await mkdir(folder, { mode: 0o700 });
    await remains.writeTo(folder);
    await expectRecovered(folder, HOST, before, { isFinished });
    tally.survived += 1;
  } catch (error) {
    throw new Error(remains.title, { cause: error });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The first change of the commit: the manifest begins. */
function firstOfCommit(): number {
  const at = recorded.changes.findIndex((change) => change.op === 'create' && MANIFEST.test(change.path));
  expect(at).toBeGreaterThan(0);
  return at + 1;
}

/** The change by which the new generation gets its place. */
function commitRename(): number {
  const at = recorded.changes.findIndex(
    (change) => change.op === 'rename' && change.to === join(stage.state, HOST),
  );
  expect(at).toBeGreaterThan(0);
  return at + 1;
}

async function mustWork(args: readonly string[]): Promise<void> {
  const { status, stdout, stderr } = await coolifyState([...args, ...stage.options, '--json'], {
    env: stage.env,
  });
  expect(status, `${args.join(' ')}: ${stdout.slice(-3000)}${stderr.slice(-3000)}`).toBe(0);
}
