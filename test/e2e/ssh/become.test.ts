import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { command, script } from '../../../src/ssh/command.js';
import { type Connection, connect, type Endpoint } from '../../../src/ssh/connection.js';
import { LAB, lab, onHost } from '../lab.js';

const HOST = 'become.test';
const PORT = 2245;
const LOGIN_PASSWORD = `login ${randomBytes(6).toString('hex')}`;
let operatorPassword: Secret;

beforeAll(async () => {
  await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
  operatorPassword = new Secret((await readFile(join(LAB, 'operator-password'), 'utf8')).trimEnd());
  await onHost(HOST, MAKE_USERS, LOGIN_PASSWORD);
});
afterAll(() => lab('host.sh', 'down', HOST));

/** Accounts that sudo treats differently, one that is root under another name, one that logs in by password. */
const MAKE_USERS = `
set -e
for user in nosudo limited ttyuser; do
  useradd --create-home --shell /bin/bash --password "$(openssl passwd -6 "$1")" "$user"
  install -d -m 0700 -o "$user" -g "$user" "/home/$user/.ssh"
  install -m 0600 -o "$user" -g "$user" /home/deployer/.ssh/authorized_keys "/home/$user/.ssh/authorized_keys"
done
useradd --non-unique --uid 0 --no-create-home --home-dir /root --shell /bin/bash toor
useradd --create-home --shell /bin/bash --password "$(openssl passwd -6 "$1")" bypassword
printf '%s\n' 'limited ALL=(root) /usr/bin/id' 'ttyuser ALL=(ALL) NOPASSWD: ALL' 'Defaults:ttyuser requiretty' > /etc/sudoers.d/more
chmod 0440 /etc/sudoers.d/more
printf '%s\n' 'Match User bypassword' 'PasswordAuthentication yes' > /etc/ssh/sshd_config.d/aa.conf
kill -HUP "$(cat /run/sshd.pid)"
# It starts over, and for a moment nobody listens.
sleep 1
for try in 1 2 3 4 5 6 7 8 9 10; do ! ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null | grep -q . || exit 0; sleep 0.5; done
exit 1
`;

describe.each([
  ['deployer', 'sudo without a password'],
  ['operator', 'sudo with a password'],
])('%s (%s)', (user) => {
  let connection: Connection;
  beforeAll(async () => {
    connection = await logIn(user, { become: become(user) });
  });
  afterAll(() => connection?.close());

  test('runs commands as root, and as itself when asked', async () => {
    expect(await output(connection, command('id', '-un'))).toBe('root\n');
    expect((await connection.run(command('id', '-un'), { become: false })).stdout.toString()).toBe(
      `${user}\n`,
    );
    expect(await output(connection, script('echo "$HOME $LC_ALL"'))).toBe('/root C\n');
  });

  test('gives the command exactly its input and takes exactly its output', async () => {
    const input = `first line\n${operatorPassword.reveal()}\n\nlast line without end`;
    const { stdout, stderr } = await connection.run(script('cat; printf "to stderr" >&2'), { input });
    expect(stdout.toString()).toBe(input);
    expect(stderr).toBe('to stderr');
  });

  test('reports exit status and stderr of the command, not of sudo', async () => {
    await expect(connection.run(script('echo "no good" >&2; exit 9'))).rejects.toMatchObject({
      code: 'ssh.command-failed',
      why: 'exit status 9',
      detail: 'no good',
    });
  });

  test('streams both ways', async () => {
    const content = randomBytes(16 * 1024 * 1024);
    const received = createHash('sha256');
    const process = await connection.open(command('cat'));
    await Promise.all([
      pipeline(Readable.from([content.subarray(0, 5_000_000), content.subarray(5_000_000)]), process.stdin),
      pipeline(process.stdout, received),
    ]);
    expect(received.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
    expect(await process.done).toEqual({ code: 0, stderr: '' });
  });

  test('reads and writes files that only root may', async () => {
    const path = `/root/become-${user}`;
    await connection.files.mkdir(path, { mode: 0o700 });
    await connection.files.write(`${path}/it's`, Buffer.from('content'), { mode: 0o640, uid: 9999, gid: 0 });
    expect(await connection.files.list(path)).toMatchObject([
      { name: `it's`, mode: 0o640, uid: 9999, gid: 0, size: 7 },
    ]);
    expect((await connection.files.read(`${path}/it's`, { limitBytes: 100 })).toString()).toBe('content');
    const shadow = await connection.files.download('/etc/shadow');
    expect(Buffer.concat(await shadow.toArray()).toString()).toContain('root:');
    await connection.files.remove(path, { recursive: true });
    expect(await connection.files.stat(path)).toBeUndefined();
  });

  test('runs many at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, index) => output(connection, script('id -u; echo "$1"', String(index)))),
    );
    expect(results).toEqual(results.map((_, index) => `0\n${index}\n`));
  });

  test('gives up what it runs without losing the connection', async () => {
    const giveUp = new AbortController();
    const process = await connection.open(command('cat', '/dev/zero'), { signal: giveUp.signal });
    process.stdin.end();
    process.stdout.once('data', () => giveUp.abort());
    await expect(process.done).rejects.toMatchObject({ name: 'AbortError' });
    expect(await output(connection, command('id', '-u'))).toBe('0\n');
  });

  test('shows no password in the list of processes', async () => {
    const process = await connection.open(script('sleep 3581'));
    const list = await onHost(
      HOST,
      'cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr "\\0" "\\n"',
    );
    process.kill();
    expect(list).toContain('sleep 3581');
    expect(list).not.toContain(operatorPassword.reveal());
  });
});

