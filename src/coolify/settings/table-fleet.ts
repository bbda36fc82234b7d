import { optional, required } from './setting.js';
import { DURATION, TEXT, wholeNumber } from './types.js';

/** Many hosts on several machines: see docs/fleet.md. Who runs `backup` or `run` needs none of it. */
export const FLEET_SETTINGS = {
  fleetGroup: required(TEXT, 'default', {
    section: 'Fleet',
    name: 'coolify_fleet_group',
    description:
      'The site or network that the host stands in. Groups get their turns one after the other, however many jobs each has waiting. See docs/fleet.md.',
  }),
  fleetGroupLimit: optional(wholeNumber(1, 10_000), {
    section: 'Fleet',
    name: 'coolify_fleet_group_limit',
    description: 'How many hosts of the group are worked on at once, by all workers together.',
  }),
  fleetRepositoryLimit: optional(wholeNumber(1, 10_000), {
    section: 'Fleet',
    name: 'coolify_fleet_repository_limit',
    description: 'How many jobs of all workers work with a repository of the host at once.',
  }),
  fleetAttempts: required(wholeNumber(1, 100), 5, {
    section: 'Fleet',
    name: 'coolify_fleet_attempts',
    description:
      'How often a job is tried when what stops it may pass: a host that cannot be reached, a lock, a store that does not answer.',
  }),
  fleetRetryAfter: required(DURATION, 60, {
    section: 'Fleet',
    name: 'coolify_fleet_retry_after',
    defaultText: '`1min`',
    description: 'Pause before the second attempt; it doubles with every further one, and is spread.',
  }),
  fleetBackupEvery: optional(DURATION, {
    section: 'Fleet',
    name: 'coolify_fleet_backup_every',
    description: 'How often `fleet schedule` has the host backed up, such as `1d`. Without it: never.',
  }),
  fleetVerifyEvery: optional(DURATION, {
    section: 'Fleet',
    name: 'coolify_fleet_verify_every',
    description: 'The same for `verify`, of the sample that `coolify_verify_sample` sets.',
  }),
  fleetPruneEvery: optional(DURATION, {
    section: 'Fleet',
    name: 'coolify_fleet_prune_every',
    description: 'The same for `prune`.',
  }),
  fleetDrillEvery: optional(DURATION, {
    section: 'Fleet',
    name: 'coolify_fleet_drill_every',
    description: 'The same for `drill`; a worker with the identity has to run.',
  }),
  fleetStart: required(DURATION, 3600, {
    section: 'Fleet',
    name: 'coolify_fleet_start',
    defaultText: '`1h`',
    description: 'From which time of day on (UTC, since midnight) these are counted.',
  }),
  fleetJitter: required(DURATION, 3600, {
    section: 'Fleet',
    name: 'coolify_fleet_jitter',
    defaultText: '`1h`',
    description:
      'Over how long a time the starts of hosts are spread. Each host has its own place in it, the same every time.',
  }),
} as const;
