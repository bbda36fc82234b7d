import type { StateError } from '../../core/errors.js';

/**
 * What becomes of a job that failed:
 * - `retry`: what stopped it may pass, so that it is tried again as often as the inventory says;
 * - `dead`: it would fail the same way; somebody has to look;
 * - `back`: this worker was stopped, another takes it.
 */
export type Disposition = 'retry' | 'dead' | 'back';

/** Errors that pass by nobody's doing, although what they say of themselves sounds final. */
const PASSING = new Set([
  'repository.lease-lost',
  'repository.lease-expired',
  // What was cut off on its way comes whole the next time.
  'dump.truncated',
]);

/** Errors of a kind that passes, which do not: the same would be found again. */
const LASTING =
  /^ssh\.(host-(key|certificate)-|auth-failed$|password-expired$|no-common-algorithm$|not-ssh$)|^drill\.late$/;

export function dispositionOf({ kind, code }: StateError): Disposition {
  if (kind === 'interrupted') return 'back';
  if (LASTING.test(code)) return 'dead';
  if (PASSING.has(code)) return 'retry';
  return kind === 'usage' || kind === 'proof' ? 'dead' : 'retry';
}
