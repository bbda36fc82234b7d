import { execFileSync, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startProxy, startTalker } from '../interop/ssh/proxy.js';
import { freePort, newKey, requireProgram, startSshd, type TestSshd } from '../interop/ssh/sshd.js';
import {
  ALL_OUTPUT,
  coolifyState,
  knownHostsOf,
  LAB,
  lab,
  type Outcome,
  onHost,
  type Workplace,
  workplace,
} from './lab.js';
import { begin, eventually, hostOf, leftoversIn, oursOn, signalled, whileRunning } from './observations.js';
import { dumpWaits, PG_DUMP, realPgDump, replacePgDump } from './pg-dump.js';
import { secretsIn, secretsOf } from './secret-search.js';

/** Every way to a host, and every way of not getting there. */
const HOST = 'conn.test';
const PORT = 2271;
const PASSPHRASE = 'passphrase-of-the-encrypted-key';

let place: Workplace;
let home: string;
let encrypted: string;
let rsa: string;
const cleanup: (() => unknown)[] = [];

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  // No key, configuration or temporary file of whoever runs the tests.
  home = join(place.folder, 'home');
  await mkdir(join(home, '.ssh'), { recursive: true, mode: 0o700 });
  await mkdir(join(place.folder, 'tmp'));
  encrypted = newKey(join(place.folder, 'encrypted'), 'ed25519', '-N', PASSPHRASE);
  rsa = newKey(join(place.folder, 'rsa'), 'rsa');
  for (const key of [encrypted, rsa]) {
    await onHost(HOST, 'echo "$1" >> /root/.ssh/authorized_keys', await readFile(`${key}.pub`, 'utf8'));
  }
});

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
  await eventually('nothing of ours runs on the host', async () => (await oursOn(HOST)).length === 0);
  expect(await leftoversIn(place.state).catch(() => [])).toEqual([]);
  expect(await readdir(join(place.folder, 'tmp'))).toEqual([]);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

type Vars = Readonly<Record<string, unknown>>;

async function inventory(vars: Vars): Promise<void> {
  await place.writeInventory({
    coolify_repository: `file:${join(place.folder, 'repository')}`,
    ansible_ssh_retries: 0,
    // Nobody answers there: the API is no matter of these tests, and asking it takes seconds.
    coolify_base_url: 'http://127.0.0.1:9',
    ...vars,
  });
}

/** The environment of a run. An empty SSH_AUTH_SOCK is none. */
function environment(more: Readonly<Record<string, string>> = {}): Record<string, string> {
  return { HOME: home, SSH_AUTH_SOCK: '', TMPDIR: join(place.folder, 'tmp'), ...more };
}

async function backup(vars: Vars, env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  await inventory(vars);
  return coolifyState(['backup', ...place.options, '--json'], { env: environment(env) });
}

/** Connects and looks around, which is enough to see a way. */
async function expectWay(vars: Vars): Promise<void> {
  await inventory(vars);
  const outcome = await coolifyState(['backup', ...place.options, '--check', '--json'], {
    env: environment(),
  });
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
}

async function expectBackup(vars: Vars, env: Readonly<Record<string, string>> = {}): Promise<Outcome> {
  const outcome = await backup(vars, env);
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
  expect(hostOf(outcome).generation).toBeDefined();
  return outcome;
}

