import { homedir } from 'node:os';
import { resolve } from 'node:path';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { asStateError, StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { Installed, Scheduler } from '../operations/schedule/schedule.js';
import { LOG_FORMATS } from './log/log-format.js';
import { CHANGING, COMMON, lastOf } from './options.js';
import type { Output } from './progress.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { SKIP_UNCHANGED } from './skip-unchanged.js';

const { inventory, 'state-dir': stateDir, json, verbose, limit } = COMMON;

const OPTIONS = {
  inventory,
  limit,
  'state-dir': stateDir,
  json,
  verbose,
  check: CHANGING.check,
  ...SKIP_UNCHANGED,
  name: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    default: 'coolify-state',
    describe: 'name of the units, or mark of the crontab line',
  },
  at: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    default: '03:15',
    describe: 'time of day, HH:MM',
  },
  calendar: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'calendar event of systemd instead of --at, such as "Mon..Fri 02,14:00"',
  },
  jitter: {
    type: 'number',
    requiresArg: true,
    default: 900,
    describe: 'the start is delayed by up to this many seconds',
  },
  credential: {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: 'NAME=FILE: a secret that systemd hands to the run, such as HETZNER_S3_SECRET_KEY=/etc/…',
  },
  'run-as': {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'user of the service (systemd of the machine only; the one who installs it by default)',
  },
  scheduler: {
    choices: ['auto', 'system', 'user', 'cron'],
    default: 'auto',
    describe: 'systemd of the machine or of the user, or cron; auto takes what runs here',
  },
  log: {
    choices: LOG_FORMATS,
    coerce: lastOf,
    requiresArg: true,
    describe: 'how the run logs: "json" for the journal of systemd, "plain" for the mails of cron by default',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { action: string };

export const scheduleCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    yargs
      .options(OPTIONS)
      .positional('action', {
        choices: ['install', 'show', 'remove'],
        demandOption: true,
        describe: 'what to do with the schedule',
      })
      .example('$0 schedule install --check', 'the units that would be written')
      .example('$0 schedule install --at 02:30', 'every night')
      .example('$0 schedule remove', 'stop the clock and remove the units'),
  handler: (args) =>
    // The option is about the run that is installed, not about this one.
    runCommand({ ...args, log: undefined }, async ({ output }) => {
      const { install, planned, remove, schedulerOfThisMachine, show } = await import(
        '../operations/schedule/schedule.js'
      );
      const scheduler = await schedulerOf(args.scheduler, schedulerOfThisMachine);
      const tell = (done: string, files: Installed): void => {
        if (args.json) output.out(JSON.stringify({ type: 'summary', command: 'schedule', done, files }));
        else {
          for (const { where, text } of files) output.out(`# ${where}\n${text}`);
          output.err(files.length === 0 ? `nothing is installed under the name ${args.name}` : done);
        }
      };
      if (args.action === 'show') tell('installed', await show(scheduler, args.name));
      else if (args.action === 'remove') {
        if (args.check) tell('would be removed', await show(scheduler, args.name));
        else tell('removed', await remove(scheduler, args.name));
      } else {
        const shared = scheduler.kind === 'systemd' ? await sharedFolders(args, output) : [];
        const { schedule, job } = wanted(args, scheduler, shared);
        if (args.check) tell('would be installed', planned(scheduler, schedule, job));
        else tell('installed', await install(scheduler, schedule, job));
      }
      return 0;
    }),
};

async function schedulerOf(wish: Arguments['scheduler'], find: () => Promise<Scheduler>): Promise<Scheduler> {
  if (wish === 'auto') return await find();
  return wish === 'cron' ? { kind: 'cron' } : { kind: 'systemd', scope: wish };
}

/** What the run writes to by the inventory. One that cannot be read now is no reason to install nothing. */
async function sharedFolders(args: Arguments, output: Output): Promise<string[]> {
  const [{ loadHosts }, { writableFoldersOf }] = await Promise.all([
    import('../operations/hosts/load-hosts.js'),
    import('../operations/schedule/writable.js'),
  ]);
  try {
    const selection = selectionOf({ ...args, hosts: 'controller' }, output);
    return writableFoldersOf(await loadHosts({ ...selection, vault: {}, offline: true }));
  } catch (error) {
    const { message } = asStateError(error, 'the inventory could not be read');
    output.err(`warning  the service may write to the state folder only: ${printable(message)}`);
    return [];
  }
}

/** The run as this command line would start it, with every path absolute: the clock knows no current folder. */
function wanted(args: Arguments, scheduler: Scheduler, shared: readonly string[]) {
  const stateRoot = resolve(args['state-dir']);
  const [program = process.execPath, script = ''] = [process.execPath, process.argv[1]];
  const command = [
    program,
    resolve(script),
    'run',
    ...args.inventory.flatMap((source) => ['--inventory', source.includes(',') ? source : resolve(source)]),
    ...(args.limit === undefined ? [] : ['--limit', args.limit]),
    ...(args['skip-unchanged'] ? ['--skip-unchanged'] : []),
    '--state-dir',
    stateRoot,
    '--log',
    args.log ?? (scheduler.kind === 'systemd' ? 'json' : 'plain'),
  ];
  const common = {
    name: unitName(args.name),
    command,
    workingDirectory: process.cwd(),
    jitterSeconds: seconds(args.jitter),
  };
  const { hour, minute } = timeOfDay(args.at);
  const calendar = args.calendar ?? `*-*-* ${two(hour)}:${two(minute)}:00`;
  if (scheduler.kind === 'cron') refuseForCron(args);
  const system = scheduler.kind === 'systemd' && scheduler.scope === 'system';
  return {
    job: { ...common, hour, minute },
    schedule: {
      ...common,
      calendar,
      writable: [stateRoot],
      shared,
      user: system ? (args['run-as'] ?? process.env['USER'] ?? 'root') : undefined,
      credentials: (args.credential ?? []).map(credentialFile),
    },
  };
}

function credentialFile(text: string): { name: string; path: string } {
  const [, name, path] = /^([A-Za-z_][A-Za-z0-9_]*)=(.+)$/.exec(text) ?? [];
  if (name === undefined || path === undefined) throw usage('--credential takes NAME=FILE');
  return { name, path: resolve(path.replace(/^~(?=\/)/, homedir())) };
}

function refuseForCron({ calendar, credential }: Arguments): void {
  if (calendar !== undefined) throw usage('--calendar needs systemd; cron takes --at');
  if (credential !== undefined)
    throw usage('--credential needs systemd; under cron keep secrets in files with mode 0600');
}

function unitName(name: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/.test(name)) return name;
  throw usage('--name takes letters, digits, "_", "." and "-"');
}

function timeOfDay(text: string): { hour: number; minute: number } {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  if (hour === undefined || minute === undefined) throw usage('--at takes a time of day from 00:00 to 23:59');
  return { hour: Number(hour), minute: Number(minute) };
}

function seconds(value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= 86_400) return value;
  throw usage('--jitter takes whole seconds from 0 to 86400');
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function usage(what: string): StateError {
  return new StateError({ kind: 'usage', code: 'cli.usage', what, next: 'see "schedule --help"' });
}
