import { readFile } from 'node:fs/promises';
import { StateError } from '../core/errors.js';
import type { Change, Inspection, TaskReporter } from '../engine/task.js';
import { command } from '../ssh/command.js';
import { EnvFile } from './env-file.js';
import { COOLIFY_UID } from './layout.js';
import { contentOf, readPaths } from './remote-files.js';
import { begin } from './restore-notes.js';
import { ENV_PATH } from './stored-paths.js';
import type { Target } from './target.js';

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

interface Desired {
  readonly content: Buffer;
  readonly env: EnvFile;
  readonly merged: boolean;
}

export async function inspectEnv(target: Target, reporter: TaskReporter): Promise<Inspection> {
  const present = await presentEnv(target, reporter);
  const desired = await desiredEnv(target, present?.env);
  const origin = originOf(target);
  if (present !== undefined) {
    const same = desired.merged
      ? present.env.differences(desired.env).length === 0
      : present.content.equals(desired.content) && present.mode === origin.mode && present.uid === origin.uid;
    if (same) return { unchanged: desired.merged ? 'agrees with the snapshot' : "equals the snapshot's" };
  }
  const differences = (present?.env ?? EnvFile.parse('')).differences(desired.env);
  return {
    summary: desired.merged
      ? `merge ${differences.length} settings into .env (the password of the existing volume stays)`
      : "put the snapshot's .env in place",
    diff: differences.map(({ key, change }) => `.env ${change} ${key}`),
  };
}

/** For containers that are started later. That those of an installed target must be made anew is noted first. */
export async function applyEnv(target: Target, reporter: TaskReporter, change: Change): Promise<string> {
  if (target.kind === 'installed' && (change.diff?.length ?? 0) > 0) await begin(target, 'containers');
  return await settleEnv(target, reporter, change);
}

/** For containers that run with these settings already. */
export async function settleEnv(target: Target, reporter: TaskReporter, change: Change): Promise<string> {
  const present = await presentEnv(target, reporter);
  const desired = await desiredEnv(target, present?.env);
  const { mode, uid, gid } = originOf(target);
  const files = target.connection.files;
  await target.connection.run(command('mkdir', '-p', '--', target.layout.data), { signal: reporter.signal });
  await files.mkdir(target.layout.data, { mode: 0o700, uid: COOLIFY_UID, gid: 0 });
  await files.mkdir(`${target.layout.data}/source`, { mode: 0o700, uid: COOLIFY_UID, gid: 0 });
  await files.write(target.layout.env, desired.content, { mode, uid, gid });
  return change.summary;
}

/**
 * For a restore of the settings or of the database alone.
 * @throws StateError `restore.foreign-pair`: with another APP_KEY Coolify could not read its own data.
 */
export async function refuseForeignPair(target: Target, reporter: TaskReporter): Promise<void> {
  if (target.wants('env') === target.wants('database')) return;
  const present = await presentEnv(target, reporter);
  if (present !== undefined && present.env.get('APP_KEY') === target.source.env.get('APP_KEY')) return;
  throw new StateError({
    kind: 'usage',
    code: 'restore.foreign-pair',
    what: `The ${target.wants('env') ? 'settings' : 'database'} of the snapshot cannot be put back alone`,
    why:
      present === undefined
        ? 'the target has no .env'
        : 'the target has another APP_KEY: Coolify could not read its own data',
    next: 'restore env and database together',
  });
}

/** The environment that the target ends up with. */
export async function desiredEnv(target: Target, present: EnvFile | undefined): Promise<Desired> {
  const { env } = target.source;
  const whole = {
    content: await readFile(target.localPath(ENV_PATH)),
    env,
    merged: false,
  };
  if (target.kind === 'bare' || present === undefined) return whole;
  if (FIXED_BY_VOLUME.every((key) => (present.get(key) ?? '') === (env.get(key) ?? ''))) return whole;
  const merged = mergeEnv(env, present);
  return { content: Buffer.from(merged.toString()), env: merged, merged: true };
}

/** The target's file with every line of the snapshot's taken over, except what the target must keep. */
export function mergeEnv(snapshot: EnvFile, present: EnvFile): EnvFile {
  let merged = present;
  for (const key of snapshot.keys()) {
    if (KEPT_BY_TARGET.includes(key) && present.get(key) !== undefined) continue;
    const line = snapshot.line(key);
    if (line !== undefined && present.get(key) !== snapshot.get(key)) merged = merged.withLine(key, line);
  }
  return merged;
}

function originOf(target: Target): { mode: number; uid: number; gid: number } {
  return target.file(ENV_PATH)?.origin ?? { mode: 0o600, uid: COOLIFY_UID, gid: 0 };
}

async function presentEnv(
  target: Target,
  reporter: TaskReporter,
): Promise<{ content: Buffer; env: EnvFile; mode: number; uid: number } | undefined> {
  let found: { content: Buffer; env: EnvFile; mode: number; uid: number } | undefined;
  await readPaths(
    target.connection,
    [target.layout.env],
    async ({ origin }, content) => {
      const bytes = await contentOf(content, 1024 * 1024, target.layout.env);
      found = {
        content: bytes,
        env: EnvFile.parse(bytes.toString('utf8')),
        mode: origin.mode,
        uid: origin.uid,
      };
    },
    reporter.signal,
  );
  return found;
}
