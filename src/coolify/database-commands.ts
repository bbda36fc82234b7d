import { command, type RemoteCommand } from '../ssh/command.js';
import type { EnvFile } from './env-file.js';

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
 * archive is compressed here, in parallel, so that the host is spared.
 */
export function pgDump(
  { container, user, database }: DatabaseAccess,
  options: { readonly compression: number; readonly snapshot?: string },
): RemoteCommand {
  return command(
    ...(['docker', 'exec', container, 'pg_dump', '--format=custom', '--no-acl', '--no-owner'] as const),
    ...[`--compress=${options.compression}`, `--username=${user}`, `--dbname=${database}`],
    ...(options.snapshot === undefined ? [] : [`--snapshot=${options.snapshot}`]),
  );
}

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
