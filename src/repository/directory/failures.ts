import { errnoOf, messageOf, StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';

/** The system's error codes, each with the sentence that a person needs. Errors of ours pass unchanged. */
export function directoryFailure(error: unknown, what: string, location: string): StateError {
  if (error instanceof StateError) return error;
  const known = SENTENCES[errnoOf(error) ?? ''];
  return new StateError({
    kind: 'failed',
    code: known?.code ?? 'repository.failed',
    what: `${what} in ${location}`,
    why: known?.why ?? printable(messageOf(error)),
    next: known?.next ?? LOOK_THERE,
    cause: error,
  });
}

interface Sentence {
  readonly code: string;
  readonly why: string;
  readonly next: string;
}

const LOOK_THERE = 'Look at that folder and its file system by hand, then run it again';
const MOUNT_AGAIN = 'See whether it is mounted and its server answers, then run it again';

const NO_SPACE: Sentence = {
  code: 'repository.no-space',
  why: 'no space is left, or the quota is used up',
  next: 'Remove old snapshots, or choose a larger place',
};
const DENIED: Sentence = {
  code: 'repository.access-denied',
  why: 'this user may not read or write there',
  next: 'Look at owner and mode of the directory',
};

const SENTENCES: Readonly<Record<string, Sentence | undefined>> = {
  ENOSPC: NO_SPACE,
  EDQUOT: NO_SPACE,
  EFBIG: {
    code: 'repository.no-space',
    why: 'the file system does not take a file of this size',
    next: 'Choose a file system that takes large files (FAT does not)',
  },
  EACCES: DENIED,
  EPERM: DENIED,
  EROFS: {
    code: 'repository.access-denied',
    why: 'the file system is mounted read-only',
    next: 'See in "dmesg" whether the disk has failed; otherwise mount it for writing',
  },
  ENOTDIR: {
    code: 'repository.not-a-directory',
    why: 'something that is not a directory stands in the way',
    next: 'Correct the path of the repository, or remove what stands there',
  },
  ELOOP: {
    code: 'repository.not-a-file',
    why: 'a symbolic link stands where the object should be',
    next: 'Find out who put it there; links are not followed in a repository',
  },
  EIO: {
    code: 'repository.unreadable',
    why: 'the disk reports an input/output error',
    next: 'See in "dmesg" whether the disk is failing, and use another copy of the snapshots meanwhile',
  },
  ESTALE: { code: 'repository.unreachable', why: 'the network file system is gone', next: MOUNT_AGAIN },
  EHOSTDOWN: {
    code: 'repository.unreachable',
    why: 'the network file system does not answer',
    next: MOUNT_AGAIN,
  },
};
