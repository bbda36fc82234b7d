import type { InferredOptionTypes } from 'yargs';
import { parseDuration } from '../../core/duration.js';
import { StateError } from '../../core/errors.js';
import { OPERATIONS } from '../../fleet/operations.js';
import { COMMON, lastOf } from '../options.js';

/** What can be done with a fleet. */
export const ACTIONS = [
  'enqueue',
  'worker',
  'status',
  'schedule',
  'cancel',
  'dead',
  'retry',
  'report',
] as const;
export type Action = (typeof ACTIONS)[number];

const { forks: _forks, live: _live, ...common } = COMMON;
const text = { type: 'string', coerce: lastOf, requiresArg: true } as const;

export const FLEET_OPTIONS = {
  ...common,
  redis: {
    ...text,
    group: 'Redis:',
    describe: 'address of Redis without a password; $COOLIFY_STATE_REDIS_URL by default',
  },
  'redis-ca': { ...text, group: 'Redis:', describe: 'certificates (PEM) of an authority of your own' },
  fleet: {
    ...text,
    default: 'default',
    group: 'Redis:',
    describe: 'name of the fleet, where several share a Redis',
  },
  round: {
    ...text,
    describe: 'enqueue: the round to ask for (again), as it was told; cancel, dead, retry: only its jobs',
  },
  job: { ...text, describe: 'cancel, dead, retry: only this job' },
  'read-data': {
    type: 'boolean',
    describe: 'enqueue verify: open the snapshots; coolify_verify_read_data by default',
  },
  concurrency: {
    type: 'number',
    requiresArg: true,
    default: 4,
    coerce: (value: number) => count('--concurrency', value, 1),
    describe: 'worker: jobs at once',
  },
  drills: {
    type: 'number',
    requiresArg: true,
    default: 1,
    coerce: (value: number) => count('--drills', value, 0),
    describe: 'worker: how many of them may open snapshots, where the identity is; 0 for none',
  },
  'max-memory': {
    ...text,
    coerce: memory,
    describe: 'worker: begin no further job while it takes more memory: "800M", "2G"',
  },
  'max-load': {
    type: 'number',
    requiresArg: true,
    describe: 'worker: begin no further job while the load of the machine is more for each processor',
  },
  'stalled-after': {
    ...text,
    default: '1min',
    describe: 'worker: after so long without a sign of life a job is given to another worker',
  },
  watch: { type: 'boolean', default: false, describe: 'status: again and again' },
  once: { type: 'boolean', default: false, describe: 'schedule: bring it up to date and end' },
  check: { type: 'boolean', default: false, describe: 'schedule: only tell what would be due when' },
  output: { ...text, alias: 'o', describe: 'report: file for a page of HTML about all hosts' },
  scorecard: { ...text, describe: 'report: file for the scorecard as JSON, its signature beside it' },
  metrics: { ...text, describe: "report: folder of node_exporter's textfile collector" },
} as const;

export type FleetArguments = InferredOptionTypes<typeof FLEET_OPTIONS> & {
  action: string;
  operation?: string | undefined;
  hosts: string;
};

export const OPERATION_CHOICES: readonly string[] = OPERATIONS;

/** Milliseconds. @throws StateError `cli.usage` */
export function stalledAfterOf({ 'stalled-after': given }: FleetArguments): number {
  const seconds = parseDuration(given);
  if (seconds !== undefined && seconds >= 2 && seconds <= 3600) return seconds * 1000;
  throw usage('--stalled-after takes a length of time from "2s" to "1h"', 'leave it out for a minute');
}

export function usage(what: string, next: string): StateError {
  return new StateError({ kind: 'usage', code: 'cli.usage', what, next });
}

function count(option: string, value: number, least: number): number {
  if (Number.isInteger(value) && value >= least && value <= 1000) return value;
  throw usage(`${option} takes a whole number from ${least} to 1000`, 'coolify-state fleet --help');
}

function memory(value: string): number | undefined {
  const given: unknown = value;
  if (given === undefined) return undefined;
  const match = /^(\d{1,6})([MG])i?B?$/i.exec(lastOf(value));
  if (match !== null) return Number(match[1]) * 1024 ** (match[2]?.toUpperCase() === 'G' ? 3 : 2);
  throw usage('--max-memory takes a size, such as "800M" or "2G"', 'leave it out for no limit');
}
