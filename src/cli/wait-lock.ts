import type { Options } from 'yargs';
import { parseDuration } from '../core/duration.js';
import { StateError } from '../core/errors.js';
import { lastOf } from './options.js';

/** The option of commands that work under the lease of a host's snapshots. */
export const WAIT_LOCK = {
  'wait-lock': {
    type: 'string',
    requiresArg: true,
    coerce: duration,
    describe: 'how long to wait for another run that works on the same snapshots: "90s", "10min", "2h"',
  },
} as const satisfies Record<string, Options>;

const LONGEST_SECONDS = 86_400;

/**
 * Milliseconds. A number without a unit is not accepted: one would mean seconds by it, another minutes.
 * @throws StateError `cli.usage`
 */
function duration(value: string): number | undefined {
  const given: unknown = value;
  if (given === undefined) return undefined;
  const seconds = parseDuration(lastOf(value));
  if (seconds !== undefined && seconds <= LONGEST_SECONDS) return seconds * 1000;
  throw new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: '--wait-lock takes a length of time up to a day, such as "90s", "10min" or "2h"',
    next: 'leave it out to be told at once when another run is at work',
  });
}
