import { StateError } from '../core/errors.js';

export type DumpFault =
  | 'not-a-dump'
  | 'truncated'
  | 'trailing-data'
  | 'malformed'
  | 'missing-data'
  | 'unsupported';

/** A dump that cannot be restored: kind `proof`, code `dump.<fault>`, with the position in the file. */
export function dumpFailure(fault: DumpFault, why: string, position: number, cause?: unknown): StateError {
  return new StateError({
    kind: 'proof',
    code: `dump.${fault}`,
    what: 'The dump of the database cannot be used',
    why: `${why} (at byte ${position})`,
    cause,
  });
}
