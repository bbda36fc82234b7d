import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { COMMON, hostsPositional, lastOf } from './options.js';
import { errorFacts, renderError } from './render-error.js';
import { writeReport } from './report/write.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';

const OPTIONS = {
  ...COMMON,
  output: {
    alias: 'o',
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    default: 'coolify-report.html',
    describe: 'the file to write, "-" for standard output',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const reportCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 report', 'of every controller, into coolify-report.html')
      .example('$0 report -o - | ssh web "cat > /srv/report.html"', 'to somewhere else'),
  handler: (args) =>
    runCommand(args, async ({ output, json, debug, verbose, signal }) => {
      if (json && args.output === '-') throw bothOnOutput();
      const [{ reportData }, { loadHosts }, { reportPage }] = await Promise.all([
        import('../operations/report/data.js'),
        import('../operations/hosts/load-hosts.js'),
        import('./report/page.js'),
      ]);
      const hosts = await loadHosts({ ...selectionOf(args, output), offline: true });
      const data = await reportData(hosts, { stateRoot: args['state-dir'], signal });
      const page = reportPage(data);
      if (args.output === '-') process.stdout.write(page);
      else await writeReport(args.output, page);
      const attention = data.hosts.map(({ host, attention }) => ({ host, attention }));
      if (json) {
        output.out(
          JSON.stringify({
            type: 'summary',
            command: 'report',
            file: args.output,
            hosts: attention,
            errors: data.errors.map(errorFacts),
          }),
        );
      } else {
        const count = attention.reduce((sum, { attention: things }) => sum + things.length, 0);
        if (args.output !== '-')
          output.out(`${args.output}: ${hosts.length} hosts, ${count} things need attention`);
        for (const error of data.errors) output.err(renderError(error, { debug, verbose }));
      }
      return Math.max(0, ...data.errors.map(({ exitStatus }) => exitStatus));
    }),
};

function bothOnOutput(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: '--json and --output - cannot be given together',
    why: 'both write to standard output',
    next: 'name a file with --output',
  });
}
