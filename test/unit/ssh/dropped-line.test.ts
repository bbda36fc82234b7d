import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { PassThrough } from 'node:stream';
import { expect, it } from 'vitest';
import { dropTransport } from '../../../src/ssh/transport.js';

it('what waits to be sent on a line that is given up is not sent any more', async () => {
  const server = createServer({ pauseOnConnect: true });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  const socket = connect(address.port, '127.0.0.1');
  const [[peer]]: [Socket[], unknown] = await Promise.all([
    once(server, 'connection'),
    once(socket, 'connect'),
  ]);
  if (peer === undefined) throw new Error('nobody came');
  // Nobody reads it: the system has taken all, and can hand over only what fits into the other side's buffer.
  const sent = 1024 * 1024;
  await new Promise((resolve) => socket.write(Buffer.alloc(sent), resolve));

  const through = new PassThrough();
  const closed = once(socket, 'close');
  dropTransport({ socket: through, below: { socket, below: undefined } });
  expect(through.destroyed).toBe(true);
  await closed;

  let received = 0;
  peer.on('data', (chunk: Buffer) => {
    received += chunk.length;
  });
  peer.on('error', () => undefined);
  peer.resume();
  await new Promise((resolve) => peer.on('close', resolve));
  expect(received).toBeLessThan(sent);
  server.close();
});
