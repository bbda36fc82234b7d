import { execFile } from 'node:child_process';
import { chown, copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { collect, knownHostsOf, LAB, lab, type Outcome, PROJECT } from './lab.js';
import { recordOutput } from './whole-run/record.js';

/** The container image as docs/container.md runs it: no root, nothing of the kernel's rights, nothing to write to but `/srv`. */
const HOST = 'container.test';
const PORT = 2457;
const IMAGE = 'coolify-state-lab/program';
const run = promisify(execFile);
/** The image's own user, and one that no image knows. */
const USERS = [1000, 54_321] as const;

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-container-'));
  await lab('node-image.sh');
  await run(join(PROJECT, 'release/image.sh'), [IMAGE]);
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  // Packages are installed, and images built, once for each change of the project.
}, 900_000);

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await lab('host.sh', 'down', HOST);
  await collect('docker', ['rmi', IMAGE]);
});

/** What a user has: a folder with an inventory, and one with keys, all their own. */
async function homeOf(user: number): Promise<{ readonly work: string; readonly ssh: string }> {
  const [work, ssh] = [join(folder, `${user}/work`), join(folder, `${user}/ssh`)];
  await mkdir(work, { recursive: true });
  await mkdir(ssh);
  await copyFile(join(LAB, 'id_ed25519'), join(ssh, 'id_ed25519'));
  await copyFile(join(LAB, 'backup_ed25519.pub'), join(ssh, 'backup.pub'));
  await copyFile(knownHostsOf(PORT), join(ssh, 'known_hosts'));
  const vars = {
    ansible_host: '127.0.0.1',
    ansible_port: PORT,
    ansible_user: 'root',
    coolify_backup_encryption_key_path: '~/.ssh/backup.pub',
    coolify_repository: ['file:/srv/repository'],
  };
  await mkdir(join(work, 'inventory'));
  await writeFile(
    join(work, 'inventory/hosts.yml'),
    JSON.stringify({ controller: { hosts: { [HOST]: vars } } }),
  );
  for (const path of [work, ssh, ...(await readdir(ssh)).map((name) => join(ssh, name))])
    await chown(path, user, user);
  return { work, ssh };
}

async function inContainer(
  user: number,
  args: readonly string[],
  env: readonly string[] = [],
): Promise<Outcome> {
  const { work, ssh } = { work: join(folder, `${user}/work`), ssh: join(folder, `${user}/ssh`) };
  const locked = [
    '--read-only',
    '--tmpfs',
    '/tmp',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
  ];
  const own = user === 1000 ? [] : ['--user', `${user}:${user}`];
  const mounts = ['-v', `${work}:/srv`, '-v', `${ssh}:/home/node/.ssh:ro`];
  const set = env.flatMap((variable) => ['--env', variable]);
  const options = ['run', '--rm', '--init', '--network', 'host', ...locked, ...own, ...mounts, ...set];
  const outcome = await collect('docker', [...options, IMAGE, ...args]);
  recordOutput('container', outcome.stdout + outcome.stderr);
  return outcome;
}

it('is of a user that is not root, by number', async () => {
  const { stdout } = await run('docker', ['image', 'inspect', '--format', '{{.Config.User}}', IMAGE]);
  expect(stdout.trim()).toBe('1000:1000');
});

it('cannot change itself, also where it may write', async () => {
  const script = 'require("node:fs").appendFileSync("/opt/coolify-state/dist/main.js", " ")';
  const { status, stderr } = await collect('docker', [
    ...['run', '--rm', '--entrypoint', 'node', IMAGE, '-e', script],
  ]);
  expect(status).not.toBe(0);
  expect(stderr).toContain('EACCES');
});

it('says its version', async () => {
  const { version }: { version: unknown } = JSON.parse(await readFile(join(PROJECT, 'package.json'), 'utf8'));
  const { stdout } = await collect('docker', ['run', '--rm', '--read-only', IMAGE, '--version']);
  expect(stdout.trim()).toBe(version);
});

it.each(USERS)('backs up a host as user %i, with nothing but its own folder to write to', async (user) => {
  const { work } = await homeOf(user);
  const { status, stdout, stderr } = await inContainer(user, ['backup', '--json']);
  expect(status, stdout + stderr).toBe(0);
  const stored = await readdir(join(work, 'repository', HOST));
  expect(stored.some((name) => name.endsWith('.age.json'))).toBe(true);
  const snapshot = await stat(
    join(work, 'repository', HOST, stored.find((name) => name.endsWith('.json')) ?? ''),
  );
  expect({ owner: snapshot.uid, mode: snapshot.mode & 0o777 }).toEqual({ owner: user, mode: 0o600 });
  const verified = await inContainer(user, ['verify', '--json']);
  expect(verified.status, verified.stdout + verified.stderr).toBe(0);
});

// The Node of most machines that test this has no zstd; the image's has.
it('compresses with zstd, in frames that it and the zstd command open', async () => {
  const user = 2000;
  const { work, ssh } = await homeOf(user);
  await copyFile(join(LAB, 'backup_ed25519'), join(ssh, 'backup'));
  await chown(join(ssh, 'backup'), user, user);
  const packed = await inContainer(user, ['backup', '--json'], ['COOLIFY_STATE_COMPRESSION=zstd']);
  expect(packed.status, packed.stdout + packed.stderr).toBe(0);
  const stored = await readdir(join(work, 'repository', HOST));
  const archive = stored.find((name) => name.endsWith('.tar.zst.age'));
  const verified = await inContainer(user, ['verify', '--read-data', '--json']);
  expect(verified.status, verified.stdout + verified.stderr).toBe(0);
  const script = 'age -d -i "$1" "$2" | zstd -d | tar -t';
  const { stdout } = await run('bash', [
    ...['-o', 'pipefail', '-c', script, 'bash', join(LAB, 'backup_ed25519')],
    join(work, 'repository', HOST, archive ?? ''),
  ]);
  expect(stdout).toMatch(/^RESTORE\.md\nmanifest\.json\n/);
  expect(stdout).toContain('coolify_db.dump\n');
});
