import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { UnattendedReport } from '../operations/unattended/unattended.js';
import { bytes } from './figures.js';
import { COMMON, hostsPositional } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import { reportFacts, runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { SKIP_UNCHANGED, unchangedLines } from './skip-unchanged.js';
import { verifyFacts } from './verify.js';

const OPTIONS = { ...COMMON, ...SKIP_UNCHANGED } as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

/** Leftovers younger than this may belong to a run on another machine. */
const LEFTOVERS = { years: 0, months: 0, days: 2, hours: 0 };

export const runCommandModule: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 run', 'every controller, by the settings of the inventory')
      .example('$0 schedule install', 'do this every night'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      const [{ runUnattended }, { loadHosts }] = await Promise.all([
        import('../operations/unattended/unattended.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
      const reports = await runUnattended(hosts, {
        stateRoot: args['state-dir'],
        forks: args.forks,
        leftoversOlderThan: LEFTOVERS,
        skipUnchanged: args['skip-unchanged'],
        passphrase: requiredPassphraseOf,
        signal,
        emit,
      });
      if (invocation.json) return showReports('run', reports.map(withFacts), invocation);
      return showReports('run', reports, invocation, ({ parts: { backup } }) =>
        backup === undefined
          ? []
          : [
              ...unchangedLines(backup),
              ...backup.snapshots.map(
                ({ id, location, key, size }) => `snapshot    ${id}  ${bytes(size)}  ${location}/${key}`,
              ),
            ],
      );
    }),
};

function withFacts(
  report: UnattendedReport,
): Omit<UnattendedReport, 'parts'> & { readonly parts: Readonly<Record<string, object>> } {
  const { backup, prune, verify } = report.parts;
  const parts = {
    ...(backup !== undefined && { backup: reportFacts(backup) }),
    ...(prune !== undefined && { prune: reportFacts(prune) }),
    ...(verify !== undefined && { verify: reportFacts(verifyFacts(verify)) }),
  };
  const { host, recap, tasks, milliseconds, proofs, error } = report;
  return { host, recap, tasks, milliseconds, proofs, parts, ...(error !== undefined && { error }) };
}
