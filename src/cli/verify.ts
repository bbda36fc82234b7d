import type { CommandModule, InferredOptionTypes } from 'yargs';
import { COMMON, hostsPositional, SOURCE } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { choiceOf } from './snapshot-choice.js';

const OPTIONS = {
  ...COMMON,
  ...SOURCE,
  'read-data': {
    type: 'boolean',
    default: false,
    describe: 'decrypt it and prove what is inside; without this no key is needed',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const verifyCommand: CommandModule<object, Arguments> = {
  command: 'verify [hosts]',
  describe: 'Prove a snapshot without a target',
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 verify', 'the stored bytes of the newest snapshots, without a key')
      .example(
        '$0 verify web1 --read-data',
        'decrypt, read the dump to its last block, try APP_KEY on every value',
      ),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      const [{ verify }, { loadHosts }] = await Promise.all([
        import('../operations/verify.js'),
        import('../operations/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
      const reports = await verify(hosts, {
        stateRoot: args['state-dir'],
        from: choiceOf(args.from),
        readData: args['read-data'],
        forks: args.forks,
        passphrase: requiredPassphraseOf,
        signal,
        emit,
      });
      return showReports('verify', reports, invocation);
    }),
};
