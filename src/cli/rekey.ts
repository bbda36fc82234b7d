import type { CommandModule, InferredOptionTypes } from 'yargs';
import { CHANGING, COMMON, FLEET, hostsPositional, lastOf } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
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
  identity: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'private key that opens them as they are, where it is not that of the inventory',
  },
  'remove-old': {
    type: 'boolean',
    default: false,
    describe: 'remove each old snapshot once the new one was stored and read back',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const rekeyCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 rekey --check', 'which snapshots are for other recipients than those of today')
      .example('$0 rekey --identity ~/.ssh/old_key --remove-old', 'after the key was changed'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      const [{ rekey }, { loadHosts }] = await Promise.all([
        import('../operations/snapshots/rekey.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
      const reports = await rekey(hosts, {
        which: whichOf(args),
        identityPath: args.identity,
        removeOld: args['remove-old'],
        forks: args.forks,
        maxFailures: args['max-failures'],
        check: args.check,
        waitLock: args['wait-lock'],
        passphrase: requiredPassphraseOf,
        signal,
        emit,
      });
      return showReports('rekey', reports, invocation, ({ rekeyed }) =>
        rekeyed.map(
          ({ id, rekeyedFrom, location, removedOld }) =>
            `rekeyed     ${rekeyedFrom} -> ${id}  ${location}${removedOld ? '  (old one removed)' : ''}`,
        ),
      );
    }),
};
