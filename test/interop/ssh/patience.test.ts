import { execFileSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { command } from '../../../src/ssh/command.js';
import { connect } from '../../../src/ssh/connection.js';
import type { ConnectionEvent, Endpoint } from '../../../src/ssh/endpoint.js';
import { startFull, startProxy, startTalker } from './proxy.js';
import { freePort, startSshd, type TestSshd } from './sshd.js';

/** How long a connection tries, waits and lets itself be kept waiting, and what is left when it is given up. */
let sshd: TestSshd;
const cleanup: (() => unknown)[] = [];
beforeEach(async () => {
  sshd = await startSshd();
  cleanup.push(() => sshd.stop());
});
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

describe('a host that is restarting', () => {
  test('is met by trying again, first refused, then hung up on', async () => {
    const port = await freePort();
    const events: ConnectionEvent[] = [];
    const reborn = sshd.endpoint({ ...pinned(), port, connectRetries: 5 });
    const hangingUp = createServer((socket) => socket.destroy());
    cleanup.push(() => hangingUp.close());
    const onEvent = (event: ConnectionEvent): void => {
      events.push(event);
      if (event.type !== 'retry') return;
      if (event.retry === 1) hangingUp.listen(port, '127.0.0.1');
      if (event.retry === 2) hangingUp.close(() => relay(port));
    };
    await using connection = await connect(reborn, { signal: never(), onEvent });
    expect((await connection.run(command('echo', 'back'))).stdout.toString()).toBe('back\n');
    expect(events.flatMap((event) => (event.type === 'retry' ? [event.error.code] : []))).toEqual([
      'ssh.refused',
      'ssh.closed-early',
    ]);
  });

  test('behind a jump host is met as well', async () => {
    const port = await freePort();
    const jump = await startSshd();
    cleanup.push(() => jump.stop());
    const endpoint = sshd.endpoint({ ...pinned(), port, connectRetries: 2, jumps: [jump.endpoint()] });
    const codes: string[] = [];
    await using connection = await connect(endpoint, {
      signal: never(),
      onEvent: (event) => {
        if (event.type !== 'retry') return;
        codes.push(event.error.code);
        relay(port);
      },
    });
    expect(connection.hostKey).toEqual(sshd.hostKeys[0]);
    expect(codes).toEqual(['ssh.jump-refused']);
  });
});

describe('nothing is tried again after', () => {
  test.each([
    ['a key that is refused', { identityFiles: [] }, 'ssh.auth-failed'],
    ['a host key that is not known', { knownHostsFiles: [] }, 'ssh.host-key-unknown'],
  ])('%s', async (_title, changes, code) => {
    const events: ConnectionEvent[] = [];
    const onEvent = (event: ConnectionEvent): number => events.push(event);
    const refused = connect(sshd.endpoint({ ...changes, connectRetries: 5 }), { signal: never(), onEvent });
    await expect(refused).rejects.toMatchObject({ code });
    expect(events.filter(({ type }) => type === 'retry')).toEqual([]);
  });
});

describe('a slow line', () => {
  test('is not taken for a silent host: data counts, not only answers to keepalives', async () => {
    // What the host says comes in drops, and the answers to keepalives wait behind it for seconds.
    const proxy = await startProxy(sshd.port, { drops: { bytes: 8 * 1024, everyMs: 50 } });
    cleanup.push(() => proxy.close());
    const endpoint = sshd.endpoint({ ...pinned(), port: proxy.port, keepaliveMs: 200, keepaliveCountMax: 1 });
    await using connection = await connect(endpoint, { signal: never() });
    const { stdout } = await connection.run(command('head', '-c', String(512 * 1024), '/dev/zero'));
    expect(stdout.length).toBe(512 * 1024);
  });

  test('that carries nothing at all is, and the reason says how long', async () => {
    const proxy = await startProxy(sshd.port);
    cleanup.push(() => proxy.close());
    const endpoint = sshd.endpoint({ ...pinned(), port: proxy.port, keepaliveMs: 100, keepaliveCountMax: 2 });
    const connection = await connect(endpoint, { signal: never() });
    const process = await connection.open(command('sleep', '60'));
    proxy.freeze();
    await expect(process.done).rejects.toMatchObject({
      code: 'ssh.connection-lost',
      why: expect.stringMatching(/^nothing came from it for 300 ms after 0 B received and 0 B sent$/),
    });
    await connection.close();
  });
});

/**
 * What is waited for here never comes, and no time of ours runs out within the test: that it ends is the proof. How fast, no
 * test says: on a busy machine that would be a lottery.
 */
describe('giving up ends everything at once', () => {
  const expectAbortedAfter = async (endpoint: Endpoint, pauseMs: number): Promise<void> => {
    const stop = new AbortController();
    const connecting = connect({ ...endpoint, connectTimeoutMs: 600_000 }, { signal: stop.signal });
    const settled = connecting.then(
      () => 'connected',
      (error: unknown) => error,
    );
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    stop.abort();
    expect(await settled).toMatchObject({ name: 'AbortError' });
  };

  test('while TCP connects', async () => {
    // A listener whose queue is full answers nobody.
    const full = await startFull();
    cleanup.push(() => full.close());
    await expectAbortedAfter(sshd.endpoint({ port: full.port }), 100);
  });

  test.each([
    ['before the greeting', undefined],
    ['in the handshake', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ])('%s', async (_title, greeting) => {
    const talker = await startTalker(greeting);
    cleanup.push(() => talker.close());
    await expectAbortedAfter(sshd.endpoint({ port: talker.port }), 100);
    expect(await eventually(() => talker.connections() === 0)).toBe(true);
  });

  test('behind a jump host, whose connection is closed too', async () => {
    const jump = await startSshd();
    cleanup.push(() => jump.stop());
    const talker = await startTalker(undefined);
    cleanup.push(() => talker.close());
    const endpoint = sshd.endpoint({ port: talker.port, jumps: [jump.endpoint()] });
    await expectAbortedAfter(endpoint, 500);
    expect(await eventually(() => talker.connections() === 0)).toBe(true);
    expect(await eventually(() => jump.sessions() === 0)).toBe(true);
  });

  test('while an agent is silent', async () => {
    const path = join(sshd.folder, 'silent-agent');
    const agent = createServer((socket) => socket.resume());
    await new Promise<void>((resolve) => agent.listen(path, resolve));
    cleanup.push(() => agent.close());
    await expectAbortedAfter(sshd.endpoint({ agentSocket: path }), 100);
    expect(await eventually(async () => (await connectionsOf(agent)) === 0)).toBe(true);
  });

  test('while a person looks for a passphrase', async () => {
    const encrypted = join(sshd.folder, 'encrypted');
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'secret', '-f', encrypted]);
    const line = execFileSync('cat', [`${encrypted}.pub`]);
    await writeFile(join(sshd.folder, 'authorized_keys'), line, { flag: 'a' });
    const endpoint = sshd.endpoint({
      identityFiles: [encrypted],
      passphrase: () => new Promise(() => undefined),
    });
    await expectAbortedAfter(endpoint, 500);
    expect(await eventually(() => sshd.sessions() === 0)).toBe(true);
  });

  test('between two attempts', async () => {
    const endpoint = sshd.endpoint({ port: await freePort(), connectRetries: 5 });
    await expectAbortedAfter(endpoint, 300);
  });

  test('in the middle of a transfer through two jump hosts', async () => {
    const [first, second] = await Promise.all([startSshd(), startSshd()]);
    cleanup.push(
      () => first.stop(),
      () => second.stop(),
    );
    const stop = new AbortController();
    const jumps = [first.endpoint(), second.endpoint()];
    const connection = await connect(sshd.endpoint({ jumps }), { signal: stop.signal });
    const process = await connection.open(command('cat', '/dev/zero'));
    process.stdin.end();
    process.stdout.once('data', () => stop.abort());
    await expect(process.done).rejects.toMatchObject({ name: 'AbortError' });
    await connection.close();
    for (const host of [first, second, sshd])
      expect(await eventually(() => host.sessions() === 0)).toBe(true);
  });
});

/** From now on the port leads to sshd. */
function relay(port: number): void {
  const proxy = startProxy(sshd.port, { port });
  cleanup.push(async () => (await proxy).close());
}

/** The proxy's port is not the one in known_hosts. */
function pinned(): Pick<Endpoint, 'pinnedFingerprints'> {
  return { pinnedFingerprints: sshd.hostKeys.map((key) => key.fingerprint) };
}

function never(): AbortSignal {
  return new AbortController().signal;
}

async function eventually(holds: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let round = 0; round < 100; round += 1) {
    if (await holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)));
  });
}
