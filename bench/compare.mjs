// Measured comparisons: whole processes, ours and the peer in turn. Writes bench/results.json and the tables in
// docs/performance.md.
//   node bench/compare.mjs [--quick] [--only NAME,...] [--pairs N] [--list]
// Sizes: BENCH_MIB (512) for what is moved, BENCH_HOSTS (16) for the fleet. --quick takes 16 MiB, one pair and two hosts,
// and writes nothing. NAME may be the beginning of one.
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { archiveCases } from './cases/archive.mjs';
import { fleetCases } from './cases/fleet.mjs';
import { slowLinkCases } from './cases/slow-link.mjs';
import { startUpCases } from './cases/start-up.mjs';
import { transferCases } from './cases/transfer.mjs';
import { wholeCases } from './cases/whole.mjs';
import { bundleAsPublished, driver } from './harness/as-published.mjs';
import { makeData } from './harness/data.mjs';
import { BUCKET, emptyPath, HOSTS, hostsDown, hostsUp, s3Up, writeInventory } from './harness/lab.mjs';
import { measurePairs } from './harness/pairs.mjs';
import { requirePrograms } from './harness/programs.mjs';
import { keepResults, machine, verdict, writeTables } from './harness/report.mjs';

const { values: options } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    pairs: { type: 'string' },
    list: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
  },
});
const { quick } = options;
const mebibytes = Number(process.env['BENCH_MIB'] ?? (quick ? 16 : 512));
const hostCount = Number(process.env['BENCH_HOSTS'] ?? (quick ? 2 : 16));
const pairs = Number(options.pairs ?? (quick ? 1 : 5));
const say = (text) => process.stderr.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), 'coolify-state-bench-'));
const path = `run-${process.pid}`;
let s3;
try {
  const versions = await requirePrograms();
  s3 = await s3Up();
  const cases = chosen(await allCases(s3));
  if (options.list)
    for (const { name, title, against = '' } of cases) console.log(`${name}\t${title}\t${against}`);
  else await measureAll(cases, versions);
} finally {
  await rm(folder, { recursive: true, force: true });
  if (s3 !== undefined && !options.list) {
    // Not worth hiding why a run failed.
    await emptyPath(s3, path).catch((error) => say(`the bucket ${BUCKET} was not emptied: ${error.message}`));
    if (!options.keep) await hostsDown(HOSTS.slice(0, hostCount).map(({ name }) => name));
  }
}

async function measureAll(cases, versions) {
  for (const one of cases) {
    const { name, title, against, target, limitSeconds } = one;
    say(`${name}: ${title}${against === undefined ? '' : ` against ${against}`}`);
    await one.prepare?.();
    const figures = await measurePairs(one, { pairs, folder, say }).finally(() => one.restore?.());
    const result = { name, title, against, target, limitSeconds, mebibytes: one.mebibytes, ...figures };
    say(`  ${verdict(result)}`);
    if (quick) continue;
    // After each: a run of all takes an hour, and one that breaks off has measured something.
    const about = { ...machine(), load: loadavg()[1], pairs, versions };
    await writeTables(await keepResults('comparisons', { about, results: [result] }));
  }
}

/** The cases that were asked for, and before each those whose leavings it needs. */
function chosen(cases) {
  if (options.only === undefined) return cases;
  const wanted = new Set();
  const want = (name) => {
    wanted.add(name);
    const { needs } = cases.find((one) => one.name === name);
    if (needs !== undefined) want(needs);
  };
  for (const beginning of options.only.split(',')) {
    const found = cases.filter(({ name }) => name.startsWith(beginning));
    if (found.length === 0) throw new Error(`there is no case ${beginning}; --list tells which there are`);
    for (const { name } of found) want(name);
  }
  return cases.filter(({ name }) => wanted.has(name));
}

async function allCases(access) {
  const inventory = {
    plain: await writeInventory(join(folder, 'plain.yml'), HOSTS.slice(0, 1), { coolify_s3_enabled: false }),
    s3: await writeInventory(join(folder, 's3.yml'), HOSTS.slice(0, 1), {
      ...access.vars,
      coolify_s3_path: path,
    }),
  };
  const fleets = [];
  for (let hosts = 1; hosts <= hostCount; hosts *= 2) {
    const vars = { ...access.vars, coolify_s3_path: path };
    fleets.push({
      hosts,
      inventory: await writeInventory(join(folder, `fleet-${hosts}.yml`), HOSTS.slice(0, hosts), vars),
    });
  }
  let files = {};
  if (!options.list) {
    await bundleAsPublished();
    say(`making a host, and ${mebibytes} MiB of each kind of data`);
    await hostsUp(1);
    files = await makeData(HOSTS[0].name, mebibytes, folder, 'text');
  }
  const shared = {
    mebibytes,
    folder,
    inventory,
    fleets,
    files,
    s3: access,
    path,
    driver,
    restic: resticOf(access),
  };
  return [
    ...transferCases(shared),
    ...archiveCases(shared),
    ...wholeCases(shared),
    ...fleetCases(shared),
    ...startUpCases(shared),
    ...slowLinkCases(shared),
  ];
}

function resticOf(access) {
  const repository = (index) => `s3:${access.endpoint}/${BUCKET}/${path}/restic-${index}`;
  const run = async (command, index) => {
    const env = { ...process.env, ...access.env, RESTIC_CACHE_DIR: join(folder, `restic-cache-${index}`) };
    await promisify(execFile)('restic', ['-r', repository(index), '-q', command], { env });
  };
  return Object.assign(run, { repository });
}
