import { execFile, spawn } from 'node:child_process';
import { chown, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';

const DEBIAN = '/usr/lib/postgresql';
const DUMP_LIMIT = 512 * 1024 * 1024;
const run = promisify(execFile);

/** A PostgreSQL of the tests' own: in a temporary folder, on a socket in it, without any port. */
export interface Cluster {
  /** Folder for files of the tests. */
  readonly folder: string;
  /** With it, PostgreSQL's programs are found, and find the server. */
  readonly environment: NodeJS.ProcessEnv;
  /** Runs SQL; gives what it prints, unaligned and without headers. */
  psql(database: string, sql: string): Promise<string>;
  /** `pg_dump --format=custom` into a pipe. */
  dump(database: string, ...options: string[]): Promise<Buffer>;
  /** The same into a file, in which pg_dump notes afterwards where the blocks begin. */
  dumpToFile(database: string, file: string, ...options: string[]): Promise<void>;
  /** What pg_restore prints of a dump: with `-l` its table of contents, with `-f -` its SQL. */
  restore(file: string, ...options: string[]): Promise<Buffer>;
  stop(): Promise<void>;
}

/** `settings` are further options of the server, such as `-c work_mem=1MB`. */
export async function startCluster(settings: readonly string[] = []): Promise<Cluster> {
  const programs = await serverPrograms();
  const folder = await mkdtemp(join(tmpdir(), 'coolify-state-postgres-'));
  // PostgreSQL refuses to be run by root: what is root's is done by the user that Debian made for it.
  const asServer = (program: string, ...options: string[]): readonly [string, readonly string[]] =>
    process.getuid?.() === 0
      ? [
          'setpriv',
          ['--reuid=postgres', '--regid=postgres', '--init-groups', join(programs, program), ...options],
        ]
      : [join(programs, program), options];
  const environment = {
    ...process.env,
    PATH: `${programs}:${process.env['PATH'] ?? ''}`,
    PGHOST: folder,
    PGUSER: 'tester',
    LC_ALL: 'C.UTF-8',
    TZ: 'UTC',
  };
  const call = async (program: string, options: readonly string[]): Promise<Buffer> => {
    const { stdout } = await run(join(programs, program), options, {
      env: environment,
      encoding: 'buffer',
      maxBuffer: DUMP_LIMIT,
    });
    return stdout;
  };
  const data = join(folder, 'data');
  const control = async (...options: string[]): Promise<void> => {
    await run(...asServer('pg_ctl', '-D', data, '-w', ...options), { cwd: folder });
  };
  try {
    if (process.getuid?.() === 0) await chown(folder, await postgresUser(), 0);
    await run(
      ...asServer(
        'initdb',
        '-D',
        data,
        '-U',
        'tester',
        '-A',
        'trust',
        '-E',
        'UTF8',
        '--locale=C.UTF-8',
        '-N',
      ),
      {
        cwd: folder,
      },
    );
    const own = `-c listen_addresses= -c unix_socket_directories=${folder} -c fsync=off -c full_page_writes=off`;
    await control('-l', join(folder, 'log'), '-o', [own, ...settings].join(' '), 'start');
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    folder,
    environment,
    psql: (database, sql) =>
      feed(join(programs, 'psql'), ['-XAtq', '-v', 'ON_ERROR_STOP=1', database], sql, environment),
    dump: (database, ...options) => call('pg_dump', ['--format=custom', ...options, database]),
    dumpToFile: async (database, file, ...options) => {
      await call('pg_dump', ['--format=custom', ...options, `--file=${file}`, database]);
    },
    restore: (file, ...options) => call('pg_restore', [...options, file]),
    stop: async () => {
      await control('-m', 'immediate', 'stop');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The folder of the newest PostgreSQL server that Debian's or Ubuntu's packages installed. */
async function serverPrograms(): Promise<string> {
  for (const version of (await installedVersions()).sort((one, other) => other - one)) {
    const folder = join(DEBIAN, String(version), 'bin');
    const programs: string[] = await readdir(folder).catch(() => []);
    if (programs.includes('initdb')) return folder;
  }
  throw new Error('these tests need a PostgreSQL server: apt-get install postgresql');
}

async function installedVersions(): Promise<number[]> {
  const names: string[] = await readdir(DEBIAN).catch(() => []);
  return names.map(Number).filter((version) => version >= 12);
}

async function postgresUser(): Promise<number> {
  const { stdout } = await run('id', ['-u', 'postgres']).catch(() => {
    throw new Error('these tests need the user postgres, which apt-get install postgresql makes');
  });
  return Number(stdout);
}

async function feed(
  program: string,
  options: readonly string[],
  input: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  const child = spawn(program, options, { env, stdio: ['pipe', 'pipe', 'pipe'] });
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
