import { once } from 'node:events';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { command, pipe, script, withEnvironment } from '../../../src/ssh/command.js';
import { type Connection, connect } from '../../../src/ssh/connection.js';
import type { ConnectionEvent } from '../../../src/ssh/endpoint.js';
import { startSshd, type TestSshd } from './sshd.js';

let sshd: TestSshd;
let connection: Connection;
const events: ConnectionEvent[] = [];
beforeAll(async () => {
  sshd = await startSshd();
  connection = await connect(sshd.endpoint(), { signal: never(), onEvent: (event) => events.push(event) });
});
afterAll(async () => {
  await connection?.close();
  await sshd?.stop();
});

describe('a connection to sshd', () => {
  test('knows the host key and tells the cipher and the key that let it in', () => {
    expect(connection.hostKey).toEqual(sshd.hostKeys[0]);
    expect(events).toEqual([
      expect.objectContaining({ type: 'handshake', cipher: 'aes128-gcm@openssh.com' }),
      { type: 'authenticated', method: sshd.identity },
    ]);
  });

  test('runs a command and keeps both outputs apart', async () => {
    const result = await connection.run(script('printf out; printf err >&2; exit 3'), { check: false });
    expect(result).toEqual({ code: 3, stdout: Buffer.from('out'), stderr: 'err' });
  });

  test('gives a command its input, and an empty one when there is none', async () => {
    expect((await connection.run(command('cat'), { input: 'grüße' })).stdout.toString()).toBe('grüße');
    expect((await connection.run(command('cat'))).stdout.length).toBe(0);
  });

  test('runs pipes and sets variables; the locale is always C', async () => {
    const piped = pipe(
      withEnvironment({ X: `it's \\` }, script('echo "$X"; echo "$LC_ALL"')),
      command('cat'),
    );
    expect((await connection.run(piped)).stdout.toString()).toBe(`it's \\\nC\n`);
  });

  test('says which command failed, how, and what it said last', async () => {
    const failing = script(
      'i=0; while [ $i -lt 20 ]; do i=$((i+1)); echo "line $i \u001b[31m" >&2; done; exit 7',
      'a',
    );
    await expect(connection.run(failing)).rejects.toMatchObject({
      kind: 'failed',
      code: 'ssh.command-failed',
      host: 'testhost',
      why: 'exit status 7',
      detail: expect.stringMatching(/^line 13 \\x1b\[31m\n.*line 20 \\x1b\[31m$/s),
    });
  });

  test('tells a program that is not there from a shell that does not run it', async () => {
    const { code, stderr } = await connection.run(command('no-such-program'), { check: false });
    expect({ code, stderr }).toEqual({ code: 127, stderr: expect.stringContaining('no-such-program') });
  });

  test('reports the signal that ended a command', async () => {
    await expect(connection.run(script('kill -KILL $$'))).rejects.toMatchObject({ why: 'ended by SIGKILL' });
  });

  test('stops a command that prints more than it may', async () => {
    await expect(connection.run(command('cat', '/dev/zero'), { limitBytes: 100_000 })).rejects.toMatchObject({
      code: 'ssh.output-too-large',
    });
  });

  test('does not mind a command that ignores its input', async () => {
    const { code } = await connection.run(command('true'), { input: Buffer.alloc(8 * 1024 * 1024) });
    expect(code).toBe(0);
  });

  test('runs thirty commands at once although sshd takes ten', async () => {
    const results = await Promise.all(
      Array.from({ length: 30 }, (_, index) =>
        connection.run(script('sleep 0.05; echo "$1"', String(index))),
      ),
    );
    expect(results.map(({ stdout }) => Number(stdout.toString()))).toEqual(results.map((_, index) => index));
  });

  test('keeps going when a waiting command is given up', async () => {
    const giveUp = new AbortController();
    const busy = Array.from({ length: 8 }, () => connection.run(script('sleep 0.2')));
    const waiting = connection.run(command('true'), { signal: giveUp.signal });
    giveUp.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await Promise.all(busy);
    expect((await connection.run(command('true'))).code).toBe(0);
  });
});

describe('a process on the host', () => {
  test('streams both ways while it runs', async () => {
    const process = await connection.open(command('cat'));
    process.stdin.write('one');
    const [first] = await process.stdout.take(1).toArray();
    expect(String(first)).toBe('one');
  });

  test('fails the input when it ends early, after its exit status is known', async () => {
    const process = await connection.open(script('exit 5'));
    process.stdout.resume();
    const order: string[] = [];
    await Promise.all([
      process.done.then(({ code }) => order.push(`exit ${code}`)),
      pipeline(Readable.from(endless()), process.stdin).catch((error) => order.push(error.code)),
    ]);
    expect(order).toEqual(['exit 5', 'ssh.input-refused']);
  });

  test('is stopped when its reader leaves', async () => {
    const process = await connection.open(command('cat', '/dev/zero'));
    process.stdin.end();
    process.stdout.destroy();
    expect((await process.done).code).toBeUndefined();
  });

  test('whose reader leaves at its end still tells its exit status', async () => {
    const process = await connection.open(script('echo x; exit 3'));
    process.stdin.end();
    process.stdout.once('data', () => process.stdout.destroy());
    expect((await process.done).code).toBe(3);
  });

  // sshd refuses signals for logins as root: there the end of its input is what ends the command.
  test('can be killed', async () => {
    const process = await connection.open(command('cat', '-u', '-'));
    process.stdin.write('it has begun');
    await once(process.stdout, 'data');
    process.kill();
    expect(await process.done).toMatchObject({ code: undefined, signal: 'SIGTERM' });
    await vi.waitFor(async () => {
      const left = await connection.run(script('ps -eo args= | grep -c "^cat -u -$" || :'));
      expect(left.stdout.toString()).toBe('0\n');
    }, 30_000);
  });

  test('stops with the reason of its signal, and leaves the connection as it is', async () => {
    const giveUp = new AbortController();
    const process = await connection.open(command('cat', '/dev/zero'), { signal: giveUp.signal });
    process.stdin.end();
    const reading = pipeline(process.stdout, async (source) => {
      for await (const _chunk of source) giveUp.abort(new Error('enough'));
    });
    await expect(reading).rejects.toThrow('enough');
    await expect(process.done).rejects.toThrow('enough');
    expect((await connection.run(command('true'))).code).toBe(0);
  });

  test('frees its place whichever way it ends', async () => {
    for (let round = 0; round < 9; round += 1) {
      const process = await connection.open(command('cat'));
      if (round % 3 === 0) process.kill();
      else if (round % 3 === 1) process.stdin.destroy();
      else process.stdout.destroy();
      await process.done;
    }
    expect((await connection.run(command('true'))).code).toBe(0);
  });
});

describe('closing', () => {
  test('ends what runs, may be done twice, and refuses what comes later', async () => {
    const closing = await connect(sshd.endpoint(), { signal: never() });
    const running = closing.run(command('sleep', '60'));
    const failed = expect(running).rejects.toMatchObject({ code: 'ssh.connection-closed' });
    await new Promise((resolve) => setTimeout(resolve, 50));
    await Promise.all([closing.close(), closing.close()]);
    await failed;
    await expect(closing.run(command('true'))).rejects.toMatchObject({ code: 'ssh.connection-closed' });
    await expect(closing.files.stat('/')).rejects.toMatchObject({ code: 'ssh.connection-closed' });
  });

  test('by the signal ends everything with its reason', async () => {
    const stop = new AbortController();
    const closing = await connect(sshd.endpoint(), { signal: stop.signal });
    const running = closing.run(command('sleep', '60'));
    const failed = expect(running).rejects.toMatchObject({ name: 'AbortError' });
    await closing.run(command('true'));
    stop.abort();
    await failed;
    await closing.close();
  });

  test('is done by "await using"', async () => {
    let used: Connection;
    {
      await using scoped = await connect(sshd.endpoint(), { signal: never() });
      used = scoped;
    }
    await expect(used.run(command('true'))).rejects.toMatchObject({ code: 'ssh.connection-closed' });
  });
});

function never(): AbortSignal {
  return new AbortController().signal;
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(64 * 1024);
}
