import { readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ownAddresses } from '../../src/operations/doctor/canary.js';
import { proveIsolation } from '../../src/operations/drill/isolation.js';
import type { Spoiling } from '../spoiled-generation.js';
import {
  containersOf,
  imagesVolume,
  newestEvidenceIn,
  newestRecordIn,
  PING,
  publishGeneration,
  recordsIn,
  SPOILINGS,
  stopAt,
  type Told,
  tellingEverybody,
  volumesOf,
  WEBHOOK,
} from './drill-place.js';
import {
  ALL_OUTPUT,
  collect,
  coolifyState,
  LAB,
  lab,
  type Outcome,
  PROGRAM,
  PROJECT,
  type RunOptions,
  type Workplace,
  workplace,
} from './lab.js';
import { readOnlyBucket } from './repository/read-only-bucket.js';
import { secretsIn, secretsOf } from './secret-search.js';

/**
 * Drills on another machine than the one that takes backups: with the repository and the identity, and nothing else. Where the
 * inventory says that the real host is, a listener stands that nobody may reach.
 */
const HOST = 'drill-source.test';
const PORT = 2341;

let place: Workplace;
let drills: Workplace;
let told: Told;
let worker: Server;
let reached = 0;
let allowed: string;
let settings: Readonly<Record<string, unknown>>;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  const repository = `file:${join(place.folder, 'repository')}`;
  records = join(place.folder, 'repository', HOST);
  await place.writeInventory({ coolify_repository: repository });
  const backup = await coolifyState(['backup', ...place.options]);
  expect(backup.status, backup.stderr).toBe(0);

  worker = createServer((socket) => {
    reached++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => worker.listen(0, '::', resolve));
  const key = join(place.folder, 'evidence');
  const made = await collect('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'drills', '-f', key]);
  expect(made.status, made.stderr).toBe(0);
  allowed = join(place.folder, 'allowed_signers');
  await writeFile(allowed, `drills ${await readFile(`${key}.pub`, 'utf8')}`);
  told = await tellingEverybody(place.folder);
  settings = {
    ansible_ssh_private_key_file: '/nowhere/key',
    coolify_known_hosts_file: '/nowhere/known_hosts',
    coolify_repository: repository,
    coolify_drill_image: 'coolify-state-lab/host',
    coolify_drill_volume: await imagesVolume(),
    coolify_drill_max_rto: '15min',
    coolify_drill_max_rpo: '1h',
    coolify_evidence_key_path: key,
    coolify_evidence_signers_path: allowed,
    ...told.settings,
  };
  drills = await workplace(HOST, workerPort(), settings);
});

