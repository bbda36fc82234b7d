import { requireKnownVolumes, requireUsableHost } from '../coolify/facts.js';
import { waitForInstaller } from '../coolify/install.js';
import { failedProofs } from '../coolify/proofs.js';
import { presentAuthorizedKeys } from '../coolify/restore-authorized-keys.js';
import { type RestoreNotes, readNotes } from '../coolify/restore-notes.js';
import { openSource, Target } from '../coolify/target.js';
import { StateError } from '../core/errors.js';
import { readTask, type Task } from '../engine/task.js';
import type { Connection } from '../ssh/connection.js';
import type { HostConfig } from './host-config.js';
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
      requireKnownVolumes(session.facts);
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
      const { host } = context.opened.generation.manifest;
      if (host !== snapshotHost) throw otherHost(host, snapshotHost);
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
      const { connection } = session;
      const earlier = await readNotes(connection, config.layout);
      if (earlier?.begun.includes('containers')) {
        await waitForInstaller(connection, config.layout, reporter.signal);
        await session.gatherFacts(reporter.signal);
      }
      const { facts } = session;
      const resumed = earlier?.snapshot === opened.generation.manifest.id ? earlier : undefined;
      const kind = resumed?.kind ?? (facts.databaseVolumes.length > 0 ? 'installed' : 'bare');
      const notes = resumed ?? {
        snapshot: opened.generation.manifest.id,
        kind,
        startedAt: new Date().toISOString(),
        authorizedKeys: await ownKeys(connection, config, earlier, reporter.signal),
        begun: [],
      };
      context.target = new Target(
        connection,
        facts,
        config.layout,
        source,
        kind,
        notes,
        resumed !== undefined,
        options.wants,
      );
      return proofs.map(({ name }) => name).join(', ');
    }),
  ];
}

/** Lines of authorized_keys that are the target's own: those of now, and those that a run of another snapshot had noted. */
async function ownKeys(
  connection: Connection,
  { layout }: HostConfig,
  earlier: RestoreNotes | undefined,
  signal: AbortSignal,
): Promise<string> {
  const present = await presentAuthorizedKeys({ connection, layout }, signal);
  return earlier === undefined ? present : `${earlier.authorizedKeys}\n${present}`;
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
