/** A command line for a host that answers, after which the options of its workplace come. */
export interface OnlineCase {
  readonly args: readonly string[];
  readonly status: number;
  /** Code of the error, where there is one. */
  readonly code?: string;
}

/** Of the commands that need a host what becomes of them there, in this order: the host is backed up first. */
export const ONLINE_CASES: readonly OnlineCase[] = [
  { args: ['backup'], status: 0 },
  { args: ['backup', '--skip-unchanged'], status: 0 },
  { args: ['backup', '--check'], status: 0 },
  { args: ['restore', '--check'], status: 0 },
  { args: ['restore', '--from', 'ffffffff', '--check'], status: 1, code: 'repository.no-snapshot' },
  { args: ['restore', '--only', 'databse', '--check'], status: 2, code: 'artifact.unknown' },
  { args: ['diff'], status: 0 },
  { args: ['token', '--check'], status: 0 },
  { args: ['doctor'], status: 0 },
  { args: ['run'], status: 0 },
  { args: ['rekey', '--check'], status: 0 },
  { args: ['verify', '--read-data'], status: 0 },
];
