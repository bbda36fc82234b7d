import { type FailureKind, StateError } from '../../core/errors.js';
import type { VerifiedSnapshot } from './snapshot.js';

/** Bad data before everything else. */
const GRAVITY: readonly FailureKind[] = ['proof', 'locked', 'unreachable', 'usage', 'failed'];

/**
 * One error for a host of which many snapshots were looked at: the only one, or what is to be said of all. Its kind is
 * the gravest of them, so that one bad snapshot is seen in the exit status whatever else went wrong.
 *
 * @param first the error that the run ended with
 * @param failures trouble that is of no single snapshot, such as a repository that could not be read
 */
export function hostError(
  host: string,
  first: StateError | undefined,
  failures: readonly StateError[],
  snapshots: readonly VerifiedSnapshot[],
): StateError | undefined {
  const bad = snapshots.flatMap(({ id, where, error }) =>
    error === undefined ? [] : [{ error, said: `${id} in ${where}: ${error.message}` }],
  );
  const all = [...failures.map((error) => ({ error, said: error.message })), ...bad];
  if (first === undefined || all.length < 2 || first.kind === 'interrupted') return first;
  return new StateError({
    kind: GRAVITY.find((kind) => all.some(({ error }) => error.kind === kind)) ?? first.kind,
    code: 'verify.bad-snapshots',
    what: `${bad.length} of ${snapshots.length} snapshots could not be verified`,
    why: all.map(({ said }) => said).join('\n'),
    next: 'rely on the others; look at the store for what became of these, and take a new backup',
    host,
  });
}
