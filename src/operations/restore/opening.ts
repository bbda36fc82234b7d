import { installedVersion, requireKnownVolumes, requireUsableHost } from '../../coolify/facts.js';
import { requireKnownVersion } from '../../coolify/instance.js';
import { failedProofs } from '../../coolify/proofs.js';
import { presentAuthorizedKeys } from '../../coolify/restore/authorized-keys.js';
import { inspectDatabase } from '../../coolify/restore/database.js';
import { factsOf, isNewer } from '../../coolify/restore/needs.js';
import { type RestoreNotes, readNotes } from '../../coolify/restore/notes.js';
import {
  refuseForeignMachine,
  refuseLittleSpace,
  refuseVersions,
  serverFacts,
  snapshotFactsOf,
  spacesOf,
} from '../../coolify/restore/preflight.js';
import { openSource, type Source, Target } from '../../coolify/restore/target.js';
import { gatherTargetFacts } from '../../coolify/restore/target-facts.js';
import { waitForTurn } from '../../coolify/restore/turn.js';
import { StateError } from '../../core/errors.js';
import { readTask, type Task } from '../../engine/task.js';
import { openingTasks } from '../hosts/host-session.js';
import { openSnapshot } from '../snapshots/source.js';
import { proveSource, unprovenSnapshot } from '../verify/generation.js';
import type { RestoreContext } from './context.js';
import { notesGoingOn } from './going-on.js';
import type { RestoreJob, RestoreOptions } from './restore.js';
import { seekOriginal } from './second-brain.js';
import { rollbackCommand } from './way-back.js';

/** The step that a recovery begins with, to whoever measures one. */
export const FETCH_STEP = 'fetch the snapshot';

/** Everything that only reads: when one of these fails, nothing was touched. */
export function restoreOpening(job: RestoreJob, options: RestoreOptions): Task<RestoreContext>[] {
  const { target: config, snapshotHost } = job;
  return [
    ...openingTasks<RestoreContext>(),
    readTask('look at the target', ({ session }) => {
      requireUsableHost(session.facts);
      requireKnownVolumes(session.facts);
      const volumes = session.facts.databaseVolumes;
      return Promise.resolve(
        volumes.length > 0
          ? `a database volume stands here (${volumes.join(', ')})`
          : 'no database volume: a bare host',
      );
    }),
    readTask(FETCH_STEP, async (context, reporter) => {
      context.opened = await openSnapshot(
        options.from,
        {
          host: snapshotHost,
          repositories: config.repositories,
          identityPath: config.identityPath,
          ...(options.passphrase !== undefined && { passphrase: options.passphrase }),
        },
        { kept: context.session.state.generations(snapshotHost), scratch: context.session.generations },
        reporter,
      );
      const { host } = context.opened.generation.manifest;
      if (host !== snapshotHost) throw otherHost(host, snapshotHost);
      return context.opened.origin;
    }),
    readTask('prove the snapshot', async (context, reporter) => {
      const { opened, session } = context;
      if (opened === undefined) throw new Error('no snapshot was opened');
      const source = await openSource(opened.generation);
      requireKnownVersion(source.instance, snapshotHost);
      const { proofs, warnings } = await proveSource(source, reporter.signal);
      context.sourceProofs = proofs;
      const failed = failedProofs(proofs);
      if (failed.length > 0) throw unprovenSnapshot(opened.origin, failed);
      for (const warning of warnings) reporter.warn(warning);
      const { connection } = session;
      const earlier = await readNotes(connection, config.layout);
      if (earlier !== undefined) {
        await waitForTurn(connection, config.layout, reporter.signal);
        await session.gatherFacts(reporter.signal);
      }
      requireNoOther(earlier, opened.generation.manifest.id, config.name, options);
      context.target = await targetOf(context, source, earlier, options, reporter.signal);
      context.touched = context.ready.resumed;
      const { manifest } = source.generation;
      context.subject = {
        origin: opened.origin,
        snapshot: manifest.id,
        createdAt: manifest.createdAt,
        snapshotHost: manifest.host,
        kind: context.ready.kind,
        rollback: false,
      };
      return proofs.map(({ name }) => name).join(', ');
    }),
    readTask('see whether the restore can work', async (context, reporter) => {
      const target = context.ready;
      const { session } = context;
      const facts = await gatherTargetFacts(
        session.connection,
        config.layout,
        session.facts,
        target.version,
        reporter.signal,
      );
      refuseForeignMachine(target, facts);
      const server = session.facts.hasEnv ? await serverFacts(target, reporter.signal) : undefined;
      refuseVersions(target, facts, server, options.newer ?? 'refuse');
      // What an earlier run has loaded already takes no further space.
      if (target.wants('database')) await inspectDatabase(target, reporter);
      refuseLittleSpace(target, facts, server);
      context.facts = [
        ...factsOf(session.facts, facts),
        ...spacesOf(target, facts),
        ...snapshotFactsOf(target),
      ];
      return spacesOf(target, facts).join('; ');
    }),
    seekOriginal(job, options),
  ];
}

