import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { bytes } from './figures.js';
import { CHANGING, COMMON, lastOf } from './options.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { WAIT_LOCK } from './wait-lock.js';

const OPTIONS = {
  ...COMMON,
  ...WAIT_LOCK,
  check: CHANGING.check,
  host: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    demandOption: true,
    describe: 'the host of the inventory that it is of',
  },
  'coolify-version': {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'version of Coolify, where the archive does not tell it: "4.3.11"',
  },
  taken: {
    type: 'string',
    coerce: timeOf,
    requiresArg: true,
    describe: 'when it was taken, where its name does not tell it: "2025-12-29T10:11:12Z"',
  },
  keep: { type: 'boolean', default: false, describe: 'keep it as a generation on this machine as well' },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { file: string };

export const importCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    yargs
      .options(OPTIONS)
      .positional('file', {
        type: 'string',
        demandOption: true,
        describe: 'coolify-state-HOST-TIME.tar.gz.enc, the same without encryption, or the folder state/HOST',
      })
      .example('$0 import coolify-state-web1-20251229T101112.tar.gz.enc --host web1', 'into its repositories')
      .example('$0 import state/web1 --host web1 --check', 'what a state folder of the role would become'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      const [{ importArchive }, { loadHosts }] = await Promise.all([
        import('../operations/snapshots/import-archive.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts({ ...selectionOf({ ...args, hosts: args.host }, output), offline: true });
      const [config] = hosts;
      if (config === undefined || hosts.length > 1) throw usage('--host names one host of the inventory');
      const report = await importArchive(config, {
        stateRoot: args['state-dir'],
        path: args.file,
        coolifyVersion: args['coolify-version'],
        createdAt: args.taken,
        keep: args.keep,
        check: args.check,
        waitLock: args['wait-lock'],
        signal,
        emit,
      });
      return showReports('import', [report], invocation, ({ snapshots, generation }) => [
        ...snapshots.map(
          ({ id, location, key, size }) => `snapshot    ${id}  ${bytes(size)}  ${location}/${key}`,
        ),
        ...(generation === undefined ? [] : [`generation  ${generation.id}  ${generation.folder}`]),
      ]);
    }),
};

/** @throws StateError `cli.usage` */
function timeOf(value: string): Date | undefined {
  const given: unknown = value;
  if (given === undefined) return undefined;
  const text = lastOf(value);
  const time = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d)?(Z|[+-]\d\d:\d\d))?$/.test(text)
    ? new Date(text)
    : undefined;
  if (time !== undefined && !Number.isNaN(time.getTime())) return time;
  throw usage('--taken takes a time with its zone, such as "2025-12-29T10:11:12Z", or a day');
}

function usage(what: string): StateError {
  return new StateError({ kind: 'usage', code: 'cli.usage', what, next: 'coolify-state import --help' });
}
