import { interrupted, StateError } from '../core/errors.js';

/** Errors that every kind of repository has, so that they read the same. */

export function alreadyExists(location: string, key: string, cause?: unknown): StateError {
  return new StateError({
    kind: 'failed',
    code: 'repository.exists',
    what: `Could not store ${key} in ${location}`,
    why: 'an object of that name exists already, and nothing in a repository is ever overwritten',
    next: 'see whether it is good with "coolify-state verify"; what is a leftover is removed by "coolify-state prune"',
    cause,
  });
}

export function notFound(location: string, key: string, cause?: unknown): StateError {
  return new StateError({
    kind: 'failed',
    code: 'repository.not-found',
    what: `There is no ${key} in ${location}`,
    next: 'list what there is with "coolify-state snapshots"',
    cause,
  });
}

export function badOffset(location: string, key: string, offset: number, size: number): StateError {
  return new StateError({
    kind: 'failed',
    code: 'repository.bad-offset',
    what: `Could not read ${key} in ${location} from byte ${offset}`,
    why: `it has ${size} bytes`,
    next: 'somebody changed it meanwhile: run it again',
  });
}

/** An object lock keeps an object. The code is that of every removal that is denied. */
export function lockedUntil(location: string, key: string, until: Date): StateError {
  return new StateError({
    kind: 'failed',
    code: 'repository.remove-denied',
    what: `Could not remove ${key} in ${location}`,
    why: `an object lock keeps it until ${until.toISOString()}`,
    next: 'wait until then: the next "coolify-state prune" removes it',
  });
}

/** What an aborted signal becomes: the reason when it is an error of ours, otherwise `interrupted`. */
export function abortFailure(signal: AbortSignal): StateError {
  return signal.reason instanceof StateError ? signal.reason : interrupted(signal.reason);
}

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw abortFailure(signal);
}
