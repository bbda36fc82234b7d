import { execFileSync, spawn } from 'node:child_process';
import { chmod, copyFile, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { command } from '../../../src/ssh/command.js';
import { connect } from '../../../src/ssh/connection.js';
import type { Endpoint } from '../../../src/ssh/endpoint.js';
import { newKey, requireProgram, startSshd, type TestSshd } from './sshd.js';

let sshd: TestSshd;
const files = { plainRsa: '', encrypted: '', pem: '', pkcs8: '', pemEncrypted: '', ecdsa: '', stranger: '' };
const PASSPHRASE = 'correct horse';
beforeAll(async () => {
  sshd = await startSshd();
  const at = (name: string): string => join(sshd.folder, name);
  files.plainRsa = newKey(at('rsa'), 'rsa');
  files.encrypted = newKey(at('encrypted'), 'ed25519', '-N', PASSPHRASE);
  files.pem = newKey(at('pem'), 'rsa', '-m', 'PEM');
  files.pkcs8 = newKey(at('pkcs8'), 'ecdsa', '-m', 'PKCS8');
  files.pemEncrypted = newKey(at('pem_encrypted'), 'rsa', '-m', 'PKCS8', '-N', PASSPHRASE);
  files.ecdsa = newKey(at('ecdsa'), 'ecdsa', '-b', '384');
  files.stranger = newKey(at('stranger'), 'ed25519');
  for (const file of [
    files.plainRsa,
    files.encrypted,
    files.pem,
    files.pkcs8,
    files.pemEncrypted,
    files.ecdsa,
  ]) {
    const line = await readFile(`${file}.pub`);
    await writeFile(join(sshd.folder, 'authorized_keys'), line, { flag: 'a' });
  }
});
afterAll(() => sshd?.stop());

describe('logging in with a key file', () => {
  test.each(['plainRsa', 'pem', 'pkcs8', 'ecdsa'] as const)('works for %s', async (name) => {
    expect(await logIn({ identityFiles: [files[name]] })).toBe(files[name]);
  });

  test('asks for a passphrase once, and only for the key that the server takes', async () => {
    const stranger = newKey(join(sshd.folder, 'stranger_encrypted'), 'ed25519', '-N', 'other');
    const asked: string[] = [];
    const passphrase = async (file: string): Promise<Secret> => {
      asked.push(file);
      return new Secret(PASSPHRASE);
    };
    expect(await logIn({ identityFiles: [stranger, files.encrypted], passphrase })).toBe(files.encrypted);
    expect(asked).toEqual([files.encrypted]);
  });

  test('opens an encrypted key that hides its public half', async () => {
    const alone = join(sshd.folder, 'alone');
    await copyFile(files.pemEncrypted, alone);
    await chmod(alone, 0o600);
    const passphrase = async (): Promise<Secret> => new Secret(PASSPHRASE);
    expect(await logIn({ identityFiles: [alone], passphrase })).toBe(alone);
    expect(await logIn({ identityFiles: [files.pemEncrypted], passphrase })).toBe(files.pemEncrypted);
  });

  test('does not count the time a person needs for the passphrase', async () => {
    const passphrase = async (): Promise<Secret> => {
      await new Promise((resolve) => setTimeout(resolve, 700));
      return new Secret(PASSPHRASE);
    };
    const method = await logIn({ identityFiles: [files.encrypted], passphrase, connectTimeoutMs: 500 });
    expect(method).toBe(files.encrypted);
  });

  test('says for every key why it did not help, and what the server takes', async () => {
    const open = join(sshd.folder, 'open');
    await copyFile(files.plainRsa, open);
    await chmod(open, 0o644);
    const garbage = join(sshd.folder, 'garbage');
    await writeFile(garbage, 'garbage', { mode: 0o600 });
    const nobody = join(sshd.folder, 'missing');
    const refused = logIn({
      identityFiles: [nobody, open, garbage, files.stranger, files.encrypted],
      passphrase: async () => new Secret('wrong'),
    });
    const error = await refused.catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: 'unreachable', code: 'ssh.auth-failed', host: 'testhost' });
    for (const part of [
      `${nobody}: no such file`,
      `${open}: others can read it (mode 0644)`,
      `${garbage}: is not a private key`,
      `${files.stranger}: refused`,
      `${files.encrypted}: the passphrase does not open it`,
      'the server takes publickey',
    ]) {
      expect(error.why).toContain(part);
    }
    expect(JSON.stringify(error.facts())).not.toContain('wrong');
  });

  test('says so when there is nothing to try', async () => {
    await expect(logIn({ identityFiles: [] })).rejects.toMatchObject({
      code: 'ssh.auth-failed',
      why: expect.stringContaining('no key and no password'),
    });
  });

  test('says so when a passphrase is needed and nobody is asked', async () => {
    await expect(logIn({ identityFiles: [files.encrypted] })).rejects.toMatchObject({
      why: expect.stringContaining('is encrypted, and no passphrase was given'),
    });
  });
});

