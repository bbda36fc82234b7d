import { execFile, spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type { Cluster } from '../../interop/postgres/cluster.js';
import { lab } from '../lab.js';

const OUTPUT_LIMIT = 512 * 1024 * 1024;
const run = promisify(execFile);

/**
 * A newer PostgreSQL in a container without a network, with the tests' folder under its own path. The server is made and
 * started by its own programs, as in the cluster of the interop tests.
 */
export async function startContainerCluster(major: number): Promise<Cluster> {
  const image = (await lab('postgres.sh', 'build', String(major))).trim();
  const folder = await mkdtemp(join(tmpdir(), `coolify-state-postgres-${major}-`));
  // The server's user in the container is another one here.
  await chmod(folder, 0o777);
  const container = `coolify-state-lab-postgres-${major}-${process.pid}`;
  const inside = ['--user', 'postgres', '--env', 'PGHOST=/tmp', '--env', 'PGUSER=tester', '--env', 'TZ=UTC'];
  const call = async (...words: readonly string[]): Promise<Buffer> => {
    const options = { encoding: 'buffer', maxBuffer: OUTPUT_LIMIT } as const;
    return (await run('docker', ['exec', ...inside, container, ...words], options)).stdout;
  };
  const stop = async (): Promise<void> => {
    await run('docker', ['rm', '--force', '--volumes', container]).catch(() => undefined);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await run('docker', [
      ...['run', '--detach', '--init', '--name', container, '--label', 'coolify-state.lab=1'],
      ...['--network', 'none', '--volume', `${folder}:${folder}`, image, 'sleep', 'infinity'],
    ]);
    await call(
      'initdb',
      '-D',
      '/tmp/data',
      '-U',
      'tester',
      '-A',
      'trust',
      '-E',
      'UTF8',
      '--locale=C.UTF-8',
      '-N',
    );
    const settings =
      '-c listen_addresses= -c unix_socket_directories=/tmp -c fsync=off -c max_locks_per_transaction=300';
    await call('pg_ctl', '-D', '/tmp/data', '-w', '-l', '/tmp/log', '-o', settings, 'start');
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    folder,
    environment: {},
    psql: async (database, sql) => {
      const words = ['psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', database];
      return feed(['exec', '-i', ...inside, container, ...words], sql);
    },
    dump: (database, ...options) => call('pg_dump', '--format=custom', ...options, database),
    dumpToFile: async (database, file, ...options) => {
      await call('pg_dump', '--format=custom', ...options, `--file=${file}`, database);
    },
    restore: (file, ...options) => call('pg_restore', ...options, file),
    stop,
  };
}

async function feed(words: readonly string[], input: string): Promise<string> {
  const child = spawn('docker', words, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', resolve);
  });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  const [status, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  if (status !== 0) throw new Error(`psql ended with ${status}: ${stderr}`);
  return stdout;
}
