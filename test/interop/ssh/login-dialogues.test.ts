import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import ssh2, { type AuthContext } from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Secret } from '../../../src/core/secret.js';
import { connect } from '../../../src/ssh/connection.js';
import type { ConnectionEvent, Endpoint } from '../../../src/ssh/endpoint.js';
import { startSshd, type TestSshd } from './sshd.js';

/** Servers that want more than one thing, or say more than yes and no. sshd needs accounts for that; ssh2's server does not. */
let sshd: TestSshd;
const cleanup: (() => unknown)[] = [];
beforeAll(async () => {
  sshd = await startSshd();
});
afterAll(() => sshd?.stop());
afterEach(() => {
  for (const undo of cleanup.splice(0)) undo();
});

interface Visit {
  /** How often somebody connected. */
  connections: number;
  readonly endpoint: Endpoint;
}

async function serve(
  answer: (context: AuthContext, hangUp: () => void) => unknown,
  banner?: string,
): Promise<Visit> {
  const hostKey = await readFile(join(sshd.folder, 'host_ed25519'));
  const visit: Visit = {
    connections: 0,
    get endpoint() {
      const address = server.address();
      if (typeof address !== 'object' || address === null) throw new Error('no port was given');
      return sshd.endpoint({
        port: address.port,
        pinnedFingerprints: sshd.hostKeys.map((key) => key.fingerprint),
        password: new Secret('secret'),
        connectRetries: 1,
      });
    },
  };
  const settings = { hostKeys: [hostKey], ...(banner !== undefined && { banner }) };
  const server = new ssh2.Server(settings, (client) => {
    visit.connections += 1;
    client.on('error', () => undefined);
    client.on('authentication', (context) => answer(context, () => client.end()));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.push(() => server.close());
  return visit;
}

describe('a server that wants', () => {
  test('a key and then a password gets both', async () => {
    const seen: string[] = [];
    const { endpoint } = await serve((context) => {
      if (context.method === 'publickey') {
        if (context.signature === undefined) return context.accept();
        seen.push('key');
        return context.reject(['password'], true);
      }
      if (context.method !== 'password' || !seen.includes('key')) return context.reject(['publickey']);
      seen.push('password');
      return context.password === 'secret' ? context.accept() : context.reject();
    });
    await using connection = await connect(endpoint, { signal: never() });
    expect(connection.host).toBe('testhost');
    expect(seen).toEqual(['key', 'password']);
  });

  test('a code after the password is told what it asked, and does not get the password for it', async () => {
    const answers: unknown[] = [];
    const { endpoint } = await serve((context) => {
      if (context.method !== 'keyboard-interactive') return context.reject(['keyboard-interactive']);
      return context.prompt([{ prompt: 'Password: ', echo: false }], (first) => {
        context.prompt([{ prompt: 'Verification\u001b[31m code: ', echo: false }], (second) => {
          answers.push(first, second);
          context.reject(['keyboard-interactive']);
        });
      });
    });
    await expect(connect(endpoint, { signal: never() })).rejects.toMatchObject({
      code: 'ssh.auth-failed',
      why: expect.stringContaining(
        'keyboard-interactive: it asks "Verification\\x1b[31m code:", which is not answered',
      ),
    });
    expect(answers).toEqual([['secret'], ['']]);
  });

  test('another password instead of an expired one says so at once', async () => {
    const { endpoint } = await serve((context) => {
      if (context.method !== 'password') return context.reject(['password']);
      return context.requestChange('Your password has expired.', () => undefined);
    });
    await expect(connect(endpoint, { signal: never() })).rejects.toMatchObject({
      kind: 'unreachable',
      code: 'ssh.password-expired',
      next: expect.stringContaining('change it'),
    });
  });
});

describe('a server that hangs up', () => {
  test('on a password is not given it again', async () => {
    const visit = await serve((context, hangUp) =>
      context.method === 'password' ? hangUp() : context.reject(['password']),
    );
    await expect(connect(visit.endpoint, { signal: never() })).rejects.toMatchObject({
      code: 'ssh.closed-during-login',
    });
    expect(visit.connections).toBe(1);
  });

  test('before a password is asked again, and what it said is shown', async () => {
    const events: ConnectionEvent[] = [];
    const visit = await serve(
      (_context, hangUp) => hangUp(),
      'System is booting up.\r\nTry \u0007later.\r\n',
    );
    const refused = connect(visit.endpoint, {
      signal: never(),
      onEvent: (event) => events.push(event),
    });
    await expect(refused).rejects.toMatchObject({
      code: 'ssh.closed-early',
      detail: 'System is booting up.\nTry \\x07later.',
    });
    expect(visit.connections).toBe(2);
    expect(events.map(({ type }) => type)).toContain('retry');
  });
});

function never(): AbortSignal {
  return new AbortController().signal;
}
