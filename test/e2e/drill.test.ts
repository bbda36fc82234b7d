import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { recipientsFromFile } from '../../src/archive/recipients.js';
import { instanceOf } from '../../src/coolify/instance.js';
import { uploadGeneration } from '../../src/operations/backup/upload.js';
import { ownAddresses } from '../../src/operations/doctor/canary.js';
import { type Evidence, parseEvidence } from '../../src/operations/drill/evidence.js';
import { proveIsolation } from '../../src/operations/drill/isolation.js';
import { parseManifest } from '../../src/state/manifest.js';
import { spoil } from '../spoiled-generation.js';
import {
  collect,
  coolifyState,
  LAB,
  lab,
  type Outcome,
  type RunOptions,
  type Workplace,
  workplace,
} from './lab.js';

/**
 * Drills on another machine than the one that takes backups: with the repository and the identity, and nothing else. Where the
 * inventory says that the real host is, a listener stands that nobody may reach.
 */
const HOST = 'drill-source.test';
const PORT = 2341;

let place: Workplace;
let drills: Workplace;
let worker: Server;
let reached = 0;
let allowed: string;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  const repository = `file:${join(place.folder, 'repository')}`;
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
  drills = await workplace(HOST, workerPort(), {
    ansible_ssh_private_key_file: '/nowhere/key',
    coolify_known_hosts_file: '/nowhere/known_hosts',
    coolify_repository: repository,
    coolify_drill_image: 'coolify-state-lab/host',
    coolify_drill_volume: await imagesVolume(),
    coolify_drill_max_rto: '15min',
    coolify_drill_max_rpo: '1h',
    coolify_evidence_key_path: key,
    coolify_evidence_signers_path: allowed,
  });
});

afterAll(async () => {
  for (const name of await containers()) await collect('docker', ['rm', '-fv', name]);
  for (const name of await volumes()) await collect('docker', ['volume', 'rm', '-f', name]);
  worker?.close();
  await drills?.remove();
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

const drill = (args: readonly string[], options: RunOptions = {}): Promise<Outcome> =>
  coolifyState(['drill', ...args, ...drills.options], options);

let kept: string;

it('restores the newest snapshot onto a host that reaches nobody, proves it, and takes the time', async () => {
  const summary = join(drills.folder, 'summary.md');
  const { status, stdout, stderr } = await drill(['--keep', '--summary', summary]);
  expect(status, `${stderr}${stdout}`).toBe(0);
  expect(stdout).toMatch(
    /^drill +passed: [0-9a-f]{8}, recovery [\w ]+ \(15min allowed\), age of the data [\w ]+ \(1h allowed\)$/m,
  );
  kept = /docker exec -it (\S+) bash/.exec(stdout)?.[1] ?? '';
  expect(await containers()).toEqual([kept]);

  const evidence = await newestEvidence();
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
  expect(await volumes()).toEqual([]);
});

it('takes a host with a network for what it is', async () => {
  const proofs = await proveIsolation(`coolify-state-lab-host-${HOST}`, new AbortController().signal);
  const failed = proofs.filter(({ ok }) => !ok).map(({ name }) => name);
  expect(failed).toEqual(expect.arrayContaining(['no-network', 'no-route', 'no-connection']));
});

it('leaves evidence that ssh-keygen verifies, and that nobody can change', async () => {
  const { path, content } = await newestRecord();
  const check = (file: string) =>
    collect('sh', [
      '-c',
      'exec ssh-keygen -Y verify -f "$1" -I drills -n evidence@coolify-state -s "$2.sig" < "$3"',
      ...['sh', allowed, path, file],
    ]);
  expect((await check(path)).stdout).toContain('Good "evidence@coolify-state" signature for drills');
  const genuine = await coolifyState(['verify', '--evidence', ...drills.options]);
  expect(genuine.status, genuine.stderr).toBe(0);
  expect(genuine.stdout).toMatch(/passed +genuine, signed by drills SHA256:/);

  await writeFile(path, content.replace('"outcome": "passed"', '"outcome": "passee"'));
  expect((await check(path)).status).not.toBe(0);
  const changed = await coolifyState(['verify', '--evidence', ...drills.options]);
  expect(changed.status).toBe(4);
  await writeFile(path, content);
});

it('a snapshot with another APP_KEY is red: exit 4, the proof named, the evidence stored as failed', async () => {
  const id = await publishSpoiled();
  const { status, stdout, stderr } = await drill(['--bare', '--from', id]);
  expect(status, `${stderr}${stdout}`).toBe(4);
  expect(stdout).toMatch(/^FAILED +app-key /m);
  const evidence = await newestEvidence();
  expect(evidence).toMatchObject({
    outcome: 'failed',
    snapshot: { id },
    failure: { code: 'snapshot.unproven' },
  });
  expect(evidence.proofs.snapshot).toContainEqual(expect.objectContaining({ name: 'app-key', ok: false }));
  expect(await containers()).toEqual([]);
  const listed = await coolifyState(['snapshots', '--json', ...drills.options]);
  expect(listed.stdout).toContain('"passed":false');
});

it('what a killed drill leaves is removed by the next one, and Ctrl-C leaves nothing, no evidence either', async () => {
  const before = await records();
  const killed = await drill(['--bare'], { started: stopAt('start the throwaway host: ', 'SIGKILL') });
  expect(killed.status).toBeNull();
  expect(await containers()).toHaveLength(1);

  const { status, stderr } = await drill(['--bare'], { started: stopAt('fetch the snapshot', 'SIGINT') });
  expect(status, stderr).toBe(130);
  expect(stderr).toMatch(new RegExp(`remove what dead drills left: coolify-state-drill-${HOST}-`));
  expect(await containers()).toEqual([]);
  expect(await volumes()).toEqual([]);
  expect(await records()).toEqual(before);
  const left = await readdir(join(drills.state, '.drills'));
  expect(left.filter((name) => name.startsWith('.work-'))).toEqual([]);
});

it('never asks the real host for anything', () => {
  expect(reached).toBe(0);
});

/** Ends a run with a signal as soon as it tells of a step. */
function stopAt(step: string, signal: NodeJS.Signals): NonNullable<RunOptions['started']> {
  return (program) => {
    program.stderr?.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(step)) program.kill(signal);
    });
  };
}

