import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { sendTogether } from '../../../src/ssh/send-together.js';

it('what is written in one turn arrives whole and in order, also right before the end', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const received = new Promise<string>((resolve) => {
    server.once('connection', (socket: Socket) => {
      let text = '';
      socket.on('data', (chunk) => {
        text += chunk.toString();
      });
      socket.on('end', () => resolve(text));
    });
  });
  const socket = connect(address.port, '127.0.0.1');
  await once(socket, 'connect');
  try {
    sendTogether(socket);
    socket.write('one ');
    sendTogether(socket);
    socket.write('two ');
    expect(socket.writableCorked).toBe(2);
    await new Promise(setImmediate);
    expect(socket.writableCorked).toBe(0);
    sendTogether(socket);
    socket.write('three');
    socket.end();
    expect(await received).toBe('one two three');
  } finally {
    socket.destroy();
    server.close();
  }
});
