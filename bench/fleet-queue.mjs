// The queue of a fleet next to the plain command: simulated hosts on loopback, backed up by `backup --forks 50`, and by three
// workers from a Redis of its own. Prints figures as JSON and a table; writes nothing.
//   node bench/fleet-queue.mjs [--hosts 1000] [--forks 50] [--workers 3] [--dump small] [--keep]
// With --dump small the host that is recorded has no log of activities, which is most of a dump: what is left of a backup is
// what it costs whatever its size.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { BUILD, bundleAsPublished, PROGRAM } from './harness/as-published.mjs';
import { BACKUP_KEY, CLIENT_KEY, lab, onHost } from './harness/lab.mjs';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '1000' },
    forks: { type: 'string', default: '50' },
    workers: { type: 'string', default: '3' },
    dump: { type: 'string', default: 'whole' },
    keep: { type: 'boolean', default: false },
  },
});
const [hostCount, forks, workerCount] = [values.hosts, values.forks, values.workers].map(Number);
const say = (text) => process.stderr.write(`${text}\n`);
const folder = await mkdtemp(join(tmpdir(), 'coolify-state-fleet-bench-'));
const children = new Set();
const REAL = { name: 'fleet-bench.test', port: 2585 };
const EMPTY_LOG = 'docker exec coolify-db psql -q -U coolify -d coolify -c "truncate activity_log"';
try {
  await bundleAsPublished();
  await lab('host.sh', 'up', REAL.name, '--port', String(REAL.port), '--recreate');
  if (values.dump === 'small') await onHost(REAL.name, EMPTY_LOG);
  const hosts = await simulatedHosts();
  await inventory('first.yml', hosts, hosts.ports.slice(0, 1));
  await inventory('all.yml', hosts, hosts.ports);
  say('the first backup is of the real host, and is recorded');
  await ended(program(['backup', ...options('first.yml', 'first')], 'first'));
  await hosts.replay();
  const redis = await startRedis();
  const env = { COOLIFY_STATE_REDIS_URL: redis };
  const fleet = await measured('fleet', (costs) => worked(env, costs));
  const empty = await emptyJobs(redis);
  say(`an empty job costs ${(empty.cpuSecondsOfJob * 1000).toFixed(2)} ms of processor`);
  const plain = await measured('plain', async (costs) => {
    await ended(program(['backup', '--forks', String(forks), ...options('all.yml', 'plain')], costs));
  });
  const about = { hosts: hostCount, forks, workers: workerCount, dump: values.dump };
  console.log(JSON.stringify({ about, plain, fleet, empty }, null, 2));
  const overhead = empty.cpuSecondsOfJob / (plain.cpuSeconds / hostCount);
  say(`which is ${(overhead * 100).toFixed(1)} % of a backup`);
} finally {
  for (const child of children) child.kill('SIGKILL');
  if (!values.keep) await lab('host.sh', 'down', REAL.name);
  if (values.keep) say(`kept: ${folder}`);
  else await rm(folder, { recursive: true, force: true });
}

function figures({ seconds, cpuSeconds, peakMiB, snapshots, load }) {
  const rate = (snapshots / seconds).toFixed(2);
  const peaks = peakMiB.map((mebibytes) => mebibytes.toFixed(0)).join(', ');
  return `${snapshots} snapshots in ${seconds.toFixed(0)} s (${rate} a second), processor ${cpuSeconds.toFixed(0)} s, memory of each process ${peaks} MiB, load of the machine ${load.toFixed(1)}`;
}

async function simulatedHosts() {
  const script = join(import.meta.dirname, 'harness/simulated-hosts.mjs');
  const child = start([script, String(hostCount), String(REAL.port), CLIENT_KEY], {}, [
    'pipe',
    'pipe',
    'inherit',
  ]);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => JSON.parse((await lines.next()).value);
  const { ports, fingerprint } = await next();
  return {
    ports,
    fingerprint,
    replay: async () => {
      child.stdin.write('replay\n');
      const { commands } = await next();
      say(`${commands} commands were recorded; ${ports.length} hosts say them again`);
    },
  };
}

async function inventory(file, { fingerprint }, ports) {
  const hosts = ports.map((hostPort, index) => [
    `sim${String(index).padStart(4, '0')}`,
    { ansible_port: hostPort, coolify_fleet_group: `site-${index % 10}` },
  ]);
  const vars = {
    ansible_host: '127.0.0.1',
    ansible_user: 'root',
    ansible_ssh_private_key_file: CLIENT_KEY,
    coolify_host_key_fingerprints: fingerprint,
    coolify_backup_encryption_key_path: BACKUP_KEY,
    coolify_fleet_group_limit: 20,
  };
  // JSON is YAML.
  const text = JSON.stringify({ all: { vars }, controller: { hosts: Object.fromEntries(hosts) } });
  await writeFile(join(folder, file), text);
}

/** Each run has a state folder and a repository of its own. */
function options(file, run) {
  return ['-i', join(folder, file), '--state-dir', join(folder, run, 'state')];
}