afterAll(async () => {
  for (const name of await containersOf(HOST)) await collect('docker', ['rm', '-fv', name]);
  for (const name of await volumesOf(HOST)) await collect('docker', ['volume', 'rm', '-f', name]);
  await told?.web.close();
  worker?.close();
  await drills?.remove();
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

/** Where the evidence stands, beside the snapshots. */
let records: string;

const drill = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  coolifyState(['drill', ...args, ...drills.options], options);

let kept: string;
/** All that anybody was told. */
const texts: string[] = [];

it('restores the newest snapshot onto a host that reaches nobody, proves it, and takes the time', async () => {
  const summary = join(drills.folder, 'summary.md');
  const { status, stdout, stderr } = await drill(['--keep', '--summary', summary]);
  expect(status, `${stderr}${stdout}`).toBe(0);
  expect(stdout).toMatch(
    /^drill +passed: [0-9a-f]{8}, recovery [\w ]+ \(15min allowed\), age of the data [\w ]+ \(1h allowed\)$/m,
  );
  kept = /docker exec -it (\S+) bash/.exec(stdout)?.[1] ?? '';
  expect(await containersOf(HOST)).toEqual([kept]);

  const evidence = await newestEvidenceIn(records);
  expect(evidence.outcome).toBe('passed');
  expect(evidence.snapshot.read).toBe(true);
  expect(evidence.target.began).toBe('prepared');
  expect(evidence.isolation.guaranteed).toBe(true);
  const names = [...evidence.proofs.snapshot, ...evidence.proofs.restored].map(({ name }) => name);
  for (const name of ['dump', 'key-files', 'health', 'rows', 'app-key', 'localhost', 'queue', 'host-keys'])
    expect(names).toContain(name);
  expect(await readFile(summary, 'utf8')).toContain(`| ${HOST} | passed | ${evidence.snapshot.id} of `);

  const listed = await coolifyState(['snapshots', '--json', ...drills.options]);
  expect(listed.stdout).toContain('"drill":{"at":');
  expect(listed.stdout).toContain('"passed":true');
});

it('tells who asked of a success: start, hooks, end, with the evidence', async () => {
  const { order, heard } = await told.take();
  expect(order).toEqual([
    `/${PING}/start`,
    'before drill',
    'after drill success 0',
    `/${PING}`,
    `/${WEBHOOK}`,
  ]);
  const news = JSON.parse(heard.find(({ path }) => path === `/${WEBHOOK}`)?.body ?? '');
  const { snapshot, recovery } = await newestEvidenceIn(records);
  expect(news).toMatchObject({ host: HOST, operation: 'drill', succeeded: true, exitStatus: 0 });
  expect(news.report.evidence).toMatchObject({ outcome: 'passed', snapshot: { id: snapshot.id }, recovery });
  texts.push(JSON.stringify(heard));
});

it('keeps queue and scheduler off, and gets nothing out: neither the host nor its Coolify, by address or by name', async () => {
  const env = await inside('cat /data/coolify/source/.env');
  expect(env.stdout).toMatch(/^HORIZON_ENABLED=false$/m);
  expect(env.stdout).toMatch(/^SCHEDULER_ENABLED=false$/m);
  const inCoolify = 'docker exec coolify sh -c';
  const control = await inside(
    `${inCoolify} 'curl -s --max-time 5 telnet://host.docker.internal:22 </dev/null | head -c 4'`,
  );
  expect(control.stdout, control.stderr).toContain('SSH-');
  const places = [...ownAddresses(), 'host.docker.internal', HOST, 'example.com'];
  await Promise.all(
    places.map(async (address) => {
      const url = `http://${address.includes(':') ? `[${address}]` : address}:${workerPort()}/`;
      const host = await inside(`curl -s --max-time 3 ${url}`);
      const coolify = await inside(`${inCoolify} 'curl -s --max-time 3 ${url}'`);
      // 6 no such name, 7 no connection, 28 nothing came: see curl(1).
      expect([6, 7, 28], `${address} from the host`).toContain(host.status);
      expect([6, 7, 28], `${address} from Coolify`).toContain(coolify.status);
    }),
  );
  expect(reached).toBe(0);
});

it('is left in place with --keep until it is removed as the drill said', async () => {
  const removed = await collect('sh', ['-c', `docker rm -fv ${kept} && docker volume rm ${kept}`]);
  expect(removed.status, removed.stderr).toBe(0);
  expect(await volumesOf(HOST)).toEqual([]);
});

it('takes a host with a network for what it is', async () => {
  const proofs = await proveIsolation(`coolify-state-lab-host-${HOST}`, new AbortController().signal);
  const failed = proofs.filter(({ ok }) => !ok).map(({ name }) => name);
  expect(failed).toEqual(expect.arrayContaining(['no-network', 'no-route', 'no-connection']));
});

it('leaves evidence that ssh-keygen verifies, and that nobody can change', async () => {
  const { path, content } = await newestRecordIn(records);
  expect((await byHand(path)).stdout).toContain('Good "evidence@coolify-state" signature for drills');
  const genuine = await coolifyState(['verify', '--evidence', ...drills.options]);
  expect(genuine.status, genuine.stderr).toBe(0);
  expect(genuine.stdout).toMatch(/passed +genuine, signed by drills SHA256:/);

  await writeFile(path, content.replace('"outcome": "passed"', '"outcome": "passee"'));
  expect((await byHand(path)).status).not.toBe(0);
  const changed = await coolifyState(['verify', '--evidence', ...drills.options]);
  expect(changed.status).toBe(4);
  await writeFile(path, content);
});

describe.each<[Spoiling, string, string]>([
  ['dump', 'dump.truncated', 'dump.truncated'],
  ['key archive', 'archive.truncated', 'archive.truncated'],
  ['APP_KEY', 'app-key', 'snapshot.unproven'],
])('a snapshot whose checksums fit and whose %s is spoiled', (spoiling, proof, code) => {
  it('is red: exit 4, the proof named, the evidence stored as failed, and all who asked are told', async () => {
    await told.take();
    const id = await publishGeneration(place, HOST, { kind: 'directory', path: store() }, spoiling);
    const { status, stdout, stderr } = await drill(['--bare', '--from', id]);
    expect(status, `${stderr}${stdout}`).toBe(4);
    expect(`${stderr}${stdout}`).toContain(proof);
    const evidence = await newestEvidenceIn(records);
    expect(evidence).toMatchObject({ outcome: 'failed', snapshot: { id }, failure: { kind: 'proof', code } });
    expect(evidence.isolation).toMatchObject({ guaranteed: true });
    const failed = evidence.proofs.snapshot.filter(({ ok }) => !ok).map(({ name }) => name);
    expect(failed).toContain(proof);
    // Nothing of it was put into an instance.
    expect(evidence.proofs.restored).toEqual([]);
    expect(await containersOf(HOST)).toEqual([]);

    const listed = await coolifyState(['snapshots', '--json', ...drills.options]);
    const { snapshots } = JSON.parse(listed.stdout);
    expect(snapshots.filter((one: { id: string }) => one.id === id)).toMatchObject([
      { drill: { passed: false } },
    ]);
    const genuine = await coolifyState(['verify', HOST, id, '--evidence', ...drills.options]);
    expect(genuine.status, genuine.stderr).toBe(0);
    expect(genuine.stdout).toMatch(/FAILED +genuine, signed by drills/);

    const { order, heard } = await told.take();
    expect(order).toEqual([
      `/${PING}/start`,
      'before drill',
      'after drill failure 4',
      'failure drill failure 4',
      `/${PING}/fail`,
      `/${WEBHOOK}`,
    ]);
    const news = JSON.parse(heard.find(({ path }) => path === `/${WEBHOOK}`)?.body ?? '');
    expect(news).toMatchObject({ operation: 'drill', succeeded: false, exitStatus: 4 });
    expect(news.report.error).toMatchObject({ kind: 'proof', code });
    expect(heard.find(({ path }) => path.endsWith('/fail'))?.body).toContain('failed');
    texts.push(JSON.stringify(heard));
  });
});

it('what a killed drill leaves is removed by the next one, and Ctrl-C leaves nothing, no evidence either', async () => {
  const before = await recordsIn(records);
  await told.take();
  const killed = await drill(['--bare'], { started: stopAt('start the throwaway host: ', 'SIGKILL') });
  expect(killed.status).toBeNull();
  // A start without an end is what services that watch for silence make of a crash.
  expect((await told.take()).order).toEqual([`/${PING}/start`, 'before drill']);
  expect(await containersOf(HOST)).toHaveLength(1);

  const { status, stderr } = await drill(['--bare'], { started: stopAt('fetch the snapshot', 'SIGINT') });
  expect(status, stderr).toBe(130);
  expect(stderr).toMatch(new RegExp(`remove what dead drills left: coolify-state-drill-${HOST}-`));
  expect(await containersOf(HOST)).toEqual([]);
  expect(await volumesOf(HOST)).toEqual([]);
  expect(await recordsIn(records)).toEqual(before);
  const left = await readdir(join(drills.state, '.drills'));
  expect(left.filter((name) => name.startsWith('.work-'))).toEqual([]);
  const { order, heard } = await told.take();
  expect(order).toEqual([
    `/${PING}/start`,
    'before drill',
    'after drill failure 130',
    'failure drill failure 130',
    `/${PING}/fail`,
    `/${WEBHOOK}`,
  ]);
  texts.push(JSON.stringify(heard));
});

it('needs nothing but the identity and the right to read, in CI too: the evidence is kept then, and that is said', async () => {
  await using bucket = await readOnlyBucket();
  const id = await publishGeneration(place, HOST, bucket.owner);
  const before = await bucket.keys();
  const reader = await workplace(HOST, workerPort(), {
    ...settings,
    ...bucket.settings,
    // As in a project that others can read: the keys are secrets of the job.
    coolify_backup_encryption_key_path: '/nowhere/identity',
    coolify_evidence_key_path: '/nowhere/evidence',
  });
  try {
    const folder = join(reader.folder, 'evidence');
    const outcome = await collect(join(PROJECT, 'docs/ci/drill.sh'), ['--bare', ...reader.options], {
      env: {
        COOLIFY_STATE: `${process.execPath} ${PROGRAM}`,
        DRILL_IDENTITY: await readFile(join(LAB, 'backup_ed25519'), 'utf8'),
        DRILL_EVIDENCE_KEY: await readFile(join(place.folder, 'evidence'), 'utf8'),
        DRILL_S3_ACCESS_KEY: bucket.reader.accessKey,
        DRILL_S3_SECRET_KEY: bucket.reader.secretKey,
        DRILL_HOSTS: HOST,
        DRILL_FROM: id,
        DRILL_EVIDENCE: folder,
        GITHUB_STEP_SUMMARY: '',
      },
    });
    expect(outcome.status, `${outcome.stderr}${outcome.stdout}`).toBe(0);
    expect(outcome.stderr).toMatch(/warning .*the evidence could not be stored in s3:.*do not allow this/);
    const { path } = await newestRecordIn(folder);
    expect(outcome.stdout).toContain(`evidence    ${path}\n`);
    expect(outcome.stdout).not.toContain('s3://');
    expect(await newestEvidenceIn(folder)).toMatchObject({ outcome: 'passed', snapshot: { id, read: true } });
    expect(await readFile(join(folder, 'summary.md'), 'utf8')).toContain('| on this machine |');
    const checked = await byHand(path);
    expect(checked.stdout, checked.stderr).toContain('Good "evidence@coolify-state" signature for drills');
    expect(await bucket.keys()).toEqual(before);
    texts.push(JSON.stringify((await told.take()).heard));
  } finally {
    await reader.remove();
  }
});

it('holds nothing secret in what it tells, prints, gives to hooks or leaves as evidence', async () => {
  const left = await Promise.all((await recordsIn(records)).map((path) => readFile(path, 'utf8')));
  const all = [...texts, ...left, ...ALL_OUTPUT, await told.given()];
  expect(secretsIn(all, await secretsOf(HOST))).toEqual([]);
  expect([PING, WEBHOOK].filter((secret) => ALL_OUTPUT.join('\n').includes(secret))).toEqual([]);
  // All of it was looked at.
  expect(left.length).toBeGreaterThanOrEqual(1 + SPOILINGS.length);
  expect(texts.length).toBeGreaterThanOrEqual(3 + SPOILINGS.length);
});

it('never asks the real host for anything', () => {
  expect(reached).toBe(0);
});

/** What docs/drill.md says to do without this program. */
async function byHand(evidence: string): Promise<Outcome> {
  const page = await readFile(join(PROJECT, 'docs/drill.md'), 'utf8');
  const [block = ''] = /^echo "drills [\s\S]*?(?=^sha256sum)/m.exec(page) ?? [];
  expect(block).toContain('ssh-keygen -Y verify');
  return await collect('sh', ['-c', `set -e\n${block}`], { cwd: place.folder, env: { EVIDENCE: evidence } });
}

function workerPort(): number {
  const address = worker.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function inside(script: string): Promise<Outcome> {
  return collect('docker', ['exec', kept, 'sh', '-c', script], { isPrivate: true });
}

function store(): string {
  return join(place.folder, 'repository');
}
