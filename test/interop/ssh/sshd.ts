import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect as connectTcp, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Endpoint } from '../../../src/ssh/endpoint.js';
import { type HostKey, hostKeyOf } from '../../../src/ssh/host-key.js';

/** A real sshd on loopback, for one test file. It serves the user who runs the tests. */
export interface TestSshd {
  readonly port: number;
  readonly folder: string;
  /** Private key that may log in. */
  readonly identity: string;
  readonly hostKeys: readonly HostKey[];
  /** Where to connect to, as the right user with the right key and known_hosts. */
  endpoint(changes?: Partial<Endpoint>): Endpoint;
  /** How many connections it holds. */
  sessions(): number;
  /** What sshd logged. */
  log(): string;
  /** Kills sshd and every session of it, as a crash would. */
  kill(): void;
  stop(): Promise<void>;
}

export interface SshdOptions {
  readonly hostKeyTypes?: readonly string[];
  /** Further lines of sshd_config. They come first, so they win. */
  readonly config?: readonly string[];
  /** Makes what needs the host keys (`host_TYPE` in the folder); gives further lines of sshd_config. */
  readonly prepare?: (folder: string) => readonly string[];
}

export function requireProgram(path: string, debianPackage: string): string {
  if (existsSync(path)) return path;
  throw new Error(`This test needs ${path}: apt-get install ${debianPackage}`);
}

export async function startSshd({
  hostKeyTypes = ['ed25519'],
  config = [],
  prepare = () => [],
}: SshdOptions = {}): Promise<TestSshd> {
  const program = requireProgram('/usr/sbin/sshd', 'openssh-server');
  const folder = await mkdtemp(join(tmpdir(), 'ssh-test-'));
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true });
  const keyFiles = hostKeyTypes.map((type) => newKey(join(folder, `host_${type}`), type));
  const identity = newKey(join(folder, 'id_ed25519'), 'ed25519');
  await writeFile(join(folder, 'authorized_keys'), await readFile(`${identity}.pub`), { mode: 0o600 });
  const port = await freePort();
  const subsystem = config.some((line) => line.startsWith('Subsystem'))
    ? []
    : ['Subsystem sftp internal-sftp'];
  const configFile = join(folder, 'sshd_config');
  const lines = [
    ...config,
    ...prepare(folder),
    `ListenAddress 127.0.0.1:${port}`,
    ...keyFiles.map((file) => `HostKey ${file}`),
    `AuthorizedKeysFile ${join(folder, 'authorized_keys')}`,
    'PermitRootLogin prohibit-password',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'UsePAM no',
    'StrictModes no',
    'PidFile none',
    // Debian's bash reads ~/.bashrc for sshd unless it believes to be nested: nobody's start-up files belong here.
    'SetEnv SHLVL=5',
    'LogLevel VERBOSE',
    ...subsystem,
  ];
  await writeFile(configFile, `${lines.join('\n')}\n`);
  const child = spawn(program, ['-D', '-e', '-f', configFile], {
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString();
  });
  const publicKeys = await Promise.all(keyFiles.map((file) => readPublicKey(`${file}.pub`)));
  const known = publicKeys.map((key) => `[127.0.0.1]:${port} ${key.type} ${key.blob.toString('base64')}\n`);
  await writeFile(join(folder, 'known_hosts'), known.join(''));
  const stop = async (): Promise<void> => {
    killTree(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await listening(port, child, () => log);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    port,
    folder,
    identity,
    hostKeys: publicKeys,
    endpoint: (changes = {}) => ({
      host: 'testhost',
      address: '127.0.0.1',
      port,
      user: userInfo().username,
      identityFiles: [identity],
      knownHostsFiles: [join(folder, 'known_hosts')],
      hostKeyChecking: 'strict',
      pinnedFingerprints: [],
      connectTimeoutMs: 10_000,
      keepaliveMs: 15_000,
      ...changes,
    }),
    sessions: () => processes().filter(([, parent]) => parent === child.pid).length,
    log: () => log,
    kill: () => killTree(child),
    stop,
  };
}

/** Makes a key pair with ssh-keygen; returns the private key's path. */
export function newKey(file: string, type: string, ...more: readonly string[]): string {
  const passphrase = more.includes('-N') ? [] : ['-N', ''];
  const args = [
    '-q',
    '-t',
    type,
    ...(type === 'rsa' ? ['-b', '2048'] : []),
    ...passphrase,
    '-f',
    file,
    ...more,
  ];
  execFileSync('ssh-keygen', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  return file;
}

export async function readPublicKey(file: string): Promise<HostKey> {
  const blob = (await readFile(file, 'utf8')).split(' ')[1] ?? '';
  const key = hostKeyOf(Buffer.from(blob, 'base64'));
  if (!key) throw new Error(`${file} holds no public key`);
  return key;
}

export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== 'object' || address === null) throw new Error('no port was given');
  return address.port;
}

async function listening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    if (child.exitCode !== null) break;
    const open = await new Promise<boolean>((resolve) => {
      const socket = connectTcp(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`sshd did not start: ${log()}`);
}

/** Sessions are children of sshd in sessions of their own; they are found by their parents. */
function killTree({ pid }: ChildProcess): void {
  if (pid === undefined) return;
  const rows = processes();
  const tree = [pid];
  for (const parent of tree) {
    for (const [child, itsParent] of rows) {
      if (child !== undefined && itsParent === parent) tree.push(child);
    }
  }
  for (const victim of tree) {
    try {
      process.kill(victim, 'SIGKILL');
    } catch {
      // It has ended already.
    }
  }
}

/** Process ids and those of their parents. */
function processes(): number[][] {
  const table = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' });
  return table
    .trim()
    .split('\n')
    .map((row) => row.trim().split(/\s+/).map(Number));
}