function program(args, run, env = {}) {
  const costs = join(import.meta.dirname, 'harness/costs.mjs');
  return start(['--import', costs, PROGRAM, ...args], {
    COOLIFY_STATE_REPOSITORY: `file:${join(folder, run, 'repository')}`,
    COOLIFY_STATE_BENCH_COSTS: join(folder, run, 'costs'),
    ...env,
  });
}

async function worked(env, run) {
  const worker = [
    ...['fleet', 'worker', '--drills', '0'],
    ...['--concurrency', String(Math.ceil(forks / workerCount))],
  ];
  const workers = Array.from({ length: workerCount }, (_one, index) =>
    program([...worker, ...options('all.yml', join(run, String(index)))], run, {
      ...env,
      COOLIFY_STATE_REPOSITORY: `file:${join(folder, run, 'repository')}`,
    }),
  );
  await ended(program(['fleet', 'enqueue', 'backup', ...options('all.yml', run)], 'enqueued', env));
  while ((await snapshots(run)) < hostCount) await sleep(500);
  for (const one of workers) one.kill('SIGTERM');
  await Promise.all(workers.map(ended));
}

async function measured(run, work) {
  await mkdir(join(folder, run, 'costs'), { recursive: true });
  await mkdir(join(folder, 'enqueued/costs'), { recursive: true });
  say(`${run}: ${hostCount} hosts`);
  const began = performance.now();
  await work(run);
  const seconds = (performance.now() - began) / 1000;
  const costs = await Promise.all(
    (await readdir(join(folder, run, 'costs'))).map(async (file) =>
      JSON.parse(await readFile(join(folder, run, 'costs', file), 'utf8')),
    ),
  );
  const result = {
    seconds,
    cpuSeconds: costs.reduce((sum, one) => sum + one.cpuSeconds, 0),
    peakMiB: costs.map(({ peakMiB }) => peakMiB),
    snapshots: await snapshots(run),
    load: loadavg()[0],
  };
  say(`${run}: ${figures(result)}`);
  return result;
}

async function snapshots(run) {
  const names = await readdir(join(folder, run, 'repository'), { recursive: true }).catch(() => []);
  return names.filter((file) => file.endsWith('.age.json')).length;
}

/** What the queue itself costs: as many jobs with nothing to do, in this process. */
async function emptyJobs(url) {
  const [{ Fleet }, { enqueue }, { FleetWorker }, { loadHosts }, { newRound }] = await Promise.all([
    import(join(BUILD, 'fleet/fleet.js')),
    import(join(BUILD, 'fleet/enqueue.js')),
    import(join(BUILD, 'fleet/worker/worker.js')),
    import(join(BUILD, 'operations/hosts/load-hosts.js')),
    import(join(BUILD, 'operations/backup/round.js')),
  ]);
  process.env['COOLIFY_STATE_REPOSITORY'] = `file:${folder}/nowhere`;
  const selection = { sources: [join(folder, 'all.yml')], pattern: 'controller', limit: undefined };
  const hosts = await loadHosts({ ...selection, offline: true, warn: say });
  const fleet = await Fleet.open({
    redis: { url, caFile: undefined, env: {} },
    name: 'empty',
    patient: true,
  });
  const before = process.cpuUsage();
  const began = performance.now();
  await enqueue(fleet, hosts, { operation: 'backup', round: newRound(), readData: undefined });
  const drain = new AbortController();
  let done = 0;
  const worker = new FleetWorker({
    fleet,
    concurrency: Math.ceil(forks / workerCount),
    identityJobs: 0,
    room: { memory: undefined, load: undefined },
    stalledAfter: 60_000,
    perform: ({ host }) => {
      const recap = { ok: 1, changed: 0, skipped: 0, failed: 0, unreachable: 0 };
      return Promise.resolve({
        outcome: 'done',
        report: { host, recap, tasks: [], milliseconds: 0 },
        snapshots: [],
      });
    },
    emit: () => undefined,
    told: ({ type }) => {
      if (type === 'job-end' && ++done === hosts.length) drain.abort();
    },
    drain: drain.signal,
    signal: new AbortController().signal,
  });
  await worker.run();
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(before);
  await fleet.close();
  return { seconds, cpuSecondsOfJob: (user + system) / 1e6 / hosts.length };
}

async function startRedis() {
  const free = createServer().listen(0, '127.0.0.1');
  await once(free, 'listening');
  const freePort = free.address().port;
  free.close();
  await once(free, 'close');
  const args = ['--port', String(freePort), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.add(child);
  for await (const chunk of child.stdout) if (String(chunk).includes('Ready to accept')) break;
  return `redis://127.0.0.1:${freePort}`;
}

function start(args, env, stdio = ['ignore', 'ignore', 'pipe']) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, COOLIFY_STATE_CACHE_PATH: join(folder, 'cache'), ...env },
    cwd: folder,
    stdio,
  });
  children.add(child);
  child.said = '';
  child.stderr?.on('data', (chunk) => {
    child.said = `${child.said}${chunk}`.slice(-4000);
  });
  child.gone = once(child, 'close');
  return child;
}

async function ended(child) {
  const [status] = await child.gone;
  children.delete(child);
  if (status !== 0) throw new Error(`status ${status}\n${child.said}`);
}
