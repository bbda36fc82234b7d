import { StateError } from '../core/errors.js';

/** The error for a compressed archive that cannot be unpacked: code `archive.<problem>`. */
export function damaged(
  problem: 'truncated' | 'corrupt' | 'trailing-data',
  why: string,
  cause?: unknown,
): StateError {
  return new StateError({
    kind: 'proof',
    code: `archive.${problem}`,
    what:
      problem === 'truncated' ? 'The compressed archive is incomplete' : 'The compressed archive is damaged',
    why,
    next: 'fetch it again; if that does not help, use another snapshot',
    cause,
  });
}
