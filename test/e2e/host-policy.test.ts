import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { databaseAccessOf, psql } from '../../src/coolify/database-commands.js';
import { EnvFile } from '../../src/coolify/env-file.js';
import { packPaths } from '../../src/coolify/remote-files.js';
import { command, type RemoteCommand, render, script } from '../../src/ssh/command.js';
import { bootArguments, newMarker } from '../../src/ssh/start-marker.js';
import { newKey } from '../interop/ssh/sshd.js';
import {
  coolifyState,
  knownHostsOf,
  LAB,
  lab,
  type Outcome,
  onHost,
  type Workplace,
  workplace,
} from './lab.js';
import { hostOf } from './observations.js';

/** A backup with the least rights: a key behind the gate of `host-policy`, as root and as a user with one sudo rule. */
const HOST = 'sec.test';
const PORT = 2361;
const GATE = '/usr/local/sbin/coolify-state-gate';

let place: Workplace;
let key: string;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, { coolify_extra_paths: ['/etc/hostname'] });
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

async function backupAs(user: string, identity: string): Promise<readonly unknown[]> {
  await place.writeInventory({
    coolify_extra_paths: ['/etc/hostname'],
    coolify_repository: `file:${join(place.folder, 'repository')}`,
    ansible_user: user,
    ansible_ssh_private_key_file: identity,
  });
  const outcome = await coolifyState(['backup', ...place.options, '--json']);
  expect(outcome.status, `${outcome.stderr}\n${outcome.stdout.slice(-3000)}`).toBe(0);
  expect(hostOf(outcome).snapshots).toHaveLength(1);
  // The API was asked through the gate as well: a second witness that may not be lost in silence.
  expect(outcome.stdout).toMatch(/\d+ of the \d+ keys that the API shows are the same/);
  const text = await readFile(join(place.state, HOST, 'manifest.json'), 'utf8');
  const { files } = manifestSchema.parse(JSON.parse(text));
  return files.filter(({ path }) => !/coolify_db\.dump$|^RESTORE\.md$/.test(path));
}

it('a backup brings the same through the gate, as root and by one sudo rule', async () => {
  const full = await backupAs('root', join(LAB, 'id_ed25519'));
  expect(full.length).toBeGreaterThan(200);
  expect(await backupAs('root', key)).toEqual(full);
  expect(await backupAs('backup-only', key)).toEqual(full);
});

describe.each(['root', 'backup-only'])('whoever has the key of %s', (user) => {
  const env = packPaths(['/data/coolify/source/.env']);
  const sql = (): RemoteCommand => psql(databaseAccessOf('coolify-db', EnvFile.parse('')));

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
    ['another command in the frame of a backup', () => sent(command('id'))],
    ['another script', () => sent(script('id; cat "$1"', '/etc/shadow'))],
    ['another path', () => sent(packPaths(['/etc/shadow']))],
    ['one path more', () => sent(packPaths(['/data/coolify/source/.env', '/etc/shadow']))],
    ['a command behind', () => `${sent(env)}; id`],
    ['a command on the next line', () => `${sent(env)}\nid`],
    ['a command before', () => `id; ${sent(env)}`],
    ['a variable before', () => `TAR_OPTIONS=--checkpoint-action=exec=id ${sent(env)}`],
    [
      'a substitution in the marker',
      () => sent(env).replace(/@coolify-state:[0-9a-f]{8}/, '@coolify-state:$(id)'),
    ],
    ['quotes that mean the same', () => sent(env).replace("'/data", "/'data").replace('/data', "/da''ta")],
    ['a snapshot with a command', () => `${sent(dumpOf("0-1'; id; '"))}`],
    ['a dump of another format', () => sent(dumpOf('0-1')).replace('=custom', '=plain')],
    ['writing a file', () => sent(script('cd "$1" && exec tar -xpf - --same-owner', '/root'))],
    ['the SFTP server', () => '/usr/lib/openssh/sftp-server'],
  ])('is refused: %s', async (_name, line) => {
    const asked = line();
    const { status, stdout, stderr } = await ssh(user, asked === '' ? ['-T'] : [asked]);
    expect(stderr).toContain('coolify-state-gate: refused');
    expect(stdout).toBe('');
    expect(status).toBe(126);
  });

  it.each<[string, RemoteCommand | (() => RemoteCommand), string]>([
    ['a statement of its own', sql, 'CREATE TABLE abuse (id int);\n'],
    ['a program by psql', sql, '\\! touch /tmp/abuse\n'],
    [
      'a statement after those of a backup',
      sql,
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n\\echo end-of-answer-0a\nCOMMIT;\n',
    ],
    [
      'a marker with a program',
      sql,
      'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;\n\\echo end-of-answer-`touch /tmp/abuse`\n',
    ],
    ['a file by curl', command('curl', '--disable', '--config', '-'), 'url = "file:///etc/shadow"\n'],
    [
      'an output of curl',
      command('curl', '--disable', '--config', '-'),
      'url = "http://127.0.0.1:8000/api/v1/security/keys"\nsilent\noutput = "/tmp/abuse"\n',
    ],
  ])('sends no input but that of a backup: %s', async (_name, remote, input) => {
    const marker = newMarker();
    const line = sent(typeof remote === 'function' ? remote() : remote, marker);
    const { stdout, stderr } = await ssh(user, [line], input);
    expect(stderr).toContain('coolify-state-gate: refused: this is not what a backup sends');
    expect(stdout.replace(marker, '').replace(/^end-of-answer-0a\n/, '')).toBe('');
    expect(
      await onHost(HOST, 'ls /tmp/abuse 2>/dev/null; docker exec coolify-db ls /tmp/abuse 2>/dev/null; :'),
    ).toBe('');
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

function dumpOf(snapshot: string): RemoteCommand {
  return command(
    'docker',
    'exec',
    '-i',
    'coolify-db',
    'pg_dump',
    '--format=custom',
    `--snapshot=${snapshot}`,
  );
}
