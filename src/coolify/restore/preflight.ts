import { StateError } from '../../core/errors.js';
import { containerState } from '../containers.js';
import { DatabaseSession } from '../database/session.js';
import { liveAccess } from '../database/swap.js';
import { installedVersion } from '../facts.js';
import { DUMP_PATH } from '../stored-paths.js';
import { olderServer } from './database.js';
import {
  dumpMajor,
  isNewer,
  mebibytes,
  needsOf,
  type SnapshotSize,
  SUPPORTED_ARCHITECTURES,
  SUPPORTED_SYSTEMS,
} from './needs.js';
import type { Target } from './target.js';
import type { TargetFacts } from './target-facts.js';

/** What is done where a newer Coolify stands on the target than the snapshot's. */
export type NewerCoolify = 'refuse' | 'keep' | 'replace';

/** What the database server of a target is, as far as it can be asked. */
export interface ServerFacts {
  readonly major: number;
  /** Size of Coolify's live database. */
  readonly databaseBytes: number;
}

/** Asks the database server; undefined when it does not run. */
export async function serverFacts(target: Target, signal: AbortSignal): Promise<ServerFacts | undefined> {
  const { connection, layout } = target;
  if ((await containerState(connection, layout.databaseContainer, signal)) !== 'running') return undefined;
  const { database, ...access } = await liveAccess(target, signal);
  await using session = await DatabaseSession.open(connection, { ...access, database: 'postgres' }, signal);
  const version = Number(await session.value("SELECT current_setting('server_version_num');"));
  const size = await session.query(
    `SELECT pg_database_size(datname) FROM pg_database WHERE datname = '${database.replaceAll("'", "''")}';`,
  );
  return { major: Math.trunc(version / 10_000), databaseBytes: Number(size[0] ?? 0) };
}

/** How much of what a snapshot holds goes onto a target. */
function sizeOf(target: Target): SnapshotSize {
  const { manifest } = target.source.generation;
  const loads = target.wants('database') && !target.databaseMatches;
  const wanted = manifest.files.filter(({ artifact }) => target.wants(artifact));
  return {
    dumpBytes: loads ? (target.file(DUMP_PATH)?.size ?? 0) : 0,
    databaseBytes: loads ? target.source.instance.database.sizeBytes : 0,
    fileBytes: wanted.filter(({ path }) => path !== DUMP_PATH).reduce((sum, { size }) => sum + size, 0),
  };
}

/**
 * @throws StateError `restore.architecture`, `restore.system`
 */
export function refuseForeignMachine(
  { kind, facts: { architecture, system } }: Target,
  { systemId }: TargetFacts,
): void {
  if (!SUPPORTED_ARCHITECTURES.includes(architecture)) {
    throw new StateError({
      kind: 'failed',
      code: 'restore.architecture',
      what: 'Coolify does not run on this machine',
      why: `its architecture is ${architecture}; there are images for x86_64 and aarch64`,
      next: 'take another server as target; nothing was changed on this one',
    });
  }
  // Where Coolify stands already, nothing has to be installed.
  if (kind === 'installed' || SUPPORTED_SYSTEMS.includes(systemId)) return;
  throw new StateError({
    kind: 'failed',
    code: 'restore.system',
    what: "Coolify's installer does not support this system",
    why: `it is ${system} (ID ${systemId || 'unknown'} in /etc/os-release)`,
    next: 'take a server with Debian, Ubuntu or another system that Coolify names; nothing was changed on this one',
  });
}

/** @throws StateError `restore.newer-coolify`, `database.server-older` */
export function refuseVersions(
  target: Target,
  facts: TargetFacts,
  server: ServerFacts | undefined,
  newer: NewerCoolify,
): void {
  if (target.wants('env') || target.wants('database')) refuseNewer(target, newer);
  if (target.wants('database')) refuseOlderServer(target, server?.major ?? facts.volumeMajor);
}

function refuseNewer(target: Target, newer: NewerCoolify): void {
  const installed = installedVersion(target.facts);
  const { version } = target.source.instance.coolify;
  if (target.kind === 'bare' || installed === undefined || newer !== 'refuse') return;
  // A run that goes on was asked when it began.
  if (target.resumed || !isNewer(installed, version)) return;
  throw new StateError({
    kind: 'failed',
    code: 'restore.newer-coolify',
    what: `The target runs Coolify ${installed}, newer than the snapshot's ${version}`,
    why: 'migrations run forward, never back',
    next: `add --allow-newer: Coolify ${installed} stays and brings the restored database up to itself; or --downgrade: the installer puts Coolify ${version} in its place`,
  });
}

function refuseOlderServer(target: Target, major: number | undefined): void {
  const dumped = dumpMajor(target.source.instance);
  if (major === undefined || major >= dumped) return;
  throw olderServer(major, dumped);
}

/** @throws StateError `restore.no-space` with the numbers */
export function refuseLittleSpace(target: Target, facts: TargetFacts, server: ServerFacts | undefined): void {
  const short = needsOf(facts, sizeOf(target)).find(({ space, bytes }) => space.freeBytes < bytes);
  if (short === undefined) return;
  const { space, bytes, parts } = short;
  const dump = target.file(DUMP_PATH)?.size ?? 0;
  throw new StateError({
    kind: 'failed',
    code: 'restore.no-space',
    what: `The target has too little space in ${space.path}`,
    why:
      `${mebibytes(space.freeBytes)} are free, about ${mebibytes(bytes)} are needed: ${parts.join(', ')}; ` +
      `the dump has ${mebibytes(dump)}${server === undefined ? '' : `, the present database of ${mebibytes(server.databaseBytes)} stays until all is proven`}`,
    next: `make room there ("df -h ${space.path}" on the host, "docker system df"), then run the restore again; nothing was changed`,
  });
}

/** What is free and what is needed, one clause for each file system. */
export function spacesOf(target: Target, facts: TargetFacts): string[] {
  return needsOf(facts, sizeOf(target)).map(
    ({ space, bytes }) =>
      `${mebibytes(space.freeBytes)} free in ${space.path}, about ${mebibytes(bytes)} needed`,
  );
}

/** The facts of the snapshot for people, one clause each. */
export function snapshotFactsOf({ source, version, migrates }: Target): string[] {
  const { coolify, database, keys, system } = source.instance;
  const rows = database.tables.reduce((sum, table) => sum + table.rows, 0);
  return [
    `the snapshot: Coolify ${coolify.version}${migrates ? ` (${version} stays on the target)` : ''}, PostgreSQL ${database.version}, of ${system.name}, ${system.architecture}`,
    `in it: ${database.tables.length} tables with ${rows} rows, ${keys.length} managed keys`,
  ];
}
