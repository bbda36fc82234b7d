import { once } from 'node:events';
import { connect as dial } from 'node:net';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { command } from '../../../src/ssh/command.js';
import { type Connection, connect } from '../../../src/ssh/connection.js';
import { startProxy, startTalker } from './proxy.js';
import { freePort, startSshd, type TestSshd } from './sshd.js';

let sshd: TestSshd;
const cleanup: (() => unknown)[] = [];
beforeEach(async () => {
  sshd = await startSshd();
  cleanup.push(() => sshd.stop());
});
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

describe('connecting fails with its own code and a next step when', () => {
  const failing = async (changes: Parameters<TestSshd['endpoint']>[0]) =>
    expect(connect(sshd.endpoint(changes), { signal: never() }).then((open) => open.close())).rejects;

  test('nothing listens on the port', async () => {
    await (await failing({ port: await freePort() })).toMatchObject({
      kind: 'unreachable',
      code: 'ssh.refused',
      host: 'testhost',
      next: expect.stringContaining('ansible_port'),
    });
  });

  test('the name cannot be found', async () => {
    await (await failing({ address: 'no-such-host.invalid' })).toMatchObject({
      kind: 'unreachable',
      code: 'ssh.name-unknown',
    });
  });

  test('the port accepts and says nothing', async () => {
    const silent = await startTalker(undefined);
    cleanup.push(() => silent.close());
    await (await failing({ port: silent.port, connectTimeoutMs: 200 })).toMatchObject({
      kind: 'unreachable',
      code: 'ssh.silent',
      why: expect.stringContaining('within 200 ms'),
    });
  });

  test('the port stops talking in the middle of the handshake', async () => {
    const half = await startTalker('SSH-2.0-OpenSSH_9.9\r\n');
    cleanup.push(() => half.close());
    await (await failing({ port: half.port, connectTimeoutMs: 200 })).toMatchObject({
      code: 'ssh.handshake-timeout',
    });
  });

  test('the port speaks something else', async () => {
    const web = await startTalker(`HTTP/1.1 400 Bad Request\r\n\r\n${'x'.repeat(20_000)}`);
    cleanup.push(() => web.close());
    await (await failing({ port: web.port, connectTimeoutMs: 1000 })).toMatchObject({ code: 'ssh.not-ssh' });
  });

  test('the host hangs up before logging in', async () => {
    const refusing = await startSshd({ config: ['MaxStartups 1:100:1', 'LoginGraceTime 60'] });
    cleanup.push(() => refusing.stop());
    // The probe that waited for this sshd may still count as one that logs in: then the place is not ours yet.
    await vi.waitFor(async () => {
      const held = dial(refusing.port, '127.0.0.1');
      cleanup.push(() => held.destroy());
      const [greeting] = await once(held, 'data');
      expect(String(greeting)).toMatch(/^SSH-2/);
    }, 30_000);
    await expect(connect(refusing.endpoint(), { signal: never() })).rejects.toMatchObject({
      code: 'ssh.closed-early',
    });
  });

  test('there is no algorithm in common', async () => {
    const old = await startSshd({ config: ['KexAlgorithms diffie-hellman-group1-sha1'] });
    cleanup.push(() => old.stop());
    await expect(connect(old.endpoint(), { signal: never() })).rejects.toMatchObject({
      code: 'ssh.no-common-algorithm',
    });
  });

  test('it is given up at any moment', async () => {
    const silent = await startTalker(undefined);
    cleanup.push(() => silent.close());
    const early = AbortSignal.abort();
    await expect(connect(sshd.endpoint(), { signal: early })).rejects.toMatchObject({ name: 'AbortError' });
    const stop = new AbortController();
    const waiting = connect(sshd.endpoint({ port: silent.port }), { signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  });
});

describe('a connection that is lost fails everything at once and says how far it came, when', () => {
  const lost = async (connection: Connection, breakIt: () => void): Promise<void> => {
    const busy = Array.from({ length: 7 }, () => connection.run(command('sleep', '60')));
    const waiting = connection.run(command('true'));
    const download = await connection.open(command('cat', '/dev/zero'));
    download.stdin.end();
    let received = 0;
    const reading = pipeline(download.stdout, async (source) => {
      for await (const chunk of source) {
        received += chunk.length;
        if (received > 1024 * 1024) breakIt();
      }
    });
    const everything = await Promise.allSettled([
      reading,
      download.done,
      ...busy,
      waiting,
      connection.files.stat('/'),
    ]);
    for (const result of everything.slice(0, 9)) {
      expect(result).toMatchObject({
        status: 'rejected',
        reason: { kind: 'unreachable', code: 'ssh.connection-lost' },
      });
    }
    expect(everything[0]).toMatchObject({
      reason: {
        host: 'testhost',
        what: expect.stringContaining('cat /dev/zero'),
        why: expect.stringMatching(/ after \d.* MiB received and 0 B sent/),
      },
    });
    await expect(connection.run(command('true'))).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    await expect(connection.files.stat('/')).rejects.toMatchObject({ code: 'ssh.connection-lost' });
    await connection.close();
  };

  test('sshd is killed', async () => {
    await lost(await connect(sshd.endpoint(), { signal: never() }), () => sshd.kill());
  });

  test('the network resets it', async () => {
    const proxy = await startProxy(sshd.port);
    cleanup.push(() => proxy.close());
    await lost(await connect(through(proxy.port), { signal: never() }), () => proxy.reset());
  });

  test('the network goes silent', async () => {
    const proxy = await startProxy(sshd.port);
    cleanup.push(() => proxy.close());
    await lost(await connect(through(proxy.port, { keepaliveMs: 100 }), { signal: never() }), () =>
      proxy.freeze(),
    );
  });

  test('it was uploading', async () => {
    const connection = await connect(sshd.endpoint(), { signal: never() });
    const upload = await connection.open(command('cat'));
    upload.stdout.resume();
    let sent = 0;
    function* content(): Generator<Buffer> {
      for (;;) {
        sent += 65_536;
        if (sent > 4 * 1024 * 1024) sshd.kill();
        yield Buffer.alloc(65_536);
      }
    }
    await expect(pipeline(Readable.from(content()), upload.stdin)).rejects.toMatchObject({
      code: 'ssh.connection-lost',
      why: expect.stringMatching(/received and \d.* MiB sent/),
    });
    await expect(upload.done).rejects.toMatchObject({ code: 'ssh.connection-lost' });
  });
});

test('a connection over a dead network closes all the same', async () => {
  const proxy = await startProxy(sshd.port);
  cleanup.push(() => proxy.close());
  const connection = await connect(through(proxy.port), { signal: never() });
  const running = expect(connection.run(command('sleep', '60'))).rejects.toMatchObject({
    code: 'ssh.connection-closed',
  });
  proxy.freeze();
  await connection.close();
  await running;
});

/** The proxy's port is not the one in known_hosts. */
function through(port: number, changes: Parameters<TestSshd['endpoint']>[0] = {}) {
  return sshd.endpoint({ port, pinnedFingerprints: sshd.hostKeys.map((key) => key.fingerprint), ...changes });
}

function never(): AbortSignal {
  return new AbortController().signal;
}