/** The target as facts, notes of an earlier run and what was asked for make it. */
async function targetOf(
  context: RestoreContext,
  source: Source,
  earlier: RestoreNotes | undefined,
  options: RestoreOptions,
  signal: AbortSignal,
): Promise<Target> {
  const { config, session } = context;
  const { connection, facts } = session;
  const { id } = source.generation.manifest;
  const resumed = earlier?.snapshot === id ? earlier : undefined;
  const kind = resumed?.kind ?? (facts.databaseVolumes.length > 0 ? 'installed' : 'bare');
  const installed = installedVersion(facts);
  const snapshotVersion = source.instance.coolify.version;
  const keeps =
    kind === 'installed' &&
    options.newer === 'keep' &&
    installed !== undefined &&
    isNewer(installed, snapshotVersion);
  const version = resumed?.version ?? (keeps ? installed : snapshotVersion);
  const { wants } = options;
  const fresh = {
    snapshot: id,
    kind,
    version,
    startedAt: new Date().toISOString(),
    authorizedKeys: await presentAuthorizedKeys({ connection, layout: config.layout }, signal),
  };
  const notes = notesGoingOn(earlier, fresh, wants);
  return new Target(connection, facts, config.layout, source, kind, notes, {
    resumed: resumed !== undefined,
    wants,
    version,
    offline: options.offline ?? false,
  });
}

/**
 * @throws StateError `restore.rollback-under-way`; `restore.other-under-way` for a bare host that another snapshot has half
 * filled: its volume has that one's password.
 */
function requireNoOther(
  earlier: RestoreNotes | undefined,
  snapshot: string,
  host: string,
  options: RestoreOptions,
): void {
  const rollback = rollbackCommand(host, options);
  if (earlier?.rollback !== undefined) {
    throw new StateError({
      kind: 'failed',
      code: 'restore.rollback-under-way',
      what: 'A restore is being taken back on this host, and that broke off',
      next: `complete it first: ${rollback}`,
    });
  }
  if (earlier === undefined || earlier.snapshot === snapshot || earlier.kind !== 'bare' || !options.safety)
    return;
  throw new StateError({
    kind: 'failed',
    code: 'restore.other-under-way',
    what: 'A restore of another snapshot broke off on this host, which was bare before',
    why: `it was ${earlier.snapshot}, begun at ${earlier.startedAt}`,
    next: `take it back first (${rollback}), or go on with that one (--from ${earlier.snapshot}); with --no-safety what stands there counts as an installed Coolify that nobody needs`,
  });
}

function otherHost(found: string, wanted: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'restore.other-host',
    what: `The snapshot is not of ${wanted}`,
    why: `its manifest says it was taken of ${found}`,
    next: `to put it onto another host, say so: coolify-state restore ${found} --from ... --to ${wanted}`,
  });
}
