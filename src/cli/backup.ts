import type { CommandModule, InferredOptionTypes } from 'yargs';
import type { BackupReport } from '../operations/backup/backup.js';
import { bytes } from './figures.js';
import { CHANGING, COMMON, FLEET, hostsPositional } from './options.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { showReports } from './show-reports.js';
import { SKIP_UNCHANGED, unchangedLines } from './skip-unchanged.js';
import { costLine, timeBudget } from './time-budget.js';
import { WAIT_LOCK } from './wait-lock.js';

const OPTIONS = {
  ...COMMON,
  ...FLEET,
  ...CHANGING,
  ...WAIT_LOCK,
  'accept-new-instance': {
    type: 'boolean',
    default: false,
    describe: 'let another Coolify instance than before replace the last generation',
  },
  ...SKIP_UNCHANGED,
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const backupCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 backup', 'back up every host of the group "controller"')
      .example('$0 backup production --forks 10', 'a group, ten hosts at once')
      .example('$0 backup --check', 'connect and tell what would be done'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, emit, signal } = invocation;
      const [{ backup }, { loadHosts }] = await Promise.all([
        import('../operations/backup/backup.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
      const reports = await backup(hosts, {
        stateRoot: args['state-dir'],
        forks: args.forks,
        maxFailures: args['max-failures'],
        waitLock: args['wait-lock'],
        check: args.check,
        acceptNewInstance: args['accept-new-instance'],
        skipUnchanged: args['skip-unchanged'],
        signal,
        emit,
      });
      return showReports('backup', reports, invocation, (report) =>
        resultsOf(report, invocation.verbose > 0),
      );
    }),
};

function resultsOf(report: BackupReport, verbose: boolean): string[] {
  const { generation, snapshots, unchangedSince } = report;
  const isKept = generation !== undefined || unchangedSince !== undefined;
  const cost = isKept || verbose ? costLine(report) : undefined;
  return [
    ...(verbose ? ['', timeBudget(report), ''] : []),
    ...(generation === undefined
      ? []
      : [`generation  ${generation.id}  ${bytes(generation.bytes)}  ${generation.folder}`]),
    ...unchangedLines(report),
    ...snapshots.map(
      ({ id, location, key, size }) => `snapshot    ${id}  ${bytes(size)}  ${location}/${key}`,
    ),
    ...(cost === undefined ? [] : [cost]),
  ];
}
