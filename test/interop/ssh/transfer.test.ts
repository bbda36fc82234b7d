import { createHash, randomFillSync } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command, script } from '../../../src/ssh/command.js';
import { type Connection, connect } from '../../../src/ssh/connection.js';
import { startSshd, type TestSshd } from './sshd.js';

const PIECE = 1024 * 1024;
const PIECES = 64;

let sshd: TestSshd;
let connection: Connection;
beforeAll(async () => {
  // Session keys are renewed every 10 MiB, so that it happens while data flows both ways.
  sshd = await startSshd({ config: ['RekeyLimit 10M'] });
  connection = await connect(sshd.endpoint(), { signal: new AbortController().signal });
});
afterAll(async () => {
  await connection?.close();
  await sshd?.stop();
});

describe('64 MiB', () => {
  test('arrive on the host as they were sent', async () => {
    const hash = createHash('sha256');
    const process = await connection.open(command('sha256sum'));
    const [answer] = await Promise.all([
      process.stdout.toArray(),
      pipeline(Readable.from(pieces(hash, 100_000)), process.stdin),
    ]);
    expect(Buffer.concat(answer).toString()).toBe(`${hash.digest('hex')}  -\n`);
    expect(await process.done).toEqual({ code: 0, stderr: '' });
  });

  test('come from the host as they are, and go back through both streams at once', async () => {
    const sent = createHash('sha256');
    const received = createHash('sha256');
    const process = await connection.open(command('cat'));
    await Promise.all([
      pipeline(Readable.from(pieces(sent, PIECE)), process.stdin),
      pipeline(process.stdout, received),
    ]);
    expect(received.digest('hex')).toBe(sent.digest('hex'));
    expect((await process.done).code).toBe(0);
  });

  test('wait for a slow reader instead of filling the memory', async () => {
    const process = await connection.open(command('head', '-c', String(PIECES * PIECE), '/dev/zero'));
    process.stdin.end();
    await new Promise((resolve) => process.stdout.once('readable', resolve));
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(process.stdout.readableLength).toBeLessThanOrEqual(2 * PIECE);
    let size = 0;
    for await (const chunk of process.stdout) size += chunk.length;
    expect(size).toBe(PIECES * PIECE);
  });
});

test('an upload that is given up stops at once and leaves the connection usable', async () => {
  const giveUp = new AbortController();
  const process = await connection.open(command('cat'), { signal: giveUp.signal });
  process.stdout.resume();
  let sent = 0;
  function* content(): Generator<Buffer> {
    for (;;) {
      sent += PIECE;
      if (sent > 8 * PIECE) giveUp.abort();
      yield Buffer.alloc(PIECE);
    }
  }
  await expect(pipeline(Readable.from(content()), process.stdin)).rejects.toMatchObject({
    name: 'AbortError',
  });
  await expect(process.done).rejects.toMatchObject({ name: 'AbortError' });
  expect((await connection.run(script('echo here'))).stdout.toString()).toBe('here\n');
});

function* pieces(hash: ReturnType<typeof createHash>, size: number): Generator<Buffer> {
  for (let left = PIECES * PIECE; left > 0; left -= size) {
    const piece = randomFillSync(Buffer.alloc(Math.min(size, left)));
    hash.update(piece);
    yield piece;
  }
}