function workerPort(): number {
  const address = worker.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

function inside(script: string): Promise<Outcome> {
  return collect('docker', ['exec', kept, 'sh', '-c', script]);
}

/** What drills have on the engine. Prepared hosts have another label, and stay. */
function containers(): Promise<string[]> {
  return names(['ps', '-a', '--format', '{{.Names}}']);
}

function volumes(): Promise<string[]> {
  return names(['volume', 'ls', '--format', '{{.Name}}']);
}

async function names(args: readonly string[]): Promise<string[]> {
  const { stdout } = await collect('docker', [...args, '--filter', 'label=coolify-state.drill']);
  return stdout.split('\n').filter((name) => name.includes(HOST));
}

/** The volume that the lab's hosts begin with: images for the engine inside, so that nothing has to be fetched. */
async function imagesVolume(): Promise<string> {
  const { stdout } = await collect('docker', [
    'volume',
    'ls',
    '-q',
    '--filter',
    'name=coolify-state-lab-template-images-',
  ]);
  const [name = ''] = stdout.trim().split('\n');
  expect(name).not.toBe('');
  return name;
}

async function records(): Promise<string[]> {
  const folder = join(place.folder, 'repository', HOST);
  return (await readdir(folder))
    .filter((name) => /\.drill-[^/]*\.json$/.test(name))
    .map((name) => join(folder, name));
}

async function newestRecord(): Promise<{ readonly path: string; readonly content: string }> {
  const newest = (path: string): string => path.slice(path.indexOf('.drill-'));
  const [path = ''] = (await records()).sort((a, b) => (newest(a) < newest(b) ? 1 : -1));
  return { path, content: await readFile(path, 'utf8') };
}

async function newestEvidence(): Promise<Evidence> {
  const { path, content } = await newestRecord();
  return parseEvidence(path, Buffer.from(content));
}

/** The generation of the backup with another APP_KEY, sealed again so that every checksum fits. */
async function publishSpoiled(): Promise<string> {
  const folder = join(place.folder, 'spoiled');
  await mkdir(folder);
  await cp(join(place.state, HOST), folder, { recursive: true });
  const manifest = parseManifest(await readFile(join(folder, 'manifest.json'), 'utf8'), folder);
  const later = { ...manifest, createdAt: new Date(Date.parse(manifest.createdAt) + 1000).toISOString() };
  const generation = await spoil({ host: HOST, folder, manifest: later }, 'APP_KEY');
  const quiet = {
    signal: new AbortController().signal,
    moved: () => undefined,
    line: () => undefined,
    warn: () => undefined,
  };
  const { id } = await uploadGeneration(
    {
      generation,
      instance: instanceOf(generation.manifest),
      recipients: await recipientsFromFile(join(LAB, 'backup_ed25519.pub')),
      compression: { algorithm: 'gzip', level: 1 },
      waitLock: 0,
    },
    { kind: 'directory', path: join(place.folder, 'repository') },
    quiet,
  );
  return id;
}
