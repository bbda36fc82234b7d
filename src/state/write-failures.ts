import { errnoOf, StateError } from '../core/errors.js';

/** A full disk in a sentence; other errors as they are. */
export function writeFailure(error: unknown, path: string): Error {
  const errno = errnoOf(error);
  if (errno !== 'ENOSPC' && errno !== 'EDQUOT')
    return error instanceof Error ? error : new Error(String(error));
  return new StateError({
    kind: 'failed',
    code: 'state.disk-full',
    what: `${path} could not be written`,
    why: errno === 'ENOSPC' ? 'the disk is full (ENOSPC)' : 'the disk quota is used up (EDQUOT)',
    next: 'make room on this machine, or choose another --state-dir; generations that were complete are untouched',
    cause: error,
  });
}
