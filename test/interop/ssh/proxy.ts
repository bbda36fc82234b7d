import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { Transform } from 'node:stream';
import { requireProgram } from './sshd.js';

/** A TCP proxy that can stop being one. */
export interface FaultyProxy {
  readonly port: number;
  /** How many connections there have been. */
  accepted(): number;
  /** Nothing passes any more on the connections that there are, and nothing is closed, whatever either side does. */
  freeze(): void;
  /** Resets both sides. */
  reset(): void;
  close(): Promise<void>;
}

export interface ProxyOptions {
  /** Where to listen; any free port when it is not given. */
  readonly port?: number;
  /** How what the server says passes: so many bytes at a time. */
  readonly drops?: { readonly bytes: number; readonly everyMs: number };
}

export async function startProxy(
  target: number,
  { port: wanted = 0, drops }: ProxyOptions = {},
): Promise<FaultyProxy> {
  const sockets = new Set<Socket>();
  const frozen = new WeakSet<Socket>();
  let accepted = 0;
  const server = createServer((client) => {
    accepted += 1;
    const upstream = connect(target, '127.0.0.1');
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      if (drops && from === upstream) upstream.pipe(dropping(drops)).pipe(client);
      else from.pipe(to);
      const passOn = (): void => {
        if (!frozen.has(from)) to.destroy();
      };
      from.on('error', passOn);
      from.on('close', () => {
        sockets.delete(from);
        passOn();
      });
    }
  });
  const port = await listen(server, wanted);
  return {
    port,
    accepted: () => accepted,
    freeze: () => {
      for (const socket of sockets) frozen.add(socket.unpipe().pause());
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
): Promise<{ port: number; connections(): number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.resume();
    if (greeting !== undefined) socket.write(greeting);
  });
  const port = await listen(server);
  return {
    port,
    connections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A port that answers nobody: its queue is full, and the kernel drops whoever comes. */
export async function startFull(): Promise<{ port: number; close(): void }> {
  const script =
    'import socket, time; s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(0); print(s.getsockname()[1], flush=True); time.sleep(600)';
  const child = spawn(requireProgram('/usr/bin/python3', 'python3'), ['-c', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(child.stdout, 'data');
  const port = Number(String(line));
  const waiting = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  await new Promise((resolve) => setTimeout(resolve, 100));
  return {
    port,
    close: () => {
      for (const socket of waiting) socket.destroy();
      child.kill('SIGKILL');
    },
  };
}

function dropping({ bytes, everyMs }: { readonly bytes: number; readonly everyMs: number }): Transform {
  return new Transform({
    highWaterMark: bytes,
    async transform(chunk: Buffer, _encoding, callback) {
      for (let at = 0; at < chunk.length; at += bytes) {
        this.push(chunk.subarray(at, at + bytes));
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
      callback();
    },
  });
}

async function listen(server: ReturnType<typeof createServer>, wanted = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(wanted, '127.0.0.1', resolve));
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return address.port;
}
