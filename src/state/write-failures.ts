import { errnoOf, StateError } from '../core/errors.js';

/** A disk that is full, broken or takes nothing, in a sentence; other errors as they are. */
export function writeFailure(error: unknown, path: string): Error {
  const errno = errnoOf(error);
  if (errno === 'ENOSPC' || errno === 'EDQUOT') return diskFull(error, errno, path);
  if (errno === 'EROFS') return readOnly(error, path);
  if (errno === 'EACCES' || errno === 'EPERM') return forbidden(error, path);
  if (errno === 'EIO') return diskBroken(error, path);
  return error instanceof Error ? error : new Error(String(error));
}

function diskFull(error: unknown, errno: 'ENOSPC' | 'EDQUOT', path: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'state.disk-full',
    what: `${path} could not be written`,
    why: errno === 'ENOSPC' ? 'the disk is full (ENOSPC)' : 'the disk quota is used up (EDQUOT)',
    next: 'make room on this machine, or choose another --state-dir; generations that were complete are untouched',
    cause: error,
  });
}

function readOnly(error: unknown, path: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'state.read-only',
    what: `${path} could not be written`,
    why: 'the file system is mounted read-only (EROFS)',
    next: 'see in "dmesg" whether the disk has failed; otherwise mount it for writing, or choose another --state-dir',
    cause: error,
  });
}

function forbidden(error: unknown, path: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'state.forbidden',
    what: `${path} could not be written`,
    why: 'this user may not; a run as root (with sudo) leaves files that only root may change',
    next: 'see with "ls -ld" whose it is, and give the state to the user who runs this: chown -R USER FOLDER',
    cause: error,
  });
}

function diskBroken(error: unknown, path: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'state.disk-broken',
    what: `${path} could not be written`,
    why: 'the disk reported an error (EIO)',
    next: 'see in "dmesg" what it says of the disk, and choose a --state-dir on another one',
    cause: error,
  });
}
