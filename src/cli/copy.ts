import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { bytes } from './figures.js';
import { CHANGING, COMMON, FLEET, hostsPositional, lastOf } from './options.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { WAIT_LOCK } from './wait-lock.js';
import { WHICH, whichOf } from './which-snapshots.js';

const OPTIONS = {
  ...COMMON,
  ...FLEET,
  ...WAIT_LOCK,
  ...WHICH,
  check: CHANGING.check,
  'from-repository': {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'where from: "file:/folder" or "s3://bucket/path"; all others of the host without it',
  },
  'to-repository': {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'where to, one of the inventory or another one; all others of the host without it',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const copyCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 copy --to-repository file:/mnt/usb', 'all that the folder lacks, from all repositories')
      .example(
        '$0 copy web1 --from-repository s3://bucket/state -s 3fa90c1b',
        'one snapshot to all the others',
      ),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      const { 'from-repository': from, 'to-repository': to } = args;
      if (from === undefined && to === undefined) throw noDirection();
      const [{ copy }, { loadHosts }] = await Promise.all([
        import('../operations/snapshots/copy.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
      const reports = await copy(hosts, {
        from,
        to,
        which: whichOf(args),
        forks: args.forks,
        maxFailures: args['max-failures'],
        check: args.check,
        waitLock: args['wait-lock'],
        signal,
        emit,
      });
      return showReports('copy', reports, invocation, ({ copied }) =>
        copied.map(
          ({ id, from: source, to: target, size }) =>
            `copied      ${id}  ${bytes(size)}  ${source} -> ${target}`,
        ),
      );
    }),
};

function noDirection(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: 'Name where the snapshots go to, or where they come from',
    next: 'coolify-state copy --to-repository file:/folder',
  });
}
