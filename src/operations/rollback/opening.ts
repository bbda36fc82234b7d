import { isReplacedForGood } from '../../coolify/database/former-database.js';
import { requireKnownVolumes, requireUsableHost } from '../../coolify/facts.js';
import { failedProofs } from '../../coolify/proofs.js';
import { type RestoreNotes, readNotes } from '../../coolify/restore/notes.js';
import { openSource, type Source, Target } from '../../coolify/restore/target.js';
import { waitForTurn } from '../../coolify/restore/turn.js';
import { StateError } from '../../core/errors.js';
import { readTask, type Task } from '../../engine/task.js';
import type { HostConfig } from '../hosts/host-config.js';
import { openingTasks } from '../hosts/host-session.js';
import type { RestoreContext } from '../restore/context.js';
import { partsOf } from '../restore/parts.js';
import { type RestoreRecord, readRecord } from '../restore/record.js';
import { proveSource, unprovenSnapshot } from '../verify/generation.js';

/** Everything that only reads: what is to be taken back, and with what. */
export function rollbackOpening(config: HostConfig): Task<RestoreContext>[] {
  return [
    ...openingTasks<RestoreContext>(),
    readTask('find the way back', async (context, { signal }) => {
      const { session } = context;
      requireUsableHost(session.facts);
      requireKnownVolumes(session.facts);
      const notes = await readNotes(session.connection, config.layout);
      if (notes !== undefined) {
        await waitForTurn(session.connection, config.layout, signal);
        await session.gatherFacts(signal);
      }
      const record = await recordOf(context, notes);
      context.record = record;
      context.noted = notes?.rollback;
      context.touched = notes?.rollback !== undefined;
      context.notes = notes ?? notesOfComplete(record);
      context.subject = {
        origin:
          record.safety === undefined
            ? `what was kept as ${record.id}`
            : `the safety generation ${record.safety}`,
        snapshot: record.safety ?? record.id,
        createdAt: record.startedAt,
        snapshotHost: config.name,
        kind: record.kind,
        rollback: true,
      };
      context.facts = factsOf(record, context.notes);
      return `the restore of ${record.snapshot.id}, begun at ${record.startedAt}, onto ${record.kind === 'bare' ? 'a bare host' : 'an installed Coolify'}`;
    }),
    readTask('prove the way back', async (context, { signal }) => {
      const { record, notes, session } = context;
      if (record === undefined || notes === undefined) throw new Error('there is no way back yet');
      if (record.kind === 'bare') return 'the host was bare: there is no database to go back to';
      const source = await safetyOf(context, record);
      const { proofs } = await proveSource(source, signal);
      const accepted = knownFaults(source);
      const failed = failedProofs(proofs).filter(({ name }) => !accepted.has(name));
      if (failed.length > 0) throw unprovenSnapshot(source.generation.manifest.id, failed);
      const targetWith = (known: RestoreNotes): Target =>
        new Target(session.connection, session.facts, config.layout, source, 'installed', known, {
          resumed: known.rollback === 'complete',
          wants: () => true,
          exact: true,
        });
      context.target = targetWith(notes);
      // Killed near its end, a restore has dropped the database that it replaced: as after a complete one.
      const restored = partsOf(notes).includes('database');
      if (
        notes.rollback !== 'complete' &&
        restored &&
        (notes.proven === true || (await isReplacedForGood(context.target, signal)))
      ) {
        context.notes = { ...notes, snapshot: source.generation.manifest.id, rollback: 'complete' };
        context.noted = undefined;
        context.target = targetWith(context.notes);
        context.facts = factsOf(record, context.notes);
      }
      return proofs.map(({ name }) => name).join(', ');
    }),
  ];
}

/** Proofs that failed already when the safety generation was taken: what comes back is what was there. */
export function knownFaults({ generation }: Source): Set<string> {
  return new Set(failedProofs(generation.manifest.proofs).map(({ name }) => name));
}

