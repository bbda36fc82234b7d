import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { databaseAccessOf, psql } from '../../src/coolify/database/commands.js';
import { EnvFile } from '../../src/coolify/env-file.js';
import { packPaths } from '../../src/coolify/remote-files.js';
import { command, type RemoteCommand, render, script } from '../../src/ssh/command.js';
import { bootArguments, newMarker } from '../../src/ssh/start-marker.js';
import { newKey } from '../interop/ssh/sshd.js';
import {
  collect,
  coolifyState,
  knownHostsOf,
  LAB,
  lab,
  type Outcome,
  onHost,
  PROGRAM,
  type Workplace,
  workplace,
} from './lab.js';
import { watchModes } from './mode-watch.js';
import { hostOf } from './observations.js';

/** A backup with the least rights: a key behind the gate of `host-policy`, as root and as a user with one sudo rule. */
const HOST = 'sec.test';
const PORT = 2361;
const GATE = '/usr/local/sbin/coolify-state-gate';

let place: Workplace;
let key: string;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  await place.writeInventory(settings());
  key = newKey(join(place.folder, 'limited'), 'ed25519', '-C', "the backup machine's");
  await onHost(
    HOST,
    'useradd --create-home --shell /bin/bash backup-only && install -d -m 0700 -o backup-only /home/backup-only/.ssh',
  );
  await onHost(HOST, `printf '%s\\n' "$1" >${GATE} && chmod 0755 ${GATE}`, await printed());
  const line = (...args: string[]): Promise<string> =>
    printed('--authorized-keys', '--key', `${key}.pub`, ...args);
  await onHost(HOST, 'printf "%s\\n" "$1" >>/root/.ssh/authorized_keys', await line());
  await onHost(
    HOST,
    'umask 077; printf "%s\\n" "$1" >/home/backup-only/.ssh/authorized_keys; chown -R backup-only /home/backup-only',
    await line('--user', 'backup-only'),
  );
  const rule = await printed('--sudoers', '--user', 'backup-only');
  await onHost(HOST, 'umask 227; printf "%s\\n" "$1" >/etc/sudoers.d/coolify-state; visudo -cq', rule);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

/** Of the inventory: what the policy is made for, and what is backed up. */
function settings(): Record<string, unknown> {
  return {
    coolify_extra_paths: ['/etc/hostname'],
    coolify_repository: `file:${join(place.folder, 'repository')}`,
  };
}

async function printed(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await coolifyState(['host-policy', HOST, ...place.options, ...args]);
  expect(status, stderr).toBe(0);
  return stdout.trimEnd();
}

/** OpenSSH's own client with the limited key. */
function ssh(user: string, args: readonly string[], input = ''): Promise<Outcome> {
  const options = [
    ...['-p', String(PORT), '-i', key, '-F', 'none', '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
    ...['-o', `UserKnownHostsFile=${knownHostsOf(PORT)}`, '-o', 'LogLevel=ERROR'],
  ];
  return new Promise((resolve) => {
    const child = execFile(
      'ssh',
      [...options, `${user}@127.0.0.1`, ...args],
      { timeout: 60_000, maxBuffer: 64 * 1024 * 1024, encoding: 'latin1' },
      (_error, stdout, stderr) => resolve({ status: child.exitCode, stdout, stderr }),
    );
    child.stdin?.on('error', () => undefined);
    child.stdin?.end(input);
  });
}

/** A command line as a backup sends it. */
function sent(remote: RemoteCommand, marker = newMarker()): string {
  return render({ argv: bootArguments(marker, remote.argv), summary: '' });
}

const manifestSchema = z.object({ files: z.array(z.looseObject({ path: z.string() })) });

async function backupAs(user: string, identity: string, umask: string): Promise<readonly unknown[]> {
  await place.writeInventory({
    ...settings(),
    ansible_user: user,
    ansible_ssh_private_key_file: identity,
  });
  // Whatever the umask is, no file is ever there that others could read, from its first byte.
  const program = [process.execPath, PROGRAM, 'backup', ...place.options, '--json'];
  const running = collect('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', ...program]);
  const { result: outcome, seen } = await watchModes(
    [place.state, join(place.folder, 'repository')],
    running,
  );
  expect(outcome.status, `${outcome.stderr}\n${outcome.stdout.slice(-3000)}`).toBe(0);
  expect(seen.open).toEqual([]);
  expect(seen.paths.some((path) => path.includes('/staging-'))).toBe(true);
  expect(seen.paths.length).toBeGreaterThan(200);
  expect(hostOf(outcome).snapshots).toHaveLength(1);
  // The API was asked through the gate as well: a second witness that may not be lost in silence.
  expect(outcome.stdout).toMatch(/\d+ of the \d+ keys that the API shows are the same/);
  const text = await readFile(join(place.state, HOST, 'manifest.json'), 'utf8');
  const { files } = manifestSchema.parse(JSON.parse(text));
  return files.filter(({ path }) => !/coolify_db\.dump$|^RESTORE\.md$/.test(path));
}

