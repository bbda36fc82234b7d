import type { Argv, Options } from 'yargs';
import { StateError } from '../core/errors.js';
import { type FailureBudget, parseFailureBudget } from '../engine/failure-budget.js';
import { LOG_FORMATS } from './log/log-format.js';
import { GENERAL } from './overview.js';

/** Options that every command understands. */
export const COMMON = {
  inventory: {
    alias: 'i',
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    default: ['inventory/'],
    describe: 'inventory file, folder, or "host1,host2,"',
    group: 'Hosts:',
  },
  limit: {
    alias: 'l',
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'further limit the hosts to a pattern',
    group: 'Hosts:',
  },
  forks: {
    alias: 'f',
    type: 'number',
    requiresArg: true,
    default: 5,
    coerce: wholeNumber,
    describe: 'hosts worked on at once',
    group: 'Hosts:',
  },
  'vault-password-file': {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: 'file with the password of vaulted values',
    group: 'Hosts:',
  },
  'vault-id': {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: 'the same with an id: "prod@file", "prod@prompt"',
    group: 'Hosts:',
  },
  'state-dir': {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    default: 'state',
    describe: 'folder that keeps the state of hosts',
    group: 'Hosts:',
  },
  json: {
    type: 'boolean',
    default: false,
    describe: 'one JSON event a line on standard output, then a summary',
    group: GENERAL,
  },
  log: {
    choices: LOG_FORMATS,
    coerce: lastOf,
    requiresArg: true,
    describe: 'on standard error: plain lines, or one JSON object for each fact ($COOLIFY_STATE_LOG)',
    group: GENERAL,
  },
  live: {
    type: 'boolean',
    default: true,
    describe: 'draw what is at work on a terminal (--no-live: plain lines, for screen readers)',
    group: GENERAL,
  },
  verbose: {
    alias: 'v',
    type: 'count',
    describe: 'what failing commands said (-v), and how connections come about (-vv)',
    group: GENERAL,
  },
} as const satisfies Record<string, Options>;

/** Of an option that is given twice the last counts, as in most programs; yargs would make a list of it. */
export function lastOf(value: string): string {
  const given: unknown = value;
  return Array.isArray(given) ? String(given.at(-1)) : value;
}

/** @throws StateError `cli.usage` */
function wholeNumber(value: number): number {
  if (Number.isInteger(value) && value >= 1) return value;
  throw new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: '--forks takes a whole number from 1',
    next: 'leave it out for 5',
  });
}

/** Options of commands that work on many hosts. */
export const FLEET = {
  'max-failures': {
    type: 'string',
    coerce: failureBudget,
    requiresArg: true,
    describe: 'begin no further host when more than so many have failed: "3", "20%"',
    group: 'Hosts:',
  },
} as const satisfies Record<string, Options>;

/** @throws StateError `cli.usage` */
function failureBudget(value: string): FailureBudget | undefined {
  const text: unknown = value;
  if (text === undefined) return undefined;
  const budget = parseFailureBudget(lastOf(value));
  if (budget !== undefined) return budget;
  throw new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: '--max-failures takes a number of hosts or a share of them, such as "3" or "20%"',
    next: 'leave it out to try all',
  });
}

/** Options of commands that change something. */
export const CHANGING = {
  check: { type: 'boolean', default: false, describe: 'only tell what would be done' },
  diff: { type: 'boolean', default: false, describe: 'show differences (secrets redacted)' },
} as const satisfies Record<string, Options>;

/** Where a command takes a snapshot from. */
export const SOURCE = {
  from: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    default: 'latest',
    describe:
      '"latest", a snapshot\'s id, "local" (the newest generation here), a file, or a generation\'s folder',
  },
} as const satisfies Record<string, Options>;

/** The pattern of hosts a command works on; without one, the group `controller`. */
export function hostsPositional<Arguments>(yargs: Argv<Arguments>): Argv<Arguments & { hosts: string }> {
  return yargs.positional('hosts', {
    type: 'string',
    default: 'controller',
    describe: 'hosts or groups, as an Ansible host pattern',
  });
}
