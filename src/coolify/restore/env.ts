import { StateError } from '../../core/errors.js';
import type { Change, Inspection, Task, TaskReporter } from '../../engine/task.js';
import { command } from '../../ssh/command.js';
import { EnvFile } from '../env-file.js';
import {
  type DesiredEnv,
  desiredEnv,
  heldStill,
  keptEnvPath,
  type PresentEnv,
  presentEnv,
} from '../env-merge.js';
import { COOLIFY_UID } from '../layout.js';
import { ENV_PATH } from '../stored-paths.js';
import { begin } from './notes.js';
import { mustHold } from './quarantine.js';
import type { Target } from './target.js';

/** For containers that are started later: with queue and scheduler off where Coolify is to be held still. */
export async function inspectEnv(target: Target, reporter: TaskReporter): Promise<Inspection> {
  const present = await presentEnv(target, reporter.signal);
  const desired = await desiredEnv(target, present, reporter.signal);
  if (!(await mustHold(target, reporter))) return compared(target, present, desired);
  const env = heldStill(desired.env);
  const changes = changesBetween(present, env);
  if (present !== undefined && changes.length === 0)
    return { unchanged: 'agrees with the snapshot, queue and scheduler off' };
  return {
    summary: desired.merged
      ? `merge ${changes.length} settings into .env (the password of the existing volume stays), queue and scheduler off until all is proven`
      : "put the snapshot's .env in place, queue and scheduler off until all is proven",
    diff: changes,
  };
}

/** That containers of an installed target must be made anew is noted first. */
export async function applyEnv(target: Target, reporter: TaskReporter, change: Change): Promise<string> {
  const present = await presentEnv(target, reporter.signal);
  const desired = await desiredEnv(target, present, reporter.signal);
  const holds = await mustHold(target, reporter);
  if (target.kind === 'installed' && differsBeyondHold(present, desired)) await begin(target, 'containers');
  const content = holds ? Buffer.from(heldStill(desired.env).toString()) : desired.content;
  await writeEnv(target, content, originOf(target), reporter);
  return change.summary;
}

/**
 * Where the settings are not restored, Coolify is held still with its own: a copy of them waits beside the notes until all is
 * proven.
 */
export const holdStill: Pick<Task<Target>, 'name' | 'why' | 'inspect' | 'apply'> = {
  name: "switch Coolify's queue and scheduler off",
  why: 'what is restored goes to work only when it is proven',
  async inspect(target, reporter) {
    const present = await presentEnv(target, reporter.signal);
    if (present === undefined || !(await mustHold(target, reporter)))
      return { unchanged: 'Coolify is not started' };
    const changes = changesBetween(present, heldStill(present.env));
    if (changes.length === 0) return { unchanged: 'they are off' };
    return { summary: 'switch them off in .env until all is proven', diff: changes };
  },
  async apply(target, reporter) {
    const present = await presentEnv(target, reporter.signal);
    if (present === undefined) return undefined;
    const { mode, uid, gid } = present;
    const kept = keptEnvPath(target);
    if ((await target.connection.files.stat(kept)) === undefined)
      await target.connection.files.write(kept, present.content, { mode, uid, gid });
    await writeEnv(target, Buffer.from(heldStill(present.env).toString()), present, reporter);
    return undefined;
  },
};

/** The file as it is to stay, for containers that run with these settings or are made anew next. */
export async function inspectSettledEnv(target: Target, reporter: TaskReporter): Promise<Inspection> {
  const present = await presentEnv(target, reporter.signal);
  return compared(target, present, await desiredEnv(target, present, reporter.signal));
}

export async function settleEnv(target: Target, reporter: TaskReporter, change: Change): Promise<string> {
  const present = await presentEnv(target, reporter.signal);
  const { content } = await desiredEnv(target, present, reporter.signal);
  const own = target.wants('env') ? undefined : present;
  await writeEnv(target, content, own ?? originOf(target), reporter);
  if (own !== undefined) await target.connection.files.remove(keptEnvPath(target));
  return change.summary;
}

/**
 * For a restore of the settings or of the database alone.
 * @throws StateError `restore.foreign-pair`: with another APP_KEY Coolify could not read its own data.
 */
export async function refuseForeignPair(target: Target, reporter: TaskReporter): Promise<void> {
  if (target.wants('env') === target.wants('database')) return;
  const present = await presentEnv(target, reporter.signal);
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

function compared(target: Target, present: PresentEnv | undefined, desired: DesiredEnv): Inspection {
  const origin = target.wants('env') ? originOf(target) : (present ?? originOf(target));
  if (present !== undefined) {
    const same = desired.merged
      ? present.env.differences(desired.env).length === 0
      : present.content.equals(desired.content) && present.mode === origin.mode && present.uid === origin.uid;
    if (same) return { unchanged: desired.merged ? 'agrees with the snapshot' : "equals the snapshot's" };
  }
  const changes = changesBetween(present, desired.env);
  return {
    summary: desired.merged
      ? `merge ${changes.length} settings into .env (the password of the existing volume stays)`
      : "put the snapshot's .env in place",
    diff: changes,
  };
}

/** Names of settings and what becomes of them; never a value. */
function changesBetween(present: PresentEnv | undefined, after: EnvFile): string[] {
  const before = present?.env ?? EnvFile.parse('');
  return before.differences(after).map(({ key, change }) => `.env ${change} ${key}`);
}

/** Whether more than the two switches differs: then all containers are made anew, not Coolify's alone. */
export function differsBeyondHold(present: PresentEnv | undefined, desired: DesiredEnv): boolean {
  if (present === undefined) return true;
  return heldStill(present.env).differences(heldStill(desired.env)).length > 0;
}

async function writeEnv(
  target: Target,
  content: Buffer,
  { mode, uid, gid }: Pick<PresentEnv, 'mode' | 'uid' | 'gid'>,
  reporter: TaskReporter,
): Promise<void> {
  const { files } = target.connection;
  await target.connection.run(command('mkdir', '-p', '--', target.layout.data), { signal: reporter.signal });
  await files.mkdir(target.layout.data, { mode: 0o700, uid: COOLIFY_UID, gid: 0 });
  await files.mkdir(`${target.layout.data}/source`, { mode: 0o700, uid: COOLIFY_UID, gid: 0 });
  await files.write(target.layout.env, content, { mode, uid, gid });
}

function originOf(target: Target): { mode: number; uid: number; gid: number } {
  return target.file(ENV_PATH)?.origin ?? { mode: 0o600, uid: COOLIFY_UID, gid: 0 };
}
