import { posix } from 'node:path';
import type { RestorePhase } from '../../coolify/artifact.js';
import { ARTIFACTS } from '../../coolify/artifacts.js';
import { choosePostgres } from '../../coolify/database/choose-postgres.js';
import { removeMark } from '../../coolify/restore/database.js';
import { holdStill, inspectSettledEnv, refuseForeignPair, settleEnv } from '../../coolify/restore/env.js';
import { inspectHostKeys, restoredHostKeys } from '../../coolify/restore/host-keys.js';
import { removeNotes, withBegun, writeNotes } from '../../coolify/restore/notes.js';
import { letGo, mustHold } from '../../coolify/restore/quarantine.js';
import { dropFormerDatabase, install, startCoolify, stopWriters } from '../../coolify/restore/steps.js';
import type { Target, TargetKind } from '../../coolify/restore/target.js';
import { readTask, type Task, type TaskReporter } from '../../engine/task.js';
import type { HostConfig } from '../hosts/host-config.js';
import { meetHostKeys, rememberHostKeys } from '../hosts/meet-host-keys.js';
import type { RestoreContext } from './context.js';
import { partsOf } from './parts.js';
import { proving, provingHostKeys, provingLetGo, provingServers, stillHeld } from './proving.js';
import { closeRecord } from './record.js';
import type { RestoreOptions } from './restore.js';
import { keepWayBack } from './safety-generation.js';
import { fenceOriginal } from './second-brain.js';

/** Everything that changes the target, in the order that keeps a way back to the end. */
export function restoreChanges(config: HostConfig, options: RestoreOptions): Task<RestoreContext>[] {
  // What lies beside a running Coolify can be put back without touching it.
  const runs = options.wants('env') || options.wants('database');
  const everything = ARTIFACTS.every(({ name }) => options.wants(name));
  const phase = (wanted: RestorePhase): Task<RestoreContext>[] =>
    ARTIFACTS.flatMap(({ name, title, restore: how }) =>
      how?.phase === wanted && options.wants(name) ? [onTarget({ name: `restore ${title}`, ...how })] : [],
    );
  return [
    ...(runs && !everything ? [pairFits()] : []),
    keepWayBack(config, options),
    ...(runs ? [fenceOriginal()] : []),
    beginning(config, options),
    // The installer of a bare host takes the settings as its own. Elsewhere they are last before the start: until the new
    // database is proven, the former instance can simply be started again.
    ...phase('settings').map((task) => onlyOn('bare', task)),
    ...(options.wants('database') ? [onlyOn('bare', onTarget(choosePostgres))] : []),
    ...(runs ? [onTarget(install), onTarget(stopWriters)] : []),
    ...phase('database'),
    ...phase('settings').map((task) => onlyOn('installed', task)),
    ...(runs && !options.wants('env') ? [onTarget(holdStill)] : []),
    ...(runs ? [onTarget(startCoolify)] : []),
    ...phase('access'),
    ...(runs ? [proving(everything)] : []),
    ...(runs ? (options.hold === true ? [stillHeld()] : lettingGo(options)) : []),
    ...(options.wants('host-keys') ? [expectedKeys(config)] : []),
    ...phase('identity'),
    ...(options.wants('host-keys') ? [presentedKeys(config), provingHostKeys()] : []),
    ...(options.wants('database') ? [onTarget(dropFormerDatabase)] : []),
    {
      name: 'remove the notes of this restore',
      kind: 'change',
      why: 'all is proven: what stands there now is the instance',
      inspect: async ({ ready }) => {
        // A part of a restore does not complete the whole one that broke off before.
        const missing = partsOf(ready.notes).filter((name) => !options.wants(name));
        if (missing.length > 0)
          return { unchanged: `kept, what an earlier run began is not complete: ${missing.join(', ')}` };
        return (await ready.connection.files.stat(config.layout.restoreNotes)) === undefined
          ? { unchanged: 'there are none' }
          : { summary: 'remove the notes, the restore is complete' };
      },
      apply: async (context, { signal }) => {
        const { ready, folders, proofs } = context;
        context.completed = true;
        // Whoever comes after a run that died in here knows by record and notes that there was nothing else to do.
        await closeRecord(folders, ready.notes.restore, 'complete', proofs, ready.notes.parts);
        ready.notes = { ...ready.notes, proven: true };
        await writeNotes(ready.connection, config.layout, ready.notes);
        await removeMark(ready, signal);
        await removeNotes(ready.connection, config.layout, foldersOf(ready));
        return undefined;
      },
    },
    ...(options.wants('database') && options.wants('managed-keys') ? [provingServers(options)] : []),
  ];
}

