import type { CommandModule, InferredOptionTypes } from 'yargs';
import { printable } from '../core/terminal-text.js';
import { table } from './figures.js';
import { COMMON, hostsPositional } from './options.js';
import { recap } from './recap.js';
import { exitStatusOf, reportFacts, runCommand } from './run-command.js';
import { selectionOf } from './selection.js';

const OPTIONS = {
  ...COMMON,
  check: { type: 'boolean', default: false, describe: 'only tell what would be done' },
  own: {
    type: 'boolean',
    default: false,
    describe: "our own token, which may only read, beside the saved one of the Ansible role's name",
  },
  'enable-api': {
    type: 'boolean',
    default: false,
    describe: 'switch the API on, and admit the host itself to it',
  },
  show: { type: 'boolean', default: false, describe: 'print the token itself' },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const tokenCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 token --check', 'whether the saved token works')
      .example('$0 token web1 --show', 'make or mend it, and print it'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, json, emit, signal } = invocation;
      const [{ ensureToken }, { loadHosts }] = await Promise.all([
        import('../operations/restore/token.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
      const reports = await ensureToken(hosts, {
        stateRoot: args['state-dir'],
        forks: args.forks,
        check: args.check,
        own: args.own,
        enableApi: args['enable-api'],
        signal,
        emit,
      });
      // A token leaves the program only when it was asked for.
      const secretOf = (token: (typeof reports)[number]['token']): string | undefined =>
        args.show ? token?.secret?.reveal() : undefined;
      if (json) {
        const shown = reports.map(({ token, ...report }) => {
          const { secret: _secret, ...facts } = token ?? {};
          const text = secretOf(token);
          return {
            ...reportFacts(report),
            ...(token !== undefined && { token: { ...facts, ...(text !== undefined && { text }) } }),
          };
        });
        output.out(JSON.stringify({ type: 'summary', command: 'token', hosts: shown }));
        return exitStatusOf(reports);
      }
      const rows = reports.flatMap(({ host, token }) =>
        token === undefined
          ? []
          : [
              [
                printable(host),
                token.made ? 'made' : token.alive ? 'alive' : 'DEAD',
                token.api ?? '',
                token.path,
                printable(secretOf(token) ?? token.detail),
              ],
            ],
      );
      if (rows.length > 0)
        output.out(table([['HOST', 'TOKEN', 'API', 'FILE', args.show ? 'TEXT' : ''], ...rows]));
      output.out(`\n${recap(reports, invocation)}`);
      return exitStatusOf(reports);
    }),
};
