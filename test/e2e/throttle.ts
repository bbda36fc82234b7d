import { createConnection, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';

/** A thin line to a server: what clients send trickles, what they receive does not. */
export interface ThinLine extends AsyncDisposable {
  /** To be used as the endpoint itself: S3's signatures cover the name and the port that the client speaks to. */
  readonly endpoint: string;
  /** Bytes that have been sent to the server. */
  readonly sent: () => number;
}

export async function thinLine(to: string, bytesPerSecond: number): Promise<ThinLine> {
  const { hostname, port } = new URL(to);
  const open = new Set<Socket>();
  let sent = 0;
  const trickle = (): Transform =>
    new Transform({
      highWaterMark: 16 * 1024,
      transform(chunk: Buffer, _encoding, callback) {
        sent += chunk.length;
        sleep((chunk.length / bytesPerSecond) * 1000).then(() => callback(null, chunk), callback);
      },
    });
  const server = createServer({ highWaterMark: 16 * 1024 }, (client) => {
    const upstream = createConnection({ host: hostname, port: Number(port) });
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => undefined);
    }
    // Either side may leave at any time; the other one is then closed by its pipeline.
    pipeline(client, trickle(), upstream).catch(() => undefined);
    pipeline(upstream, client).catch(() => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the thin line has no port');
  return {
    endpoint: `http://127.0.0.1:${address.port}`,
    sent: () => sent,
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
