import { requireUsableHost } from '../coolify/facts.js';
import { failedProofs } from '../coolify/proofs.js';
import { presentAuthorizedKeys } from '../coolify/restore-authorized-keys.js';
import { readNotes } from '../coolify/restore-notes.js';
import { openSource, Target } from '../coolify/target.js';
import { readTask, type Task } from '../engine/task.js';
import { openingTasks } from './host-session.js';
import type { RestoreJob, RestoreOptions } from './restore.js';
import type { RestoreContext } from './restore-context.js';
import { openSnapshot } from './snapshot-source.js';
import { proveSource, unprovenSnapshot } from './verify-generation.js';

/** Everything that only reads: when one of these fails, nothing was touched. */
export function restoreOpening(
  { target: config, snapshotHost }: RestoreJob,
  options: RestoreOptions,
): Task<RestoreContext>[] {
  return [
    ...openingTasks<RestoreContext>(),
    readTask('look at the target', ({ session }) => {
      requireUsableHost(session.facts);
      const volumes = session.facts.databaseVolumes;
      return Promise.resolve(
        volumes.length > 0
          ? `a database volume stands here (${volumes.join(', ')})`
          : 'no database volume: a bare host',
      );
    }),
    readTask('fetch the snapshot', async (context, reporter) => {
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
      return context.opened.origin;
    }),
    readTask('prove the snapshot', async (context, reporter) => {
      const { opened, session } = context;
      if (opened === undefined) throw new Error('no snapshot was opened');
      const source = await openSource(opened.generation);
      const { proofs, warnings } = await proveSource(source, reporter.signal);
      const failed = failedProofs(proofs);
      if (failed.length > 0) throw unprovenSnapshot(opened.origin, failed);
      for (const warning of warnings) reporter.warn(warning);
      const { connection, facts } = session;
      const earlier = await readNotes(connection, config.layout);
      const resumed = earlier?.snapshot === opened.generation.manifest.id ? earlier : undefined;
      context.resumed = resumed !== undefined;
      const kind = resumed?.kind ?? (facts.databaseVolumes.length > 0 ? 'installed' : 'bare');
      const notes = resumed ?? {
        snapshot: opened.generation.manifest.id,
        kind,
        startedAt: new Date().toISOString(),
        authorizedKeys: await presentAuthorizedKeys({ connection, layout: config.layout }, reporter.signal),
      };
      context.target = new Target(connection, facts, config.layout, source, kind, notes, options.wants);
      return proofs.map(({ name }) => name).join(', ');
    }),
  ];
}
