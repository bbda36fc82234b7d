import type { Options } from 'yargs';
import type { StoredChoice } from '../operations/verify/selection.js';

/** Of commands that work on all snapshots of a host unless some are named. */
export const WHICH = {
  snapshot: {
    alias: 's',
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: 'only this snapshot, by its id; can be given several times ("latest" for the newest)',
  },
} as const satisfies Record<string, Options>;

export function whichOf({
  snapshot = [],
}: {
  readonly snapshot?: readonly string[] | undefined;
}): StoredChoice {
  return snapshot.length === 0 ? { kind: 'all' } : { kind: 'ids', ids: snapshot };
}
