import { failedProofs } from '../../coolify/proofs.js';
import { restoredHostKeys } from '../../coolify/restore/host-keys.js';
import { proveServers } from '../../coolify/restore/prove-servers.js';
import { proveHeld, proveLetGo } from '../../coolify/restore/quarantine.js';
import { proveTarget } from '../../coolify/restore/target-proofs.js';
import { StateError } from '../../core/errors.js';
import { type Task, workTask } from '../../engine/task.js';
import type { Proof } from '../../state/manifest.js';
import type { RestoreContext } from './context.js';
import type { RestoreOptions } from './restore.js';

/** The steps of a restore that prove what the others did. What they prove is kept, also when it fails. */

/** What must hold when only a part was put back: that Coolify runs with its data. */
const PROOFS_OF_A_PART: readonly string[] = ['health', 'database-login', 'app-key', 'key-rows'];

export function proving(everything: boolean): Task<RestoreContext> {
  return workTask('prove the target', async (context, reporter) => {
    const { proofs, warnings } = await proveTarget(context.ready, reporter.signal);
    context.proofs = proofs;
    for (const warning of warnings) reporter.warn(warning);
    const failed = failedProofs(proofs).filter(({ name }) => everything || PROOFS_OF_A_PART.includes(name));
    if (failed.length === 0) return proofs.map(({ name }) => name).join(', ');
    throw unproven(failed);
  });
}

export function provingLetGo(): Task<RestoreContext> {
  return workTask('prove that Coolify works', async (context, { signal }) => {
    const proof = await proveLetGo(context.ready, signal);
    context.proofs = [...context.proofs, proof];
    if (!proof.ok) throw unproven([proof]);
    return proof.detail;
  });
}

/** For a restore that is to stay still: its proof that it does. */
export function stillHeld(): Task<RestoreContext> {
  return workTask('prove that Coolify is held still', async (context, { signal }) => {
    const proof = await proveHeld(context.ready, signal);
    context.proofs = [...context.proofs, proof];
    if (!proof.ok) throw unproven([proof]);
    return proof.detail;
  });
}

export function provingHostKeys(): Task<RestoreContext> {
  return workTask('prove the host keys', async (context) => {
    const { hostKey } = context.ready.connection;
    const keys = await restoredHostKeys(context.ready);
    const ok = keys.some(({ fingerprint }) => fingerprint === hostKey.fingerprint);
    const detail = ok
      ? `sshd presents ${hostKey.fingerprint}, a key of the snapshot`
      : `sshd presents ${hostKey.fingerprint}, which is no key of the snapshot`;
    const proof: Proof = { name: 'host-keys', ok, detail };
    context.proofs = [...context.proofs, proof];
    if (!ok) throw unproven([proof]);
    return detail;
  });
}

/**
 * Last, when the instance works already: what the rest of the fleet has come to meanwhile is to be known, but one server that
 * does not let Coolify in is no reason to keep it from all others.
 */
export function provingServers({ offline, hold }: RestoreOptions): Task<RestoreContext> {
  return {
    name: "prove that Coolify's servers take its keys",
    kind: 'work',
    inspect: () =>
      Promise.resolve(
        offline === true || hold === true
          ? { skip: 'what is held still calls nobody' }
          : { summary: 'log in to each as Coolify does' },
      ),
    apply: async (context, reporter) => {
      const { proofs, warnings } = await proveServers(context.ready, reporter.signal);
      for (const warning of warnings) reporter.warn(warning);
      context.proofs = [...context.proofs, ...proofs];
      const failed = failedProofs(proofs);
      if (failed.length === 0) return proofs[0]?.detail ?? 'it has none but its own host';
      throw new StateError({
        kind: 'proof',
        code: 'restore.servers-refuse',
        what: 'The instance is restored and works, but a server does not let it in',
        why: failed.map(({ detail }) => detail).join('; '),
        next: 'where that machine is still yours, add the public key (in the snapshot as backups/coolify/<key_name>.pub) to its authorized_keys; where it is not, remove the server in Coolify; then run the restore again, which only proves',
      });
    },
  };
}

function unproven(failed: readonly Proof[]): StateError {
  return new StateError({
    kind: 'proof',
    code: 'restore.unproven',
    what: `The target is not the instance of the snapshot (${failed.map(({ name }) => name).join(', ')})`,
    why: failed.map(({ detail }) => detail).join('; '),
    next: "the former database is kept, Coolify's queue and scheduler are off; put the cause right and run the restore again: it goes on where it stopped",
  });
}