describe('a backup goes', () => {
  it('as root, by the key file of the inventory', async () => {
    await expectBackup({});
  });

  it('by an agent, with an RSA key', async () => {
    const socket = join(place.folder, 'agent');
    const agent = spawn(requireProgram('/usr/bin/ssh-agent', 'openssh-client'), ['-D', '-a', socket], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    cleanup.push(() => agent.kill());
    await new Promise((resolve) => agent.stdout.once('data', resolve));
    execFileSync('ssh-add', [rsa], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
    await expectBackup({ ansible_ssh_private_key_file: undefined }, { SSH_AUTH_SOCK: socket });
  });

  it('by an encrypted key, with its passphrase from the environment', async () => {
    const vars = { ansible_ssh_private_key_file: encrypted };
    await expectBackup(vars, { COOLIFY_STATE_KEY_PASSPHRASE: PASSPHRASE });
  });

  it('by a password, which sudo takes too', async () => {
    await configureSshd('Match User operator\nPasswordAuthentication yes');
    const password = (await readFile(join(LAB, 'operator-password'), 'utf8')).trim();
    await expectBackup({
      ansible_user: 'operator',
      ansible_password: password,
      ansible_become_password: password,
      ansible_ssh_private_key_file: undefined,
    });
  });

  it('to a host without SFTP, with a banner and a login shell that talks', async () => {
    await onHost(
      HOST,
      'echo "No trespassing" > /etc/ssh/banner; echo "echo hello; echo hello >&2" > /root/.bashrc',
    );
    cleanup.push(() => onHost(HOST, 'rm -f /etc/ssh/banner /root/.bashrc'));
    await configureSshd('Banner /etc/ssh/banner\nSubsystem sftp /bin/false');
    await expectBackup({});
  });

  it('to a host that is restarting, and tells that it tries again', async () => {
    const port = await freePort();
    await inventory({ ...through(port), ansible_ssh_retries: 5 });
    const { process, outcome } = begin(['backup', ...place.options, '--json'], environment());
    let output = '';
    process.stdout?.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    await whileRunning(
      outcome,
      eventually('the first refusal', async () => output.includes('trying again')),
    );
    const proxy = await startProxy(PORT, { port });
    cleanup.push(() => proxy.close());
    const ended = await outcome;
    expect(ended.status, ended.stdout + ended.stderr).toBe(0);
    expect(ended.stdout).toMatch(/refuses connections: nothing listens on .* trying again in .* \(1 of 5\)/);
  });
});

describe('a backup through jump hosts goes', () => {
  let first: TestSshd;
  let second: TestSshd;
  beforeAll(async () => {
    [first, second] = await Promise.all([startSshd(), startSshd()]);
    const text = [
      jump('first', first, ''),
      jump('second', second, 'ProxyJump first'),
      `Host 127.0.0.1\n  UserKnownHostsFile ${knownHostsOf(PORT)}`,
    ].join('\n');
    await writeFile(join(home, '.ssh/config'), `${text}\n`, { mode: 0o600 });
  });
  afterAll(async () => {
    await Promise.all([first?.stop(), second?.stop()]);
  });

  it('one', async () => {
    await expectWay(by('-o ProxyJump=first'));
    expect(first.log()).toContain('Accepted publickey');
    expect(second.log()).not.toContain('Accepted publickey');
  });

  /** sshd's processes may outlive their connection by a moment. */
  const noSessionsLeft = (): Promise<void> =>
    eventually('no connection through the jump hosts is left', async () =>
      [first.sessions(), second.sessions()].every((open) => open === 0),
    );

  it('two, by a chain in the inventory', async () => {
    await expectBackup(by('-o ProxyJump=first,second'));
    expect(second.log()).toContain('Accepted publickey');
    await noSessionsLeft();
  });

  it('two, by the SSH configuration of the last', async () => {
    const before = first.log().length;
    await expectWay(by('-o ProxyJump=second'));
    expect(first.log().slice(before)).toContain('Accepted publickey');
  });

  it('and a restore through them too', async () => {
    const keys = '/root/.ssh/authorized_keys';
    const [key] = (await readFile(`${rsa}.pub`, 'utf8')).split(' ').slice(1);
    await onHost(HOST, `grep -vF "$1" ${keys} > /tmp/keys; cat /tmp/keys > ${keys}; rm /tmp/keys`, key ?? '');
    // The proofs of a restore ask the API.
    await inventory({ ...by('-o ProxyJump=second'), coolify_base_url: undefined });
    const outcome = await coolifyState(
      ['restore', ...place.options, '--from', 'local', '--yes', '--no-safety'],
      { env: environment() },
    );
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
    expect(await onHost(HOST, `cat ${keys}`)).toContain(key);
    await noSessionsLeft();
  });

  it('and one that is interrupted on the way to a silent host leaves none of them open', async () => {
    const talker = await startTalker(undefined);
    cleanup.push(() => talker.close());
    await inventory({ ...by('-o ProxyJump=second'), ansible_port: talker.port, ansible_timeout: 600 });
    const asked = async (): Promise<void> =>
      eventually('the silent host is asked', async () => talker.connections() === 1);
    const stopped = await signalled(['backup', ...place.options, '--json'], 'SIGINT', asked, environment());
    expect(stopped.status, stopped.stderr).toBe(130);
    await eventually('all connections are closed', async () =>
      [first.sessions(), second.sessions(), talker.connections()].every((open) => open === 0),
    );
  });

  it('and one that forwards nothing is named', async () => {
    const closed = await startSshd({ config: ['AllowTcpForwarding no'] });
    cleanup.push(() => closed.stop());
    const config = join(closed.folder, 'ssh_config');
    await writeFile(config, jump('closed', closed, ''));
    const outcome = await backup(by(`-F ${config} -o ProxyJump=closed`));
    expect(outcome.status, outcome.stderr).toBe(3);
    expect(hostOf(outcome).error).toMatchObject({
      code: 'ssh.jump-forbidden',
      what: 'conn.test cannot be reached through closed',
      next: 'allow forwarding in the sshd_config of closed (AllowTcpForwarding)',
    });
    await eventually('the connection is closed', async () => closed.sessions() === 0);
  });
});

describe('a backup ends with status 3 and says what to do when', () => {
  const refused = async (
    vars: Vars,
    expected: { readonly code: string; readonly what: RegExp; readonly next: RegExp },
  ): Promise<void> => {
    const outcome = await backup(vars);
    expect(outcome.status, outcome.stdout + outcome.stderr).toBe(3);
    const { error } = hostOf(outcome);
    expect(error).toMatchObject({ kind: 'unreachable', code: expected.code });
    expect(error?.what).toMatch(expected.what);
    expect(error?.next).toMatch(expected.next);
  };

  it('the host key is not known, and the command that it names makes it known', async () => {
    const file = join(place.folder, 'known by the command');
    const vars = { coolify_known_hosts_file: file };
    await refused(vars, {
      code: 'ssh.host-key-unknown',
      what: /^The host key of conn\.test is not known$/,
      next: /ssh-keygen -lf.*echo '?\[127\.0\.0\.1\]:2271/,
    });
    const accept = /echo .*$/.exec(hostOf(await backup(vars)).error?.next ?? '')?.[0] ?? '';
    execFileSync('sh', ['-c', accept]);
    await expectWay(vars);
  });

  it('the host key has changed', async () => {
    const other = (await readFile(`${newKey(join(place.folder, 'other'), 'ed25519')}.pub`, 'utf8')).split(
      ' ',
    );
    const file = join(place.folder, 'changed');
    await writeFile(file, `[127.0.0.1]:${PORT} ${other[0]} ${other[1]}\n`);
    for (const checking of ['strict', 'accept-new']) {
      await refused(
        { coolify_known_hosts_file: file, ssh_host_key_checking: checking },
        {
          code: 'ssh.host-key-changed',
          what: /^THE HOST KEY OF conn\.test HAS CHANGED/,
          next: /ssh-keygen -R '?\[127\.0\.0\.1\]:2271/,
        },
      );
    }
  });

  it('the key is a wrong one, after one attempt although more are allowed', async () => {
    const stranger = newKey(join(place.folder, 'stranger'), 'ed25519');
    const proxy = await startProxy(PORT);
    cleanup.push(() => proxy.close());
    await refused(
      { ...through(proxy.port), ansible_ssh_private_key_file: stranger, ansible_ssh_retries: 5 },
      {
        code: 'ssh.auth-failed',
        what: /^conn\.test does not let root in$/,
        next: /ansible_ssh_private_key_file.*authorized_keys/,
      },
    );
    expect(proxy.accepted()).toBe(1);
  });

  it('the passphrase is a wrong one', async () => {
    const outcome = await backup(
      { ansible_ssh_private_key_file: encrypted },
      { COOLIFY_STATE_KEY_PASSPHRASE: 'not the passphrase' },
    );
    expect(outcome.status).toBe(3);
    expect(hostOf(outcome).error?.why).toContain('the passphrase does not open it');
    expect(outcome.stdout + outcome.stderr).not.toContain('not the passphrase');
  });

  it('nothing listens on the port', async () => {
    await refused(
      { ansible_port: await freePort() },
      { code: 'ssh.refused', what: /^conn\.test refuses connections$/, next: /ansible_port/ },
    );
  });

  it('the port says nothing', async () => {
    const talker = await startTalker(undefined);
    cleanup.push(() => talker.close());
    await refused(
      { ansible_port: talker.port, ansible_timeout: 1 },
      { code: 'ssh.silent', what: /^conn\.test accepts connections and says nothing$/, next: /sshd/ },
    );
    expect(talker.connections()).toBe(0);
  });

  it('the connection is cut in the middle of the dump: at once, and with how far it came', async () => {
    await replacePgDump(HOST, PG_DUMP.waiting);
    cleanup.push(() => realPgDump(HOST));
    const proxy = await startProxy(PORT);
    cleanup.push(() => proxy.close());
    await inventory({ ...through(proxy.port), ansible_ssh_retries: 5 });
    const { outcome } = begin(['backup', ...place.options, '--json'], environment());
    await whileRunning(
      outcome,
      eventually('half of the dump', () => dumpWaits(HOST)),
    );
    proxy.reset();
    const ended = await outcome;
    expect(ended.status, ended.stdout + ended.stderr).toBe(3);
    const { error } = hostOf(ended);
    expect(error).toMatchObject({ kind: 'unreachable', code: 'ssh.connection-lost' });
    expect(error?.what).toMatch(/^The connection to conn\.test was lost during: /);
    expect(error?.why).toMatch(/ after \d.* received and \d.* sent$/);
    expect(ended.stdout).not.toContain('trying again');
  });

  it('no secret was shown by any of these runs', async () => {
    const secrets = [...(await secretsOf(HOST)), { name: 'the passphrase', value: PASSPHRASE }];
    expect(secretsIn(ALL_OUTPUT, secrets)).toEqual([]);
  });
});

/** By these arguments of ssh, and with the host keys that its configuration knows. */
function by(sshArguments: string): Vars {
  return { ansible_ssh_common_args: sshArguments, coolify_known_hosts_file: undefined };
}

/** A jump host in the words of ssh's configuration. */
function jump(name: string, { port, identity, folder, endpoint }: TestSshd, more: string): string {
  return [
    `Host ${name}`,
    'HostName 127.0.0.1',
    `Port ${port}`,
    `User ${endpoint().user}`,
    `IdentityFile ${identity}`,
    `UserKnownHostsFile ${join(folder, 'known_hosts')}`,
    more,
  ].join('\n  ');
}

/** The proxy's port is not the one in known_hosts: the host's real keys are pinned. */
function through(port: number): Vars {
  const shown = execFileSync('ssh-keygen', ['-lf', knownHostsOf(PORT)], { encoding: 'utf8' });
  return { ansible_port: port, coolify_host_key_fingerprint: shown.match(/SHA256:\S+/g) };
}

/** Gives sshd further lines of configuration for one test. */
async function configureSshd(lines: string): Promise<void> {
  const file = '/etc/ssh/sshd_config.d/aa.conf';
  await onHost(HOST, `printf '%s\\n' "$1" > ${file}; ${RELOAD}`, lines);
  cleanup.push(() => onHost(HOST, `rm -f ${file}; ${RELOAD}`));
}

/** sshd starts over, and for a moment nobody listens. */
const RELOAD = `kill -HUP "$(cat /run/sshd.pid)"; sleep 1
for try in 1 2 3 4 5 6 7 8 9 10; do ! ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null | grep -q . || exit 0; sleep 0.5; done
exit 1`;
