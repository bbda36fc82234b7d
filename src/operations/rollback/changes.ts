import { ARTIFACTS } from '../../coolify/artifacts.js';
import { applyFormerDatabase, inspectFormerDatabase } from '../../coolify/database/former-database.js';
import { failedProofs } from '../../coolify/proofs.js';
import { applyDatabase, inspectDatabase, removeMark } from '../../coolify/restore/database.js';
import { UNFENCE_BY_HAND } from '../../coolify/restore/fence.js';
import { type FormerFile, treeOf } from '../../coolify/restore/former-state.js';
import { removeNotes, writeNotes } from '../../coolify/restore/notes.js';
import { broughtByRestore, removeBrought } from '../../coolify/restore/rollback-bare.js';
import {
  applyTreeChanges,
  changedFiles,
  isHostKey,
  putBackFiles,
  treeChanges,
} from '../../coolify/restore/rollback-files.js';
import { dropSpareDatabases, startCoolify, stopWriters } from '../../coolify/restore/steps.js';
import type { Target } from '../../coolify/restore/target.js';
import { proveTarget } from '../../coolify/restore/target-proofs.js';
import { StateError } from '../../core/errors.js';
import { type Task, workTask } from '../../engine/task.js';
import type { Proof } from '../../state/manifest.js';
import { onTarget } from '../restore/changes.js';
import type { RestoreContext } from '../restore/context.js';
import { closeRecord } from '../restore/record.js';
import { hostKeysBack } from './host-keys.js';
import { knownFaults } from './opening.js';
import { keptOf, recordIn } from './record.js';
import { scopeOf } from './scope.js';

/** Everything that changes the target back. Each step looks at the host, so that a rollback that broke off is run again. */
export function rollbackChanges(context: RestoreContext): Task<RestoreContext>[] {
  const bare = context.record?.kind === 'bare';
  const { layout } = context.config;
  const scope = scopeOf(context.notes ?? {}, layout);
  const runs = !bare && scope.instance;
  return [
    noting(),
    ...(bare ? [removing()] : []),
    ...(runs ? instanceSteps() : []),
    filesBack('put the files back', (path) => !isHostKey(layout, path) && (bare || scope.file(path))),
    ...(!bare && scope.keyFiles ? keySteps() : []),
    ...(bare || runs ? [treeBack()] : []),
    ...(runs ? [proving(), onTarget(dropSpareDatabases)] : []),
    ...(bare || scope.hostKeys ? [hostKeysBack()] : []),
    ending(),
  ];
}

function instanceSteps(): Task<RestoreContext>[] {
  const settings = ARTIFACTS.find(({ name }) => name === 'env')?.restore;
  return [
    onTarget(stopWriters),
    {
      name: 'put the former database back',
      kind: 'change',
      why: 'by rename where it still stands; from the safety generation after a restore that was complete',
      inspect: (context, reporter) =>
        context.notes?.rollback === 'complete'
          ? inspectDatabase(context.ready, reporter)
          : inspectFormerDatabase(context.ready, reporter),
      apply: (context, reporter) =>
        context.notes?.rollback === 'complete'
          ? applyDatabase(context.ready, reporter)
          : applyFormerDatabase(context.ready, reporter),
    },
    ...(settings === undefined ? [] : [onTarget({ ...settings, name: 'put the former .env back' })]),
    onTarget(startCoolify),
  ];
}

/** Coolify's start has emptied and rewritten the folder: from here it is as it was. */
function keySteps(): Task<RestoreContext>[] {
  const keys = ARTIFACTS.find(({ name }) => name === 'managed-keys')?.restore;
  return keys === undefined ? [] : [onTarget({ ...keys, name: 'put the former key files back' })];
}

function noting(): Task<RestoreContext> {
  return {
    name: 'note that the restore is taken back',
    kind: 'change',
    inspect: ({ noted, config }) => {
      if (noted !== undefined) return Promise.resolve({ unchanged: 'it is noted' });
      return Promise.resolve({
        summary: `note it in ${config.layout.restoreNotes}, so that a rollback that broke off can be completed`,
      });
    },
    apply: async (context) => {
      const { notes, session, config } = context;
      if (notes === undefined) throw new Error('there are no notes');
      context.touched = true;
      const noted = { ...notes, rollback: notes.rollback ?? ('broken-off' as const) };
      context.notes = noted;
      if (context.target !== undefined) context.target.notes = noted;
      await writeNotes(session.connection, config.layout, noted);
      return undefined;
    },
  };
}

