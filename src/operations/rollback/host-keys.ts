import type { FormerFile } from '../../coolify/restore/former-state.js';
import { checkSshd, reloadSshd } from '../../coolify/restore/host-keys.js';
import { begin } from '../../coolify/restore/notes.js';
import {
  changedFiles,
  formerHostKeys,
  isHostKey,
  putBackFiles,
} from '../../coolify/restore/rollback-files.js';
import { StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import type { Task } from '../../engine/task.js';
import { meetHostKeys, rememberHostKeys } from '../hosts/meet-host-keys.js';
import type { RestoreContext } from '../restore/context.js';
import { keptOf, recordIn } from './record.js';

/** The last step of a rollback: who the host was. sshd checks the keys, reads them, and has to present one of them. */
export function hostKeysBack(): Task<RestoreContext> {
  const differing = (context: RestoreContext, signal: AbortSignal): Promise<FormerFile[]> => {
    const { layout } = context.config;
    const files = recordIn(context).former.files.filter(({ path }) => isHostKey(layout, path));
    return changedFiles(context.session.connection, files, signal);
  };
  return {
    name: 'put the host keys back',
    kind: 'change',
    why: 'last, because the connection changes with them',
    inspect: async (context, { signal }) => {
      const files = await differing(context, signal);
      if (files.length > 0) return { summary: `put ${files.length} host keys back and reload sshd` };
      return context.notes?.begun.includes('host-keys') === true
        ? { summary: 'have sshd read its host keys, which are as they were' }
        : { unchanged: 'they are as they were' };
    },
    apply: async (context, { signal }) => {
      const { session, config } = context;
      const kept = keptOf(context);
      const former = await formerHostKeys(config.layout, recordIn(context).former.files, kept);
      // Until sshd has read them, both are known: a run that dies in between is let in by either.
      await rememberHostKeys(config, [session.connection.hostKey, ...former]);
      await noteBegun(context);
      await putBackFiles(session.connection, await differing(context, signal), kept, signal);
      const check = await checkSshd(session.connection, signal);
      if (check.code !== 0) {
        throw new StateError({
          kind: 'failed',
          code: 'host-keys.refused',
          what: 'sshd does not accept its former host keys',
          why: lastLines(check.stderr, 3) || `"sshd -t" ended with status ${check.code}`,
        });
      }
      await reloadSshd(session.connection, signal);
      const { fingerprint } = await meetHostKeys(context, config, former, signal);
      return `sshd presents the former key ${fingerprint}`;
    },
  };
}

/** Files alone do not tell whether sshd has read them: a run that dies before that leaves it to the next one. */
async function noteBegun(context: RestoreContext): Promise<void> {
  const { session, config, target } = context;
  const notes = target?.notes ?? context.notes;
  if (notes === undefined) throw new Error('there are no notes');
  const noted = { connection: session.connection, layout: config.layout, notes };
  await begin(noted, 'host-keys');
  context.notes = noted.notes;
  if (target !== undefined) target.notes = noted.notes;
}