describe('becoming another user is refused with its own reason when', () => {
  const refused = async (user: string, other: Endpoint['become'], what = command('id', '-u')) => {
    await using connection = await logIn(user, other === undefined ? {} : { become: other });
    return await connection.run(what).then(
      () => {
        throw new Error('it was allowed');
      },
      (error: unknown) => error,
    );
  };

  test('the password is wrong, without showing it', async () => {
    const error = await refused('operator', { user: 'root', password: new Secret('hunter2') });
    expect(error).toMatchObject({ kind: 'failed', code: 'ssh.become-password-wrong', host: HOST });
    expect(JSON.stringify(error)).not.toContain('hunter2');
  });

  test('sudo wants a password and there is none', async () => {
    expect(await refused('operator', { user: 'root' })).toMatchObject({
      code: 'ssh.become-password-missing',
    });
  });

  test.each([
    ['nosudo', 'is not in the sudoers'],
    ['limited', 'may run something else only'],
  ])('%s %s, and says which command it was', async (user) => {
    const root = { user: 'root', password: new Secret(LOGIN_PASSWORD) };
    expect(await refused(user, root, command('cat', '/etc/shadow'))).toMatchObject({
      code: 'ssh.become-denied',
      what: expect.stringContaining('cat /etc/shadow'),
    });
  });

  test('sudo insists on a terminal', async () => {
    expect(await refused('ttyuser', { user: 'root' })).toMatchObject({
      code: 'ssh.become-needs-terminal',
      next: expect.stringContaining('requiretty'),
    });
  });

  test('there is no such user', async () => {
    expect(await refused('deployer', { user: 'nobody-at-all' })).toMatchObject({
      code: 'ssh.become-user-unknown',
    });
  });

  test('the host has no sudo', async () => {
    await onHost(HOST, 'mv /usr/bin/sudo /usr/bin/sudo.away');
    try {
      expect(await refused('deployer', { user: 'root' })).toMatchObject({ code: 'ssh.become-missing' });
    } finally {
      await onHost(HOST, 'mv /usr/bin/sudo.away /usr/bin/sudo');
    }
  });
});

describe('root', () => {
  test('becomes root without sudo, by name and by number', async () => {
    for (const user of ['root', 'toor']) {
      await using connection = await logIn(user, { become: { user: 'root' } });
      expect(await output(connection, script('id -u; echo "[$SUDO_USER]"'))).toBe('0\n[]\n');
    }
  });

  test('becomes somebody else', async () => {
    await using connection = await logIn('root', { become: { user: 'deployer' } });
    expect(await output(connection, script('id -un; pwd; echo "$HOME"'))).toBe(
      'deployer\n/root\n/home/deployer\n',
    );
  });
});

test('a password logs in to a real sshd', async () => {
  const methods: string[] = [];
  await using connection = await connect(
    endpoint('bypassword', { identityFiles: [], password: new Secret(LOGIN_PASSWORD) }),
    {
      signal: never(),
      onEvent: (event) => {
        if (event.type === 'authenticated') methods.push(event.method);
      },
    },
  );
  expect(await output(connection, command('id', '-un'))).toBe('bypassword\n');
  expect(methods).toEqual(['password']);
});

function become(user: string): NonNullable<Endpoint['become']> {
  return user === 'operator' ? { user: 'root', password: operatorPassword } : { user: 'root' };
}

function logIn(user: string, changes: Partial<Endpoint>): Promise<Connection> {
  return connect(endpoint(user, changes), { signal: never() });
}

function endpoint(user: string, changes: Partial<Endpoint>): Endpoint {
  return {
    host: HOST,
    address: '127.0.0.1',
    port: PORT,
    user,
    identityFiles: [join(LAB, 'id_ed25519')],
    knownHostsFiles: [join(LAB, 'known_hosts')],
    hostKeyChecking: 'strict',
    pinnedFingerprints: [],
    connectTimeoutMs: 10_000,
    keepaliveMs: 15_000,
    ...changes,
  };
}

async function output(connection: Connection, what: ReturnType<typeof command>): Promise<string> {
  return (await connection.run(what)).stdout.toString();
}

function never(): AbortSignal {
  return new AbortController().signal;
}
