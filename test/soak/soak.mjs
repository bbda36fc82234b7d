// Backups, restores and prunes in random order with random faults, against a Docker test host and Ceph's S3. After each
// the invariant is looked at: the last generation and every listed snapshot verify, the next run works, and nothing is left
// behind. Ends with status 1 when something was lost or leaked, or when a backup at the end needs more than a tenth more
// memory than the tenth one did.
//
//   node test/soak/soak.mjs [--minutes 30] [--seed 1] [--host soak.test] [--port 2391] [--program dist/cli/main.js]
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Faults } from './faults.mjs';
import { Lab, PROJECT } from './lab.mjs';
import { judgedMemory } from './memory.mjs';
import { Randomness } from './randomness.mjs';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    host: { type: 'string', default: 'soak.test' },
    port: { type: 'string', default: '2391' },
    program: { type: 'string', default: join(PROJECT, 'dist/cli/main.js') },
  },
});

// Node's word about the age of itself is not of interest here.
process.removeAllListeners('warning');
const random = new Randomness(Number(values.seed));
const folder = await mkdtemp(join(tmpdir(), 'coolify-state-soak-'));
const lab = new Lab({ host: values.host, port: Number(values.port), program: values.program, folder });
const faults = new Faults(lab, random);
const counts = { steps: 0, faulted: 0, survived: 0, lost: 0, leaked: 0, failed: 0 };
const kinds = new Map();
const peaks = [];
const troubles = [];

function trouble(kind, text) {
  counts[kind] += 1;
  troubles.push(`step ${counts.steps}: ${kind}: ${text}`);
  console.log(`  ${kind.toUpperCase()}: ${text}`);
}

/** A run that nothing disturbs has to be well. */
async function mustWork(args) {
  const outcome = await lab.run(args);
  if (outcome.status !== 0)
    trouble('failed', `${args.join(' ')} ended with ${outcome.status}: ${outcome.tail}`);
  else if (args[0] === 'backup') peaks.push(outcome.peakMiB);
  return outcome;
}

const PRUNE = ['prune', '--keep-last', '4', '--leftovers-older-than', '0h', '--yes'];

const ACTIONS = {
  backup: { weight: 6, args: async () => ['backup'] },
  prune: { weight: 2, args: async () => PRUNE },
  restore: {
    weight: 1,
    args: async () => ['restore', '--yes', '--from', random.pick(['latest', 'local', ...(await lab.ids())])],
    again: true,
  },
};

async function step() {
  counts.steps += 1;
  const name = random.weighted(ACTIONS);
  const { args: argsOf, again } = ACTIONS[name];
  const args = await argsOf();
  await lab.change(counts.steps);
  const fault = random.chance(0.6) ? faults.pick(name) : undefined;
  const title = fault === undefined ? name : `${name} with ${fault.name}`;
  kinds.set(title, (kinds.get(title) ?? 0) + 1);
  const began = Date.now();
  if (fault === undefined) await mustWork(args);
  else {
    counts.faulted += 1;
    const before = counts.lost + counts.leaked + counts.failed;
    const { status } = await lab.run(args, fault.disturb);
    await fault.mend?.();
    console.log(`  ${title}: the disturbed run ended with ${status ?? 'a signal'}`);
    // What was good before is good now, before any other run could mend it.
    await listedIsGood('right after the fault');
    if (again) await mustWork(args);
    await mustWork(['backup']);
    await mustWork(PRUNE);
    if (counts.lost + counts.leaked + counts.failed === before) counts.survived += 1;
  }
  await listedIsGood('at the end');
  await nothingIsLeft();
  console.log(`${counts.steps} ${title}  ${((Date.now() - began) / 1000).toFixed(1)} s`);
}

/** Every listed snapshot, and the newest generation, prove that they can be restored. */
async function listedIsGood(when) {
  for (const args of [
    ['verify', '--all', '--read-data'],
    ['verify', '--from', 'local'],
  ]) {
    const { status, tail } = await lab.run(args);
    if (status !== 0) trouble('lost', `${when}: ${args.join(' ')} ended with ${status}: ${tail}`);
  }
}

async function nothingIsLeft() {
  const left = [
    ...(await lab.stateLeftovers()),
    ...(await readdir(lab.temporary)).map((name) => `temporary file ${name}`),
    ...(await lab.uploads()).map((key) => `upload of ${key}`),
    ...(await lab.remoteProcesses()),
    ...(await lab.spareDatabases()),
  ];
  for (const one of left) trouble('leaked', one);
}

function report(seconds, memory) {
  console.log(`\nseed ${values.seed}, ${seconds.toFixed(0)} s`);
  for (const [title, count] of [...kinds].sort()) console.log(`  ${String(count).padStart(4)}  ${title}`);
  for (const [name, count] of Object.entries(counts)) console.log(`${name.padEnd(9)} ${count}`);
  console.log(memory.text);
  for (const line of troubles) console.log(line);
}

let interrupted = false;
process.once('SIGINT', () => {
  interrupted = true;
});
const begin = Date.now();
try {
  await mkdir(lab.temporary, { recursive: true });
  await lab.up();
  await writeFile(join(folder, 'inventory.yml'), JSON.stringify(lab.inventory()));
  // There has to be something that can be lost.
  await mustWork(['backup']);
  const end = Date.now() + Number(values.minutes) * 60_000;
  while (Date.now() < end && !interrupted) await step();
} finally {
  const memory = judgedMemory(peaks);
  if (!memory.ok) counts.failed += 1;
  report((Date.now() - begin) / 1000, memory);
  await lab.down();
  await rm(folder, { recursive: true, force: true });
}
process.exitCode = counts.lost + counts.leaked + counts.failed === 0 ? 0 : 1;
