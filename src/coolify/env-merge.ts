import { readFile } from 'node:fs/promises';
import type { Connection } from '../ssh/connection.js';
import { EnvFile } from './env-file.js';
import { contentOf, readPaths } from './remote-files.js';
import type { Target } from './restore/target.js';
import { ENV_PATH } from './stored-paths.js';

/** Values that belong to the target's own volumes and network; a merge leaves them as they are. */
export const KEPT_BY_TARGET: readonly string[] = [
  'DB_USERNAME',
  'DB_PASSWORD',
  'DB_DATABASE',
  'DB_HOST',
  'DB_PORT',
  'REDIS_PASSWORD',
  'DOCKER_ADDRESS_POOL_BASE',
  'DOCKER_ADDRESS_POOL_SIZE',
];

/** Where these differ, the target's database volume has another password or name, and files cannot just be swapped. */
const FIXED_BY_VOLUME: readonly string[] = ['DB_USERNAME', 'DB_PASSWORD', 'DB_DATABASE'];

/** What says which version runs: the target's, where a newer one stays. */
const VERSION_KEYS: readonly string[] = ['LATEST_IMAGE', 'COOLIFY_VERSION'];

/** Switches of Coolify that keep its queue and its scheduler from starting. Source: its config and its s6 services. */
export const HOLDING_KEYS: readonly string[] = ['HORIZON_ENABLED', 'SCHEDULER_ENABLED'];

export interface PresentEnv {
  readonly content: Buffer;
  readonly env: EnvFile;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

export interface DesiredEnv {
  readonly content: Buffer;
  readonly env: EnvFile;
  /** Whether the target keeps lines of its own. */
  readonly merged: boolean;
}

/** The environment of the target as it is; undefined when it has none. */
export function presentEnv(
  { connection, layout }: Pick<Target, 'connection' | 'layout'>,
  signal: AbortSignal,
): Promise<PresentEnv | undefined> {
  return readEnv(connection, layout.env, signal);
}

/** Where the settings of a target that keeps its own are kept while Coolify is held still. */
export function keptEnvPath({ layout }: Pick<Target, 'layout'>): string {
  return `${layout.restoreNotes}/env`;
}

/** The environment that the target ends up with. Where the settings are not restored, that is its own. */
export async function desiredEnv(
  target: Target,
  present: PresentEnv | undefined,
  signal: AbortSignal,
): Promise<DesiredEnv> {
  const { env } = target.source;
  if (!target.wants('env') && present !== undefined) {
    const kept = await readEnv(target.connection, keptEnvPath(target), signal);
    return { ...(kept === undefined ? present : letGoEnv(present, kept)), merged: false };
  }
  const whole: DesiredEnv = { content: await readFile(target.localPath(ENV_PATH)), env, merged: false };
  if (target.exact || target.kind === 'bare' || present === undefined) return whole;
  const sameVolume = FIXED_BY_VOLUME.every((key) => (present.env.get(key) ?? '') === (env.get(key) ?? ''));
  if (sameVolume && !target.migrates) return whole;
  let merged = sameVolume ? env : mergeEnv(env, present.env);
  if (target.migrates) merged = withLinesOf(merged, present.env, VERSION_KEYS);
  return { content: Buffer.from(merged.toString()), env: merged, merged: true };
}

/**
 * The target's own settings, `kept` before they were held still. Where somebody has changed them since, those of now with the kept
 * switches.
 */
export function letGoEnv(
  present: Pick<PresentEnv, 'content' | 'env'>,
  kept: Pick<PresentEnv, 'content' | 'env'>,
): Pick<DesiredEnv, 'content' | 'env'> {
  if (heldStill(kept.env).differences(heldStill(present.env)).length === 0)
    return { content: kept.content, env: kept.env };
  const env = HOLDING_KEYS.reduce((settings, key) => {
    const line = kept.env.line(key);
    return line === undefined ? settings.without(key) : settings.withLine(key, line);
  }, present.env);
  return { content: Buffer.from(env.toString()), env };
}

/** The target's file with every line of the snapshot's taken over, except what the target must keep. */
export function mergeEnv(snapshot: EnvFile, present: EnvFile): EnvFile {
  let merged = present;
  for (const key of snapshot.keys()) {
    if (KEPT_BY_TARGET.includes(key) && present.get(key) !== undefined) continue;
    const line = snapshot.line(key);
    if (line !== undefined && present.get(key) !== snapshot.get(key)) merged = merged.withLine(key, line);
  }
  // A restore that broke off may have left them, and they are nobody's.
  for (const key of HOLDING_KEYS) if (snapshot.get(key) === undefined) merged = merged.without(key);
  return merged;
}

/** The same environment with queue and scheduler switched off. */
export function heldStill(env: EnvFile): EnvFile {
  return HOLDING_KEYS.reduce((held, key) => held.withLine(key, `${key}=false`), env);
}

function withLinesOf(env: EnvFile, other: EnvFile, keys: readonly string[]): EnvFile {
  return keys.reduce((result, key) => {
    const line = other.line(key);
    return line === undefined ? result : result.withLine(key, line);
  }, env);
}

async function readEnv(
  connection: Connection,
  path: string,
  signal: AbortSignal,
): Promise<PresentEnv | undefined> {
  let found: PresentEnv | undefined;
  await readPaths(
    connection,
    [path],
    async ({ origin: { mode, uid, gid } }, content) => {
      const bytes = await contentOf(content, 1024 * 1024, path);
      found = { content: bytes, env: EnvFile.parse(bytes.toString('utf8')), mode, uid, gid };
    },
    signal,
  );
  return found;
}