it('a backup by the gate and one sudo rule brings the same as one by root', async () => {
  const full = await backupAs('root', join(LAB, 'id_ed25519'), '000');
  expect(full.length).toBeGreaterThan(200);
  expect(await backupAs('backup-only', key, '077')).toEqual(full);
});

describe.each(['root', 'backup-only'])('whoever has the key of %s', (user) => {
  const env = packPaths(['/data/coolify/source/.env']);
  const sql = psql(databaseAccessOf('coolify-db', EnvFile.parse('')));

  it('gets what a backup reads', async () => {
    const marker = newMarker();
    const { status, stdout } = await ssh(user, [sent(env, marker)]);
    expect(status).toBe(0);
    expect(stdout.startsWith(marker)).toBe(true);
    expect(stdout).toContain('APP_KEY=base64:');
  });

  it.each<[string, () => string]>([
    ['another command', () => 'id'],
    ['a shell', () => ''],
    ['another path', () => sent(packPaths(['/etc/shadow']))],
    ['a command behind', () => `${sent(env)}; id`],
    ['writing a file', () => sent(script('cd "$1" && exec tar -xpf - --same-owner', '/root'))],
    ['the SFTP server', () => '/usr/lib/openssh/sftp-server'],
  ])('is refused: %s', async (_name, line) => {
    const asked = line();
    const { status, stdout, stderr } = await ssh(user, asked === '' ? ['-T'] : [asked]);
    expect(stderr).toContain('coolify-state-gate: refused');
    expect(stdout).toBe('');
    expect(status).toBe(126);
  });

  it('changes nothing through the database or curl', async () => {
    const abuses: readonly [RemoteCommand, string][] = [
      [sql, 'CREATE TABLE abuse (id int);\n'],
      [sql, '\\! touch /tmp/abuse\n'],
      [command('curl', '--disable', '--config', '-'), 'url = "file:///etc/shadow"\noutput = "/tmp/abuse"\n'],
    ];
    for (const [remote, input] of abuses) {
      const marker = newMarker();
      const { stdout, stderr } = await ssh(user, [sent(remote, marker)], input);
      expect(stderr).toContain('coolify-state-gate: refused: this is not what a backup sends');
      expect(stdout.replace(marker, '')).toBe('');
    }
    const files = 'ls /tmp/abuse 2>/dev/null; docker exec coolify-db ls /tmp/abuse 2>/dev/null; :';
    expect(await onHost(HOST, files)).toBe('');
    const tables = `docker exec coolify-db psql -U coolify -Atc "SELECT count(*) FROM pg_class WHERE relname = 'abuse'"`;
    expect((await onHost(HOST, tables)).trim()).toBe('0');
  });

  it('forwards nothing, has no terminal, and carries no variables in', async () => {
    const tunnel = await ssh(user, ['-W', '127.0.0.1:22']);
    expect(tunnel.status).not.toBe(0);
    expect(tunnel.stdout).not.toContain('SSH-2.0');
    const back = await ssh(user, [
      '-o',
      'ExitOnForwardFailure=yes',
      '-R',
      '127.0.0.1:4022:127.0.0.1:22',
      sent(env),
    ]);
    expect(back.stderr).toMatch(/remote port forwarding failed/i);
    // The words are OpenSSH's; the command itself is a good one and runs without a terminal.
    const terminal = await ssh(user, ['-tt', '-o', 'LogLevel=INFO', sent(command('tty'))]);
    expect(terminal.stderr).toMatch(/PTY allocation request failed/);
    const smuggled = ['-o', 'SetEnv=LC_ALL=$(id) LC_X=;id LANG=/../../tmp/abuse TAR_OPTIONS=--to-command=id'];
    const { status, stdout } = await ssh(user, [...smuggled, sent(env)]);
    expect(status).toBe(0);
    expect(stdout).not.toContain('uid=');
  });
});

it('the sudo rule is for the gate without arguments, and for nothing else', async () => {
  const as = (line: string): Promise<string> =>
    onHost(HOST, 'su backup-only -s /bin/sh -c "$1" 2>&1; echo "status $?"', line);
  for (const line of [
    'sudo -n id',
    `sudo -n ${GATE} id`,
    `sudo -n sh ${GATE}`,
    `sudo -n LD_PRELOAD=/tmp/x ${GATE}`,
  ]) {
    const said = await as(line);
    expect(said, line).toMatch(/password is required|not allowed|a password/i);
    expect(said, line).toContain('status 1');
  }
  expect(await as(`SSH_ORIGINAL_COMMAND=id sudo -n ${GATE}`)).toMatch(/refused: [\s\S]*status 126/);
});

it('a command that another version would run is refused in words that tell what to do', async () => {
  const changed = randomBytes(4).toString('hex');
  await onHost(HOST, `sed -i "s|/data/coolify/source/.env|/data/coolify/source/.env-$1|" ${GATE}`, changed);
  const outcome = await coolifyState(['backup', ...place.options, '--json']);
  expect(outcome.status).toBe(1);
  expect(hostOf(outcome).error).toMatchObject({ code: 'ssh.command-not-started' });
  expect(outcome.stdout).toContain('another version made this file');
  expect(hostOf(outcome).error?.next).toContain('forced command');
});
