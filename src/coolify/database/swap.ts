import { quoteIdentifier, quoteLiteral } from '../../postgres/identifiers.js';
import { EnvFile } from '../env-file.js';
import { contentOf, readPaths } from '../remote-files.js';
import type { Target } from '../restore/target.js';
import { type DatabaseAccess, databaseAccessOf } from './commands.js';
import { DatabaseSession } from './session.js';

/** The replaced database is kept under this name and a time until all is proven. */
export const FORMER_PREFIX = 'coolify_state_former_';

/** A restored database that was taken back, until that is proven. */
export const UNDONE_PREFIX = 'coolify_state_undone_';

/** Databases that restores have replaced and kept. */
export function formerDatabases(target: Target, signal: AbortSignal): Promise<string[]> {
  return databasesLike(target, FORMER_PREFIX, signal);
}

/** All databases of ours beside the live one. */
export async function spareDatabases(target: Target, signal: AbortSignal): Promise<string[]> {
  return await databasesLike(target, 'coolify_state_', signal);
}

export async function databasesLike(target: Target, prefix: string, signal: AbortSignal): Promise<string[]> {
  await using session = await DatabaseSession.open(
    target.connection,
    await maintenanceAccess(target, signal),
    signal,
  );
  return await session.query(
    `SELECT datname FROM pg_database WHERE datname LIKE ${quoteLiteral(`${prefix.replaceAll('_', '\\_')}%`)} ORDER BY 1;`,
  );
}

export async function dropDatabases(
  target: Target,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await using session = await DatabaseSession.open(
    target.connection,
    await maintenanceAccess(target, signal),
    signal,
  );
  for (const name of names)
    await session.query(`DROP DATABASE IF EXISTS ${quoteIdentifier(name)} WITH (FORCE);`);
}

/** Both renames in one transaction, after whoever is still connected was sent away: all or nothing. */
export async function swap(
  session: DatabaseSession,
  { live, next, aside }: { readonly live: string; readonly next: string; readonly aside: string },
): Promise<void> {
  const names = [live, next].map(quoteLiteral).join(', ');
  await session.query(
    `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname IN (${names}) AND pid <> pg_backend_pid();
     SELECT pg_sleep(0.2);
     BEGIN;
     ALTER DATABASE ${quoteIdentifier(live)} RENAME TO ${quoteIdentifier(aside)};
     ALTER DATABASE ${quoteIdentifier(next)} RENAME TO ${quoteIdentifier(live)};
     COMMIT;`,
  );
}

export function dated(prefix: string): string {
  return `${prefix}${new Date().toISOString().replace(/\D/g, '').slice(0, 14)}`;
}

export async function markOfLive(target: Target, signal: AbortSignal): Promise<string> {
  const { database, ...access } = await liveAccess(target, signal);
  await using session = await DatabaseSession.open(
    target.connection,
    { ...access, database: 'postgres' },
    signal,
  );
  return await session.value(
    `SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = ${quoteLiteral(database)};`,
  );
}

/** How to reach the database as the target's own `.env` says. */
export async function liveAccess(target: Target, signal: AbortSignal): Promise<DatabaseAccess> {
  let env = target.source.env;
  await readPaths(
    target.connection,
    [target.layout.env],
    async (_file, content) => {
      env = EnvFile.parse((await contentOf(content, 1024 * 1024, target.layout.env)).toString('utf8'));
    },
    signal,
  );
  return databaseAccessOf(target.layout.databaseContainer, env);
}

export async function maintenanceAccess(target: Target, signal: AbortSignal): Promise<DatabaseAccess> {
  return { ...(await liveAccess(target, signal)), database: 'postgres' };
}