async function recordOf(
  { folders, config }: RestoreContext,
  notes: RestoreNotes | undefined,
): Promise<RestoreRecord> {
  if (notes !== undefined) {
    const record = notes.restore === undefined ? undefined : await readRecord(folders, notes.restore);
    if (record !== undefined) return record;
    throw new StateError({
      kind: 'failed',
      code: 'rollback.not-here',
      what: 'The way back of the restore that broke off is not on this machine',
      why: `it was begun at ${notes.startedAt}${notes.restore === undefined ? '' : ` and is kept as ${notes.restore}`} on the machine that ran it, in its state folder under .restores`,
      next: 'run the rollback there, or copy that folder here; or complete the restore',
    });
  }
  const record = await readRecord(folders);
  if (record === undefined || record.outcome === 'rolled-back' || record.outcome === 'under-way')
    throw nothing(record);
  if (record.kind === 'bare') {
    throw new StateError({
      kind: 'usage',
      code: 'rollback.bare-complete',
      what: `The restore of ${config.name} is complete, and the host was bare before`,
      why: 'its notes are gone: what stands there now is the instance, and going back would destroy it',
      next: 'if it has to go, remove it as Coolify documents it, or make the server anew',
    });
  }
  return record;
}

function nothing(record: RestoreRecord | undefined): StateError {
  return new StateError({
    kind: 'usage',
    code: 'rollback.nothing',
    what: 'There is no restore to take back',
    why:
      record === undefined
        ? 'this machine has kept nothing of one'
        : record.outcome === 'rolled-back'
          ? `the last one, begun at ${record.startedAt}, was taken back already`
          : `the last one, begun at ${record.startedAt}, ended before it had changed anything`,
    next: 'see "coolify-state snapshots" for what can be restored',
  });
}

async function safetyOf({ session }: RestoreContext, { safety, startedAt }: RestoreRecord): Promise<Source> {
  const generation =
    safety === undefined
      ? undefined
      : (await session.generations.all()).find(({ manifest }) => manifest.id === safety);
  if (generation !== undefined) return await openSource(generation);
  throw new StateError({
    kind: 'failed',
    code: 'rollback.no-safety',
    what: 'There is no safety generation to go back to',
    why:
      safety === undefined
        ? `the restore begun at ${startedAt} was run with --no-safety`
        : `${safety} is not in the state folder any more`,
    next: 'while the restore is not complete, the former database still stands on the host as coolify_state_former_*; docs/restore.md says how to put it back by hand',
  });
}

/** A restore that was complete has no notes any more. */
function notesOfComplete({ id, kind, safety, startedAt, parts }: RestoreRecord): RestoreNotes {
  return {
    snapshot: safety ?? id,
    kind,
    startedAt,
    restore: id,
    ...(safety !== undefined && { safety }),
    authorizedKeys: '',
    formerLocalKeys: [],
    begun: [],
    ...(parts !== undefined && { parts }),
    // A database that was not put back is the former one, whatever was written since.
    rollback: partsOf({ parts }).includes('database') ? 'complete' : 'broken-off',
  };
}

function factsOf({ snapshot, kind, startedAt, fenced }: RestoreRecord, notes: RestoreNotes): string[] {
  const { rollback } = notes;
  return [
    `the restore of ${snapshot.id} (${snapshot.host}), begun at ${startedAt}, is taken back`,
    kind === 'bare'
      ? 'the host was bare: what the restore installed is removed; Docker, packages and images that came with it stay'
      : rollback === 'complete'
        ? 'it was complete: the database goes back to the moment of the safety generation; what was written since is lost'
        : !partsOf(notes).includes('database')
          ? `it put back ${partsOf(notes).join(', ')} alone: the database stays as it is`
          : 'it broke off: the former database goes back by rename if it was replaced',
    ...(fenced === undefined ? [] : [`the original on ${fenced} was stopped for it, and stays stopped`]),
  ];
}