/**
 * Coolify ran with its queue and scheduler off. Now that it is proven, `.env` becomes what it is to stay (the installer rewrites
 * order, mode and image tags of the file), and its container is made anew. That start writes the key folder once more.
 */
function lettingGo({ wants }: RestoreOptions): Task<RestoreContext>[] {
  const keys = ARTIFACTS.find(({ name }) => name === 'managed-keys')?.restore;
  return [
    onTarget({ name: 'settle .env', inspect: inspectSettledEnv, apply: settleEnv }),
    onTarget(letGo),
    ...(keys !== undefined && wants('managed-keys')
      ? [onTarget({ ...keys, name: "settle Coolify's SSH keys" })]
      : []),
    provingLetGo(),
  ];
}

/** Database and settings belong together by APP_KEY: half of the pair is only put back where the other half fits. */
function pairFits(): Task<RestoreContext> {
  return readTask('see whether database and APP_KEY belong together', async (context, reporter) => {
    await refuseForeignPair(context.ready, reporter);
    return undefined;
  });
}

function onlyOn(kind: TargetKind, task: Task<RestoreContext>): Task<RestoreContext> {
  return {
    ...task,
    inspect: (context, reporter) =>
      context.ready.kind === kind
        ? task.inspect(context, reporter)
        : Promise.resolve({ skip: `a step of ${kind === 'bare' ? 'bare' : 'installed'} hosts` }),
  };
}

function beginning(config: HostConfig, options: RestoreOptions): Task<RestoreContext> {
  return {
    name: 'note what is under way',
    kind: 'change',
    inspect: async (context) => {
      if (!(await anythingToDo(context, options))) return { unchanged: 'nothing is to be done' };
      return {
        summary: `write notes to ${config.layout.restoreNotes} so that a broken-off restore can be completed`,
      };
    },
    apply: async (context, reporter) => {
      const { ready, session } = context;
      context.touched = true;
      if (await mustHold(ready, reporter)) ready.notes = withBegun(ready.notes, 'quarantine');
      await writeNotes(session.connection, config.layout, ready.notes);
      return undefined;
    },
  };
}

/** Whether any artifact differs: asked before anything is written, answered by the artifacts themselves. */
export async function anythingToDo(context: RestoreContext, options: RestoreOptions): Promise<boolean> {
  const target = context.ready;
  const quiet: TaskReporter = {
    signal: options.signal,
    moved: () => undefined,
    line: () => undefined,
    warn: () => undefined,
  };
  for (const { name, restore: how } of ARTIFACTS) {
    if (how !== undefined && options.wants(name) && 'summary' in (await how.inspect(target, quiet)))
      return true;
  }
  return false;
}

/**
 * Before sshd changes its keys, known_hosts takes the restored ones beside the present ones: a run that dies in between
 * is let in by either.
 */
function expectedKeys(config: HostConfig): Task<RestoreContext> {
  return {
    name: 'expect the restored host keys',
    kind: 'work',
    inspect: async (context, reporter) => {
      const inspection = await inspectHostKeys(context.ready, reporter);
      return 'summary' in inspection
        ? { summary: 'known_hosts has both' }
        : { unchanged: 'they are there already' };
    },
    apply: async (context) => {
      await rememberHostKeys(config, [
        context.ready.connection.hostKey,
        ...(await restoredHostKeys(context.ready)),
      ]);
      return undefined;
    },
  };
}

/** The next connection must be answered with the restored keys; known_hosts then knows them for this address. */
function presentedKeys(config: HostConfig): Task<RestoreContext> {
  return {
    name: 'see which host keys sshd presents',
    kind: 'work',
    inspect: (context) =>
      Promise.resolve(
        context.ready.hostKeysChanged ? { summary: 'connect anew' } : { unchanged: 'they were not changed' },
      ),
    apply: async (context, reporter) => {
      const keys = await restoredHostKeys(context.ready);
      const { fingerprint } = await meetHostKeys(context, config, keys, reporter.signal);
      return `the restored key ${fingerprint}`;
    },
  };
}

export function onTarget(
  step: Pick<Task<Target>, 'name' | 'why' | 'inspect' | 'apply'>,
): Task<RestoreContext> {
  return {
    name: step.name,
    kind: 'change',
    ...(step.why !== undefined && { why: step.why }),
    inspect: (context, reporter) => step.inspect(context.ready, reporter),
    apply: (context, reporter, change) => step.apply(context.ready, reporter, change),
  };
}

/** Every folder that a restore puts files into. */
function foldersOf({ layout, source }: Target): string[] {
  const paths = source.generation.manifest.files.flatMap(({ origin }) => origin?.path ?? []);
  return [...new Set([...paths, layout.env].map((path) => posix.dirname(path)))];
}
