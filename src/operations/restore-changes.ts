import { posix } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RestorePhase } from '../coolify/artifact.js';
import { ARTIFACTS } from '../coolify/artifacts.js';
import { failedProofs } from '../coolify/proofs.js';
import { removeMark } from '../coolify/restore-database.js';
import { refuseForeignPair, settleEnv } from '../coolify/restore-env.js';
import { inspectHostKeys, restoredHostKeys } from '../coolify/restore-host-keys.js';
import { removeNotes, writeNotes } from '../coolify/restore-notes.js';
import { dropFormerDatabase, install, startCoolify, stopWriters } from '../coolify/restore-steps.js';
import type { Target, TargetKind } from '../coolify/target.js';
import { proveTarget } from '../coolify/target-proofs.js';
import { StateError } from '../core/errors.js';
import { readTask, type Task, type TaskReporter, workTask } from '../engine/task.js';
import type { Connection } from '../ssh/connection.js';
import type { Endpoint } from '../ssh/endpoint.js';
import type { HostKey } from '../ssh/host-key.js';
import { replaceHostKeys } from '../ssh/known-hosts-file.js';
import type { HostConfig } from './host-config.js';
import type { RestoreOptions } from './restore.js';
import type { RestoreContext } from './restore-context.js';
import { keepWayBack } from './safety-generation.js';

/** Everything that changes the target, in the order that keeps a way back to the end. */
export function restoreChanges(config: HostConfig, options: RestoreOptions): Task<RestoreContext>[] {
  // What lies beside a running Coolify can be put back without touching it.
  const runs = options.wants('env') || options.wants('database');
  const everything = ARTIFACTS.every(({ name }) => options.wants(name));
  const phase = (wanted: RestorePhase): Task<RestoreContext>[] =>
    ARTIFACTS.flatMap(({ name, title, restore: how }) =>
      how?.phase === wanted && options.wants(name) ? [onTarget({ name: `restore ${title}`, ...how })] : [],
    );
  const settle = ARTIFACTS.find(({ name }) => name === 'env')?.restore;
  return [
    ...(runs && !everything ? [pairFits()] : []),
    keepWayBack(config, options),
    beginning(config, options),
    // The installer of a bare host takes the settings as its own. Elsewhere they are last before the start: until the new
    // database is proven, the former instance can simply be started again.
    ...phase('settings').map((task) => onlyOn('bare', task)),
    ...(runs ? [onTarget(install), onTarget(stopWriters)] : []),
    ...phase('database'),
    ...phase('settings').map((task) => onlyOn('installed', task)),
    ...(runs ? [onTarget(startCoolify)] : []),
    // The installer rewrites the file (order, mode, image tags): it ends as the snapshot has it.
    ...(settle !== undefined && options.wants('env')
      ? [onTarget({ name: 'settle .env', ...settle, apply: settleEnv })]
      : []),
    ...phase('access'),
    ...(runs ? [proving(everything)] : []),
    ...(options.wants('database') ? [onTarget(dropFormerDatabase)] : []),
    ...(options.wants('host-keys') ? [expectedKeys(config)] : []),
    ...phase('identity'),
    presentedKeys(config),
    {
      name: 'remove the notes of this restore',
      kind: 'change',
      inspect: async ({ session, ready: { resumed } }) => {
        // A part of a restore does not complete the whole one that broke off before.
        if (resumed && !everything) return { unchanged: 'kept, the whole restore is not complete' };
        return (await session.connection.files.stat(config.layout.restoreNotes)) === undefined
          ? { unchanged: 'there are none' }
          : { summary: 'remove the notes, the restore is complete' };
      },
      apply: async ({ session, ready }, { signal }) => {
        await removeMark(ready, signal);
        await removeNotes(session.connection, config.layout, foldersOf(ready));
        return undefined;
      },
    },
  ];
}

/** What must hold when only a part was put back: that Coolify runs with its data. */
const PROOFS_OF_A_PART: readonly string[] = ['health', 'database-login', 'app-key', 'key-rows'];

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
    apply: async (context) => {
      await writeNotes(context.session.connection, config.layout, context.ready.notes);
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

function proving(everything: boolean): Task<RestoreContext> {
  return workTask('prove the target', async (context, reporter) => {
    const { proofs, warnings } = await proveTarget(context.ready, reporter.signal);
    context.proofs = proofs;
    for (const warning of warnings) reporter.warn(warning);
    const failed = failedProofs(proofs).filter(({ name }) => everything || PROOFS_OF_A_PART.includes(name));
    if (failed.length === 0) return proofs.map(({ name }) => name).join(', ');
    throw new StateError({
      kind: 'proof',
      code: 'restore.unproven',
      what: `The target is not the instance of the snapshot (${failed.map(({ name }) => name).join(', ')})`,
      why: failed.map(({ detail }) => detail).join('; '),
      next: 'the former database is kept; put the cause right and run the restore again: it goes on where it stopped',
    });
  });
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
      context.ready.connection = await reconnectAfterReload(context, reporter.signal, {
        ...config.endpoint,
        hostKeyChecking: 'strict',
        pinnedFingerprints: keys.map(({ fingerprint }) => fingerprint),
      });
      await rememberHostKeys(config, keys);
      return `the restored key ${context.ready.connection.hostKey.fingerprint}`;
    },
  };
}

function onTarget(step: Pick<Task<Target>, 'name' | 'inspect' | 'apply'>): Task<RestoreContext> {
  return {
    name: step.name,
    kind: 'change',
    inspect: (context, reporter) => step.inspect(context.ready, reporter),
    apply: (context, reporter, change) => step.apply(context.ready, reporter, change),
  };
}

/** sshd that reloads closes its port for a moment; whoever comes then is refused, and tries again. */
async function reconnectAfterReload(
  context: RestoreContext,
  signal: AbortSignal,
  endpoint: Endpoint,
): Promise<Connection> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await context.session.reconnect(signal, endpoint);
    } catch (error) {
      if (attempt >= 20 || !(error instanceof StateError) || !MOMENTARY.includes(error.code)) throw error;
      await sleep(RELOAD_PAUSE_MS, undefined, { signal });
    }
  }
}

const RELOAD_PAUSE_MS = 250;
const MOMENTARY: readonly string[] = ['ssh.refused', 'ssh.closed-early', 'ssh.connection-lost'];

/** Every folder that a restore puts files into. */
function foldersOf({ layout, source }: Target): string[] {
  const paths = source.generation.manifest.files.flatMap(({ origin }) => origin?.path ?? []);
  return [...new Set([...paths, layout.env].map((path) => posix.dirname(path)))];
}

async function rememberHostKeys({ endpoint }: HostConfig, keys: readonly HostKey[]): Promise<void> {
  const [file] = endpoint.knownHostsFiles;
  if (file !== undefined) await replaceHostKeys(file, endpoint.address, endpoint.port, keys.map(publicLine));
}

function publicLine({ type, blob }: HostKey): string {
  return `${type} ${blob.toString('base64')}`;
}
