// How much memory a backup and a restore of a large controller take, at their highest: a lab host with a database
// whose dump is about 1 GiB goes into a repository and comes back onto a bare host, once through a folder and once
// through S3. Prints a table, writes bench/results.json, and fails when the limit is exceeded.
//   node bench/memory.mjs [MiB]
import { execFile, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseEnv, promisify } from 'node:util';
import { bundleAsPublished, PROGRAM } from './harness/as-published.mjs';
import { keepResults, machine, writeTables } from './harness/report.mjs';

const LIMIT_MIB = 200;
const MEBIBYTES = Number(process.argv[2] ?? 1024);
const HOST = 'bench.test';
const PORT = 2371;
const BUCKET = 'bench';
const PROJECT = join(import.meta.dirname, '..');
const LAB = join(PROJECT, '.lab');
const MIB = 1024 * 1024;

const run = promisify(execFile);
const lab = (script, ...args) => run(join(PROJECT, 'docker', script), args, { cwd: PROJECT });
const say = (text) => process.stderr.write(`${text}\n`);

const folder = await mkdtemp(join(tmpdir(), 'coolify-state-bench-'));
const state = join(folder, 'state');
try {
  const runs = await measureAll();
  const about = { ...machine(), limitMiB: LIMIT_MIB };
  const results = runs.map((run) => ({ name: `${run.what}, ${MEBIBYTES} MiB`, ...run }));
  await writeTables(await keepResults('memory', { about, results }));
  console.log(table(runs));
  const over = runs.filter(({ peakMiB }) => peakMiB > LIMIT_MIB);
  if (over.length > 0) {
    say(`more than ${LIMIT_MIB} MiB: ${over.map(({ what }) => what).join(', ')}`);
    process.exitCode = 1;
  }
} finally {
  await rm(folder, { recursive: true, force: true });
  await lab('host.sh', 'down', HOST);
}

async function measureAll() {
  await bundleAsPublished();
  say(`making a host with ${MEBIBYTES} MiB of logs`);
  await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
  await onHost('USER=root bash /root/install.sh 4.3.11 >/dev/null');
  await onHost(`bash /usr/local/share/coolify-fixture/seed.sh --big-mib ${MEBIBYTES}`);
  await lab('s3.sh', 'up');
  await lab('s3.sh', 'bucket', BUCKET);
  const s3 = parseEnv(await readFile(join(LAB, 's3.env'), 'utf8'));
  const path = `run-${process.pid}`;
  const places = [
    { title: 'folder', env: {}, vars: { coolify_repository: `file:${join(folder, 'repository')}` } },
    {
      title: 'S3',
      env: {
        HETZNER_S3_ACCESS_KEY: s3['HETZNER_S3_ACCESS_KEY'],
        HETZNER_S3_SECRET_KEY: s3['HETZNER_S3_SECRET_KEY'],
      },
      vars: {
        coolify_s3_endpoint: s3['COOLIFY_S3_ENDPOINT'],
        coolify_s3_bucket: BUCKET,
        coolify_s3_path: path,
      },
    },
  ];
  const runs = [];
  try {
    for (const { title, env, vars } of places) {
      const inventory = await writeInventory(vars);
      // Each process has to fetch for itself what it needs.
      await rm(state, { recursive: true, force: true });
      say(`backup to ${title}`);
      const saved = await measure(['backup', '-i', inventory], env);
      const sizes = await sizesOf(saved.summary);
      await rm(state, { recursive: true, force: true });
      await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
      say(`restore from ${title}`);
      const restored = await measure(['restore', '--yes', '-i', inventory], env);
      runs.push(
        figures(`backup to ${title}`, saved, sizes),
        figures(`restore from ${title}`, restored, sizes),
      );
    }
  } finally {
    // Not worth hiding why a run failed.
    await emptyBucket(s3, path).catch((error) =>
      say(`the bucket ${BUCKET} was not emptied: ${error.message}`),
    );
  }
  return runs;
}

/** Runs the program on its own and keeps its highest memory, its steps and its summary. */
async function measure(args, env) {
  const peak = join(folder, 'peak');
  const child = spawn(
    process.execPath,
    [
      ...['--import', join(PROJECT, 'bench/peak-memory.mjs'), PROGRAM],
      ...[...args, '--state-dir', state, '--json'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env, COOLIFY_STATE_BENCH_PEAK: peak } },
  );
  const ended = new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  const began = performance.now();
  const steps = [];
  let summary;
  for await (const line of createInterface({ input: child.stdout })) {
    const event = JSON.parse(line);
    if (event.type === 'task-end' && event.milliseconds >= 500) {
      // Without the place of a repository: a folder of this machine says nothing to others.
      steps.push({
        step: event.task.replace(/ to (file|s3):.*$/, ''),
        seconds: round(event.milliseconds / 1000),
      });
    }
    if (event.type === 'summary') summary = event;
  }
  const status = await ended;
  if (status !== 0) throw new Error(`${args[0]} ended with status ${status}: ${JSON.stringify(summary)}`);
  return {
    summary,
    steps,
    seconds: (performance.now() - began) / 1000,
    peakMiB: Number(await readFile(peak, 'utf8')) / 1024,
  };
}

async function sizesOf(summary) {
  const { size } = await stat(join(state, HOST, 'backups/coolify/coolify_db.dump'));
  return { dump: size, snapshot: summary.hosts[0].snapshots[0].size };
}

function figures(what, { seconds, peakMiB, steps }, { dump, snapshot }) {
  return {
    what,
    dumpMiB: round(dump / MIB),
    snapshotMiB: round(snapshot / MIB),
    seconds: round(seconds),
    megabytesPerSecond: round(dump / 1e6 / seconds),
    peakMiB: round(peakMiB),
    steps,
  };
}

function round(value) {
  return Math.round(value * 10) / 10;
}

function table(runs) {
  const rows = [
    ['', 'dump', 'snapshot', 'time', 'dump per second', 'highest RSS'],
    ...runs.map(({ what, dumpMiB, snapshotMiB, seconds, megabytesPerSecond, peakMiB }) => [
      what,
      `${dumpMiB} MiB`,
      `${snapshotMiB} MiB`,
      `${seconds} s`,
      `${megabytesPerSecond} MB/s`,
      `${peakMiB} MiB of ${LIMIT_MIB}`,
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column])).join('  ')).join('\n');
}

async function onHost(script) {
  await run('docker', ['exec', `coolify-state-lab-host-${HOST}`, 'sh', '-c', script]);
}

async function writeInventory(vars) {
  const path = join(folder, 'inventory.yml');
  const host = {
    ansible_host: '127.0.0.1',
    ansible_port: PORT,
    ansible_user: 'root',
    ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
    coolify_known_hosts_file: join(LAB, 'known_hosts'),
    coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
    ...vars,
  };
  // JSON is YAML.
  await writeFile(path, JSON.stringify({ controller: { hosts: { [HOST]: host } } }));
  return path;
}

/** The lab's S3 lives in memory. */
async function emptyBucket(s3, prefix) {
  process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] = 'true';
  const { S3Client, ListObjectsV2Command, DeleteObjectCommand } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    endpoint: s3['COOLIFY_S3_ENDPOINT'],
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: s3['HETZNER_S3_ACCESS_KEY'] ?? '',
      secretAccessKey: s3['HETZNER_S3_SECRET_KEY'] ?? '',
    },
  });
  const { Contents = [] } = await client.send(
    new ListObjectsV2Command({ Bucket: BUCKET, Prefix: `${prefix}/` }),
  );
  for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ Bucket: BUCKET, Key }));
  client.destroy();
}
