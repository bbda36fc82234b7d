import type { Place } from './place.js';

/** A command line, the exit status it comes to, and the code of its error. */
export interface Case {
  readonly args: (place: Place) => readonly string[];
  readonly status: number;
  readonly code?: string;
  /** It prints no JSON: a content, a script, or JSON of another kind. */
  readonly isText?: true;
}

/** Commands that go to a host, and so fail where none answers. */
const ONLINE = ['backup', 'restore', 'token', 'diff', 'run'];

const ARGUMENTS: Readonly<Record<string, (at: Place['at']) => readonly string[]>> = {
  prune: () => ['--check', '--keep-last', '1'],
  rekey: () => ['--check'],
  report: (at) => ['-o', at('report.html')],
};

/** Of each command what becomes of it when all is well, when something fails, and when it is meant wrongly. */
export const CASES: readonly Case[] = [
  ...ONLINE.map(
    (name): Case => ({
      args: ({ host, options }) => [name, host, ...options()],
      status: 3,
      code: 'ssh.refused',
    }),
  ),
  { args: ({ options }) => ['snapshots', ...options()], status: 0 },
  { args: ({ host, options }) => ['verify', host, ...options()], status: 0 },
  { args: ({ host, options }) => ['verify', host, '--read-data', ...options()], status: 0 },
  {
    args: ({ host, options }) => ['verify', host, ...options('broken.yml')],
    status: 4,
    code: 'archive.truncated',
  },
  { args: ({ options }) => ['verify', '--seed', '1', ...options()], status: 2, code: 'cli.usage' },
  { args: ({ options }) => ['diff', '--from', 'latest', '--with', 'latest', ...options()], status: 0 },
  { args: ({ options }) => ['prune', '--check', '--keep-last', '1', ...options()], status: 0 },
  {
    args: ({ options }) => ['prune', '--keep-last', 'some', ...options()],
    status: 2,
    code: 'settings.invalid',
  },
  { args: ({ at, options }) => ['report', '-o', at('report.html'), ...options()], status: 0 },
  {
    args: ({ at, options }) => ['report', '-o', at('no/report.html'), ...options()],
    status: 1,
    code: 'report.not-written',
  },
  { args: ({ options }) => ['doctor', ...options()], status: 3, code: 'ssh.refused' },
  {
    args: ({ options }) => ['doctor', 'elsewhere', ...options()],
    status: 2,
    code: 'inventory.pattern-unmatched',
  },
  { args: ({ host, at }) => ['inventory', 'show', host, '-i', at('inventory.yml')], status: 0 },
  {
    args: ({ at }) => ['inventory', 'show', 'elsewhere', '-i', at('inventory.yml')],
    status: 2,
    code: 'inventory.no-host',
  },
  { args: ({ at }) => ['inventory', '--graph', '-i', at('inventory.yml')], status: 0, isText: true },
  {
    args: ({ at }) => ['inventory', '--list', '-i', at('syntax.yml')],
    status: 2,
    code: 'inventory.yaml-syntax',
    isText: true,
  },
  { args: ({ host, options }) => ['ls', 'latest', host, ...options()], status: 0 },
  {
    args: ({ host, options }) => ['ls', 'ffffffff', host, ...options()],
    status: 1,
    code: 'repository.no-snapshot',
  },
  {
    args: ({ host, options }) => ['cat', 'latest', 'backups/coolify/.env', host, ...options()],
    status: 0,
    isText: true,
  },
  {
    args: ({ host, at, options }) => [
      'cat',
      'latest',
      '.ssh',
      host,
      '-o',
      at(`ssh-${runs++}.tar`),
      ...options(),
    ],
    status: 0,
  },
  {
    args: ({ host, at, options }) => ['cat', 'latest', 'no/such', host, '-o', at('out'), ...options()],
    status: 2,
    code: 'snapshot.no-file',
  },
  { args: ({ options }) => ['keys', ...options()], status: 0 },
  { args: ({ at, options }) => ['copy', '--to-repository', `file:${at('copied')}`, ...options()], status: 0 },
  { args: ({ options }) => ['copy', ...options()], status: 2, code: 'cli.usage' },
  { args: ({ options }) => ['rekey', '--check', ...options()], status: 0 },
  {
    args: ({ host, at, options }) => ['import', at('notes.txt'), '--host', host, '--check', ...options()],
    status: 4,
    code: 'archive.unknown-format',
  },
  {
    args: ({ host, at, options }) => ['import', at('notes.txt'), '--host', `${host},x`, ...options()],
    status: 2,
    code: 'inventory.pattern-unmatched',
  },
  { args: () => ['schedule', 'install', '--check', '--scheduler', 'user'], status: 0 },
  { args: ({ at, options }) => ['fleet', 'report', '--metrics', at('metrics'), ...options()], status: 0 },
  { args: ({ options }) => ['fleet', 'schedule', '--check', ...options()], status: 0 },
  { args: ({ options }) => ['fleet', 'status', ...options()], status: 2, code: 'fleet.no-redis' },
  {
    args: ({ options }) => ['fleet', 'status', '--redis', 'redis://127.0.0.1:1', ...options()],
    status: 3,
    code: 'fleet.redis-unreachable',
  },
  {
    args: () => ['schedule', 'install', '--check', '--scheduler', 'user', '--at', '25:00'],
    status: 2,
    code: 'cli.usage',
  },
  {
    args: ({ at }) => [
      ...['init', 'root@127.0.0.1:1', '--yes', '--offline', '--repository', at('kept')],
      ...['--encryption-key', at('identity.pub'), '-i', at(`made-${runs++}.yml`), '--state-dir', at('state')],
    ],
    status: 0,
  },
  {
    args: ({ options }) => ['init', 'root@127.0.0.1:1', '--yes', '--offline', ...options()],
    status: 2,
    code: 'init.inventory-exists',
  },
  {
    args: ({ host, options }) => ['drill', host, '--target', 'elsewhere', ...options()],
    status: 2,
    code: 'cli.usage',
  },
  { args: () => ['completion', 'bash'], status: 0, isText: true },
  { args: () => ['completion', 'tcsh'], status: 2, code: 'cli.usage', isText: true },
  ...['snapshots', 'prune', 'keys', 'rekey', 'drill', 'report'].map(
    (name): Case => ({
      args: ({ at, options }) => [name, ...(ARGUMENTS[name]?.(at) ?? []), ...options('blocked.yml')],
      status: 1,
      code: 'repository.not-a-directory',
    }),
  ),
  {
    args: ({ at, options }) => ['copy', '--to-repository', `file:${at('notes.txt/copies')}`, ...options()],
    status: 1,
    code: 'repository.not-a-directory',
  },
  {
    args: ({ host, options }) => ['cat', 'latest', 'backups/coolify/.env', host, ...options('broken.yml')],
    status: 4,
    code: 'repository.sidecar-disagrees',
    isText: true,
  },
  {
    args: ({ at }) => [
      ...[
        'init',
        'root@127.0.0.1:1',
        '--yes',
        '--repository',
        'none',
        '--encryption-key',
        at('identity.pub'),
      ],
      ...['-i', at(`unreached-${runs++}.yml`), '--state-dir', at('state')],
    ],
    status: 3,
  },
  {
    args: ({ host, options }) => ['ls', 'latest', host, 'x', 'y', ...options()],
    status: 2,
    code: 'cli.usage',
  },
  { args: ({ host, options }) => ['host-policy', host, '--sudoers', ...options()], status: 0, isText: true },
  {
    args: ({ host, options }) => ['host-policy', `all:!${host}`, ...options()],
    status: 2,
    code: 'inventory.pattern-empty',
    isText: true,
  },
];

let runs = 0;

/** Commands that work on the hosts of a pattern, which is their first word. */
const ON_HOSTS = [
  ...[
    'backup',
    'restore',
    'snapshots',
    'verify',
    'drill',
    'diff',
    'prune',
    'report',
    'run',
    'token',
    'keys',
    'rekey',
  ],
];

/** What is wrong with the hosts that are named, in the same way for all of these. */
export const HOST_CASES: readonly Case[] = ON_HOSTS.flatMap((name): Case[] => [
  { args: ({ options }) => [name, ...options('syntax.yml')], status: 2, code: 'inventory.yaml-syntax' },
  {
    args: ({ options }) => [name, 'elsewhere', ...options()],
    status: 2,
    code: 'inventory.pattern-unmatched',
  },
  {
    args: ({ host, options }) => [name, host, '-l', 'elsewhere', ...options()],
    status: 2,
    code: 'inventory.pattern-unmatched',
  },
]);
