import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { requireProgram } from '../ssh/sshd.js';

/** A real Redis on loopback with a folder of its own, in memory only. */
export interface TestRedis {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  /** Ends it, and begins another on the same port that knows nothing. */
  restart(): Promise<void>;
  /** Ends it, and lets nothing take its place. */
  halt(): Promise<void>;
  /** Sends one command and comes with the first line of the answer. */
  command(...words: readonly string[]): Promise<string>;
  stop(): Promise<void>;
}

/** `config` are further arguments of redis-server, as `['--requirepass', '...']`. */
export async function startRedis(
  config: readonly string[] | ((folder: string, port: number) => readonly string[]) = [],
): Promise<TestRedis> {
  const program = requireProgram('/usr/bin/redis-server', 'redis-server');
  const folder = await mkdtemp(join(tmpdir(), 'redis-test-'));
  const port = await freePort();
  const more = typeof config === 'function' ? config(folder, port) : config;
  let child = await started(program, folder, port, more);
  const halt = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return {
    port,
    folder,
    url: `redis://127.0.0.1:${port}`,
    halt,
    restart: async () => {
      await halt();
      child = await started(program, folder, port, more);
    },
    command: (...words) => answered(port, words),
    stop: async () => {
      await halt();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function started(
  program: string,
  folder: string,
  port: number,
  more: readonly string[],
): Promise<ChildProcess> {
  const usual = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  return await whenReady(spawn(program, [...usual, ...more], { stdio: ['ignore', 'pipe', 'pipe'] }));
}

async function whenReady(child: ChildProcessByStdio<null, Readable, Readable>): Promise<ChildProcess> {
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const look = (chunk: Buffer): void => {
      said += chunk.toString();
      if (/Ready to accept connections|\+monitor|Sentinel ID is/.test(said)) resolve();
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    child.once('exit', () => reject(new Error(`redis-server ended:\n${said}`)));
    child.once('error', reject);
  });
  return child;
}

function answered(port: number, words: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', reject);
    socket.once('data', (chunk) => {
      socket.end();
      resolve(chunk.toString().split('\r\n')[0] ?? '');
    });
    const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
    socket.write(`*${words.length}\r\n${parts.join('')}`);
  });
}

/** A sentinel that watches a master under the name `main`. */
export async function startSentinel(
  master: number,
): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'redis-sentinel-'));
  const port = await freePort();
  const file = join(folder, 'sentinel.conf');
  await writeFile(
    file,
    `port ${port}\nbind 127.0.0.1\ndir ${folder}\nsentinel monitor main 127.0.0.1 ${master} 1\n`,
  );
  const child = await whenReady(
    spawn('redis-server', [file, '--sentinel'], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  return {
    port,
    stop: async () => {
      child.kill('SIGKILL');
      await once(child, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}
