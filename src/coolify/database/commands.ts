import { command, type RemoteCommand } from '../../ssh/command.js';
import type { EnvFile } from '../env-file.js';

/** How to reach Coolify's database: through its container, over the local socket, which asks for no password. */
export interface DatabaseAccess {
  readonly container: string;
  readonly user: string;
  readonly database: string;
}

export function databaseAccessOf(container: string, env: EnvFile): DatabaseAccess {
  return {
    container,
    user: env.get('DB_USERNAME') || 'coolify',
    database: env.get('DB_DATABASE') || 'coolify',
  };
}

/** psql that reads statements from its standard input and stops at the first error. */
export function psql({ container, user, database }: DatabaseAccess): RemoteCommand {
  return command(
    ...(['docker', 'exec', '-i', container, 'psql', '--no-psqlrc', '--quiet', '--no-align'] as const),
    ...['--tuples-only', '--set=ON_ERROR_STOP=1', `--username=${user}`, `--dbname=${database}`],
  );
}

/**
 * A dump in custom format on standard output; nothing is written on the host. `compression` is zlib's level: the
 * archive is compressed here, in parallel, so that the host is spared. It ends with its standard input, which is to
 * stay open until the dump is done.
 */
export function pgDump(
  { container, user, database }: DatabaseAccess,
  options: { readonly compression: number; readonly snapshot?: string },
): RemoteCommand {
  const dump = [
    ...(['pg_dump', '--format=custom', '--no-acl', '--no-owner'] as const),
    ...[`--compress=${options.compression}`, `--username=${user}`, `--dbname=${database}`],
    ...(options.snapshot === undefined ? [] : [`--snapshot=${options.snapshot}`]),
  ];
  return {
    ...command('docker', 'exec', '-i', container, 'sh', '-c', WHILE_INPUT_LASTS, 'sh', ...dump),
    summary: ['docker exec', container, ...dump].join(' '),
  };
}

/**
 * Runs a program until its end, or that of the input. A process in a container outlives the `docker exec` that
 * started it, so a pg_dump that waits for a lock would stay for ever when the one who wanted the dump is gone.
 * Every process here is waited for: an orphan would be inherited by PostgreSQL, process 1 of its container, which
 * takes one that did not end well for a server process of its own and restarts.
 */
const WHILE_INPUT_LASTS = `
exec 3<&0
"$@" </dev/null 3<&- & program=$!
{ read -r _ <&3; kill "$program"; } >/dev/null 2>&1 & watch=$!
wait "$program"; status=$?
kill "$watch" 2>/dev/null
wait "$watch" 2>/dev/null
exit "$status"
`;

/** pg_restore of a dump on standard input into an empty database: all of it, or an error. */
export function pgRestore({ container, user, database }: DatabaseAccess): RemoteCommand {
  return command(
    ...([
      'docker',
      'exec',
      '-i',
      container,
      'pg_restore',
      '--exit-on-error',
      '--single-transaction',
    ] as const),
    ...['--no-owner', '--no-acl', `--username=${user}`, `--dbname=${database}`],
  );
}

export function pgIsReady({ container, user, database }: DatabaseAccess): RemoteCommand {
  return command(
    'docker',
    'exec',
    container,
    'pg_isready',
    '-q',
    `--username=${user}`,
    `--dbname=${database}`,
  );
}