function removing(): Task<RestoreContext> {
  return {
    name: 'remove what the restore installed',
    kind: 'change',
    why: 'its notes say that the host was bare when it began',
    inspect: async (context, { signal }) => {
      const { session, record } = context;
      if (record === undefined || session.facts.docker === undefined)
        return { unchanged: 'there is nothing' };
      const { containers, volumes, networks } = await broughtByRestore(
        session.connection,
        session.facts,
        record.former,
        signal,
      );
      const names = [
        ...containers,
        ...volumes.map((name) => `volume ${name}`),
        ...networks.map((name) => `network ${name}`),
      ];
      return names.length === 0
        ? { unchanged: 'there is nothing' }
        : { summary: `remove ${names.join(', ')}` };
    },
    apply: async (context, { signal }, change) => {
      const { session } = context;
      const facts = await session.gatherFacts(signal);
      const brought = await broughtByRestore(session.connection, facts, recordIn(context).former, signal);
      await removeBrought(session.connection, brought, signal);
      return change.summary.replace('remove', 'removed');
    },
  };
}

function filesBack(name: string, fits: (path: string) => boolean): Task<RestoreContext> {
  const changed = async (context: RestoreContext, signal: AbortSignal): Promise<FormerFile[]> => {
    const files = recordIn(context).former.files.filter(({ path }) => fits(path));
    return await changedFiles(context.session.connection, files, signal);
  };
  return {
    name,
    kind: 'change',
    inspect: async (context, { signal }) => {
      const files = await changed(context, signal);
      if (files.length === 0) return { unchanged: 'they are as they were' };
      return {
        summary: `put ${files.filter(({ was }) => was !== undefined).length} files back, remove ${files.filter(({ was }) => was === undefined).length}`,
        diff: files.map(({ path, was }) => `${was === undefined ? 'remove' : 'write'} ${path}`),
      };
    },
    apply: async (context, { signal }) => {
      await putBackFiles(context.session.connection, await changed(context, signal), keptOf(context), signal);
      return undefined;
    },
  };
}

/** On a bare host all below Coolify's folder; on another one what an installer has left beside `.env`. */
function treeBack(): Task<RestoreContext> {
  const folderOf = (context: RestoreContext): string => treeOf(context.config.layout, recordIn(context).kind);
  return {
    name: 'remove what else was left',
    kind: 'change',
    inspect: async (context, { signal }) => {
      const scope = folderOf(context);
      const changes = await treeChanges(context.session.connection, recordIn(context).former, scope, signal);
      if (changes === undefined)
        return { skip: `what stood in ${scope} was too much to write down; it stays as it is` };
      const { surplus, altered } = changes;
      if (surplus.length === 0 && altered.length === 0) return { unchanged: 'nothing was' };
      return {
        summary: `remove ${surplus.length} files and folders in ${scope}, set owner and mode of ${altered.length}`,
        diff: surplus.map((path) => `remove ${path}`),
      };
    },
    apply: async (context, { signal }) => {
      const { connection } = context.session;
      const changes = await treeChanges(connection, recordIn(context).former, folderOf(context), signal);
      if (changes !== undefined) await applyTreeChanges(connection, changes, signal);
      return undefined;
    },
  };
}

function proving(): Task<RestoreContext> {
  return workTask('prove the target', async (context, { signal }) => {
    const target = context.ready;
    const { proofs } = await proveTarget(target, signal);
    const known = knownFaults(target.source);
    context.proofs = proofs.map((proof) => (movedSince(target, proof) ? asMoved(proof) : proof));
    const failed = failedProofs(context.proofs).filter(({ name }) => !known.has(name));
    if (failed.length === 0) return proofs.map(({ name }) => name).join(', ');
    throw new StateError({
      kind: 'proof',
      code: 'rollback.unproven',
      what: `The target is not what it was before the restore (${failed.map(({ name }) => name).join(', ')})`,
      why: failed.map(({ detail }) => detail).join('; '),
      next: 'put right on the host what is named, and run the same command again: it goes on where it stopped',
    });
  });
}

/** The former database itself, not that of the safety generation: people may have worked with it after that was taken. */
function movedSince({ notes }: Target, { ok, name }: Proof): boolean {
  return !ok && notes.rollback === 'broken-off' && ['rows', 'sequences'].includes(name);
}

function asMoved({ name, detail }: Proof): Proof {
  return { name, ok: true, detail: `the former database itself, changed since the restore began: ${detail}` };
}

function ending(): Task<RestoreContext> {
  return {
    name: 'remove the notes',
    kind: 'change',
    inspect: async ({ session, config }) =>
      (await session.connection.files.stat(config.layout.restoreNotes)) === undefined
        ? { unchanged: 'there are none' }
        : { summary: 'remove the notes, the restore is taken back' },
    apply: async (context, reporter) => {
      const { session, config, target, folders, record, proofs } = context;
      // First: a run that dies in here must not be followed by one that takes back what was gone on with since.
      await closeRecord(folders, record?.id, 'rolled-back', proofs);
      if (target !== undefined) await removeMark(target, reporter.signal);
      await removeNotes(session.connection, config.layout, [
        config.layout.systemSsh,
        config.layout.rootSsh,
        config.layout.data,
      ]);
      const { fenced } = recordIn(context);
      if (fenced !== undefined)
        reporter.warn(
          `the original on ${fenced} was stopped for this restore; to let it work again, there: ${UNFENCE_BY_HAND}`,
        );
      return undefined;
    },
  };
}
