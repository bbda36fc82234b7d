import type { CommandModule, InferredOptionTypes } from 'yargs';
import { printable } from '../core/terminal-text.js';
import type { DiffReport } from '../operations/snapshots/diff.js';
import { table } from './figures.js';
import { COMMON, hostsPositional, lastOf, SOURCE } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import { recap } from './recap.js';
import { exitStatusOf, reportFacts, runCommand } from './run-command.js';
import { selectionOf } from './selection.js';
import { choiceOf } from './snapshot-choice.js';

const OPTIONS = {
  ...COMMON,
  ...SOURCE,
  with: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    default: 'live',
    describe: 'the later side: "live" (the host as it is now), or a snapshot named as for --from',
  },
  only: {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: 'compare only these artifacts',
  },
  skip: {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    describe: 'compare all but these artifacts',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

const MARK = { added: '+', removed: '-', changed: '~' } as const;

export const diffCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 diff', 'what has changed on each controller since its newest snapshot')
      .example('$0 diff web1 --from 3fa90c1b --with local', 'two snapshots, the host is not asked')
      .example('$0 diff web1 --only env,database', 'settings by key (no values), tables by rows and columns'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, json, emit, signal } = invocation;
      const [{ diff, differs }, { loadHosts }, { artifactFilter }] = await Promise.all([
        import('../operations/snapshots/diff.js'),
        import('../operations/hosts/load-hosts.js'),
        import('../coolify/artifact-filter.js'),
      ]);
      const reports = await diff(await loadHosts(selectionOf(args, output)), {
        stateRoot: args['state-dir'],
        from: choiceOf(args.from),
        with: args.with === 'live' ? 'live' : choiceOf(args.with),
        wants: artifactFilter(args.only, args.skip),
        forks: args.forks,
        passphrase: requiredPassphraseOf,
        signal,
        emit,
      });
      if (json) {
        const hosts = reports.map((report) => ({ ...reportFacts(report), differs: differs(report) ?? null }));
        output.out(JSON.stringify({ type: 'summary', command: 'diff', hosts }));
      } else {
        for (const report of reports) output.out(`\n${comparisonText(report)}`);
        output.out(`\n${recap(reports, invocation)}`);
      }
      // Like diff(1): 1 says that something differs. Whatever went wrong says more.
      return exitStatusOf(reports) || (reports.some(differs) ? 1 : 0);
    }),
};

function comparisonText({ host, before, after, comparisons }: DiffReport): string {
  if (comparisons === undefined) return `${printable(host)}: not compared`;
  const title = `${printable(host)}\n  from ${printable(before ?? '')}\n  to   ${printable(after ?? '')}`;
  const rows = comparisons.flatMap(({ artifact, differences }) =>
    differences.map(({ change, what, detail }) => [
      `  ${MARK[change]} ${artifact}`,
      printable(what),
      detail === undefined ? change : printable(detail),
    ]),
  );
  const same = comparisons.filter(({ differences }) => differences.length === 0);
  const rest = same.length === 0 ? [] : [`  = ${same.map(({ artifact }) => artifact).join(', ')}`];
  return [title, ...(rows.length === 0 ? [] : [table(rows)]), ...rest].join('\n');
}
