import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy that can stop being one. */
export interface FaultyProxy {
  readonly port: number;
  /** Nothing passes any more, and nothing is closed. */
  freeze(): void;
  /** Resets both sides. */
  reset(): void;
  close(): Promise<void>;
}

export async function startProxy(target: number): Promise<FaultyProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  const port = await listen(server);
  return {
    port,
    freeze: () => {
      for (const socket of sockets) socket.unpipe().pause();
    },
    reset: () => {
      for (const socket of sockets) socket.resetAndDestroy();
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A server that greets with a text, or says nothing. */
export async function startTalker(
  greeting: string | undefined,
): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.resume();
    if (greeting !== undefined) socket.write(greeting);
  });
  const port = await listen(server);
  return {
    port,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return address.port;
}