describe('logging in with an agent', () => {
  let agent: ReturnType<typeof spawn>;
  let agentSocket: string;
  beforeAll(async () => {
    agentSocket = join(sshd.folder, 'agent');
    agent = spawn(requireProgram('/usr/bin/ssh-agent', 'openssh-client'), ['-D', '-a', agentSocket], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    await new Promise((resolve) => agent.stdout?.once('data', resolve));
  });
  afterAll(() => agent?.kill());
  const hold = (...keys: readonly string[]): void => {
    const env = { ...process.env, SSH_AUTH_SOCK: agentSocket };
    execFileSync('ssh-add', ['-D'], { env, stdio: 'ignore' });
    for (const key of keys) execFileSync('ssh-add', [key], { env, stdio: 'ignore' });
  };

  test.each(['plainRsa', 'ecdsa'] as const)('works for %s', async (name) => {
    hold(files.stranger, files[name]);
    expect(await logIn({ identityFiles: [], agentSocket })).toMatch(/^agent key /);
  });

  test('spares the passphrase of a file that it holds', async () => {
    const env = {
      ...process.env,
      SSH_AUTH_SOCK: agentSocket,
      SSH_ASKPASS: join(sshd.folder, 'askpass'),
      SSH_ASKPASS_REQUIRE: 'force',
    };
    await writeFile(join(sshd.folder, 'askpass'), `#!/bin/sh\necho '${PASSPHRASE}'\n`, { mode: 0o700 });
    hold();
    execFileSync('ssh-add', [files.encrypted], { env, stdio: 'ignore' });
    expect(await logIn({ identityFiles: [files.encrypted], agentSocket })).toBe(
      `${files.encrypted} (in the agent)`,
    );
  });

  test('takes a public key file as the choice among the keys it holds', async () => {
    hold(files.ecdsa, files.plainRsa);
    const chosen = join(sshd.folder, 'chosen.pub');
    await copyFile(`${files.plainRsa}.pub`, chosen);
    expect(await logIn({ identityFiles: [chosen], agentSocket })).toBe(`${chosen} (in the agent)`);
  });

  test('names the key when the server loses patience with the others', async () => {
    const strict = await startSshd({ config: ['MaxAuthTries 2'] });
    try {
      hold(files.stranger, files.plainRsa, files.ecdsa);
      const refused = connect(strict.endpoint({ identityFiles: [], agentSocket }), { signal: never() });
      await expect(refused).rejects.toMatchObject({
        code: 'ssh.auth-failed',
        next: expect.stringContaining('ansible_ssh_private_key_file'),
      });
    } finally {
      await strict.stop();
    }
  });

  test('that is not there is one line of the reasons', async () => {
    const nowhere = join(sshd.folder, 'nowhere');
    await expect(logIn({ identityFiles: [], agentSocket: nowhere })).rejects.toMatchObject({
      why: expect.stringContaining(`agent ${nowhere}: The SSH agent cannot be asked: connect ENOENT`),
    });
  });

  test('that answers nonsense does not stop a key file', async () => {
    const path = join(sshd.folder, 'nonsense');
    const server = createServer((socket) => socket.end('nonsense that is no agent message'));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    expect(await logIn({ agentSocket: path })).toBe(sshd.identity);
    server.close();
    await rm(path, { force: true });
  });
});

describe('logging in with a password', () => {
  // No account of this machine gets a password for a test, so the server is ssh2's own.
  const serve = async (
    methods: readonly ('password' | 'keyboard-interactive')[],
  ): Promise<{ endpoint: Endpoint; seen: string[]; close(): void }> => {
    const seen: string[] = [];
    const hostKey = await readFile(join(sshd.folder, 'host_ed25519'));
    const server = new ssh2.Server({ hostKeys: [hostKey] }, (client) => {
      client.on('error', () => undefined);
      client.on('authentication', (context) => {
        seen.push(context.method);
        const left = [...methods];
        if (!methods.some((method) => method === context.method)) return context.reject(left);
        if (context.method === 'password' && context.password === 'secret') return context.accept();
        if (context.method === 'keyboard-interactive') {
          return context.prompt([{ prompt: 'Password: ', echo: false }], (answers) =>
            answers?.[0] === 'secret' ? context.accept() : context.reject(left),
          );
        }
        return context.reject(left);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('no port was given');
    return {
      seen,
      endpoint: sshd.endpoint({
        port: address.port,
        pinnedFingerprints: sshd.hostKeys.map((key) => key.fingerprint),
        password: new Secret('secret'),
      }),
      close: () => server.close(),
    };
  };

  test.each(['password', 'keyboard-interactive'] as const)('works by %s, after the keys', async (method) => {
    const server = await serve([method]);
    let used = '';
    await using _connection = await connect(server.endpoint, {
      signal: never(),
      onEvent: (event) => {
        if (event.type === 'authenticated') used = event.method;
      },
    });
    expect(used).toBe(method);
    expect(server.seen[0]).toBe('publickey');
    server.close();
  });

  test('that is wrong names the methods and not the password', async () => {
    const server = await serve(['password', 'keyboard-interactive']);
    const wrong = { ...server.endpoint, password: new Secret('hunter2') };
    const error = await connect(wrong, { signal: never() }).catch((thrown) => thrown);
    expect(error).toMatchObject({
      code: 'ssh.auth-failed',
      why: expect.stringMatching(/password: refused; keyboard-interactive: refused/),
    });
    expect(JSON.stringify(error.facts())).not.toContain('hunter2');
    server.close();
  });
});

async function logIn(changes: Partial<Endpoint>): Promise<string> {
  let method = '';
  await using connection = await connect(sshd.endpoint(changes), {
    signal: never(),
    onEvent: (event) => {
      if (event.type === 'authenticated') method = event.method;
    },
  });
  await connection.run(command('true'));
  return method;
}

function never(): AbortSignal {
  return new AbortController().signal;
}
