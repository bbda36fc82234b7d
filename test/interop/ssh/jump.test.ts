import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../../../src/ssh/command.js';
import { connect } from '../../../src/ssh/connection.js';
import type { Endpoint } from '../../../src/ssh/endpoint.js';
import { startTalker } from './proxy.js';
import { freePort, startSshd, type TestSshd } from './sshd.js';

let first: TestSshd;
let second: TestSshd;
let target: TestSshd;
beforeAll(async () => {
  [first, second, target] = await Promise.all([startSshd(), startSshd(), startSshd()]);
});
afterAll(async () => {
  await Promise.all([first?.stop(), second?.stop(), target?.stop()]);
});

describe('a host behind jump hosts', () => {
  test('is reached through one and through two, by its own key and host key', async () => {
    for (const jumps of [[first], [first, second]]) {
      await using connection = await connect(behind(...jumps), { signal: never() });
      expect(connection.hostKey).toEqual(target.hostKeys[0]);
      const { stdout } = await connection.run(command('printenv', 'SSH_CONNECTION'));
      expect(stdout.toString()).toContain(` ${target.port}\n`);
    }
    expect(second.log()).toContain('Accepted publickey');
  });

  test('takes and gives large data', async () => {
    await using connection = await connect(behind(first, second), { signal: never() });
    const content = randomBytes(8 * 1024 * 1024);
    const received = createHash('sha256');
    const process = await connection.open(command('cat'));
    await Promise.all([
      pipeline(Readable.from([content]), process.stdin),
      pipeline(process.stdout, received),
    ]);
    expect(received.digest('hex')).toBe(createHash('sha256').update(content).digest('hex'));
  });

  test('is checked as any other: an unknown key is refused', async () => {
    const strange = { ...behind(first), knownHostsFiles: [] };
    await expect(connect(strange, { signal: never() })).rejects.toMatchObject({
      code: 'ssh.host-key-unknown',
    });
  });

  test('is lost with the jump host', async () => {
    const dying = await startSshd();
    try {
      await using connection = await connect(behind(dying), { signal: never() });
      const running = connection.run(command('sleep', '60'));
      const failed = expect(running).rejects.toMatchObject({ code: 'ssh.connection-lost', host: 'testhost' });
      await connection.run(command('true'));
      dying.kill();
      await failed;
    } finally {
      await dying.stop();
    }
  });
});

describe('the way is named that does not work:', () => {
  test('a jump host that refuses', async () => {
    const gone = { ...first.endpoint({ port: await freePort() }), host: 'bastion' };
    await expect(connect(target.endpoint({ jumps: [gone] }), { signal: never() })).rejects.toMatchObject({
      code: 'ssh.refused',
      host: 'bastion',
    });
  });

  test('a target that does not answer the jump host', async () => {
    const closed = target.endpoint({ port: await freePort(), jumps: [jump(first)] });
    await expect(connect(closed, { signal: never() })).rejects.toMatchObject({
      kind: 'unreachable',
      code: 'ssh.jump-refused',
      host: 'testhost',
      what: expect.stringContaining('through bastion'),
    });
  });

  test('a jump host that forwards nothing', async () => {
    const closed = await startSshd({ config: ['AllowTcpForwarding no'] });
    try {
      await expect(connect(behind(closed), { signal: never() })).rejects.toMatchObject({
        code: 'ssh.jump-forbidden',
        next: expect.stringContaining('AllowTcpForwarding'),
      });
    } finally {
      await closed.stop();
    }
  });

  test('a silent port behind it', async () => {
    const silent = await startTalker(undefined);
    const endpoint = target.endpoint({ port: silent.port, jumps: [jump(first)], connectTimeoutMs: 300 });
    await expect(connect(endpoint, { signal: never() })).rejects.toMatchObject({ code: 'ssh.silent' });
    await silent.close();
  });
});

function behind(...jumps: readonly TestSshd[]): Endpoint {
  return target.endpoint({ jumps: jumps.map(jump) });
}

function jump(sshd: TestSshd): Endpoint {
  return { ...sshd.endpoint(), host: 'bastion' };
}

function never(): AbortSignal {
  return new AbortController().signal;
}
