import type { CommandModule, InferredOptionTypes } from 'yargs';
import { printable } from '../core/terminal-text.js';
import type { HostKeys } from '../operations/snapshots/list-keys.js';
import { table } from './figures.js';
import { COMMON, hostsPositional } from './options.js';
import { requiredPassphraseOf } from './passphrase.js';
import { errorFacts, renderError } from './render-error.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';

const OPTIONS = {
  ...COMMON,
  identity: {
    type: 'string',
    array: true,
    nargs: 1,
    requiresArg: true,
    default: [],
    describe: 'a further private key to ask about',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { hosts: string };

export const keysCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    hostsPositional(yargs.options(OPTIONS))
      .example('$0 keys', 'what the key of the inventory opens')
      .example('$0 keys --identity ~/.ssh/old_key', 'and what another one does'),
  handler: (args) =>
    runCommand(args, async ({ output, json, debug, verbose, signal }) => {
      const [{ listKeys }, { loadHosts }] = await Promise.all([
        import('../operations/snapshots/list-keys.js'),
        import('../operations/hosts/load-hosts.js'),
      ]);
      const hosts = await loadHosts(selectionOf(args, output));
      const found = await listKeys(hosts, {
        identityPaths: args.identity.map(String),
        passphrase: requiredPassphraseOf,
        signal,
      });
      const errors = found.flatMap(({ errors: own, trials, host }) => [
        ...own,
        ...trials.flatMap(({ error }) => (error === undefined ? [] : [error.onHost(host)])),
      ]);
      if (json) output.out(JSON.stringify({ type: 'summary', command: 'keys', hosts: found.map(withFacts) }));
      else {
        for (const host of found) for (const line of linesOf(host)) output.out(line);
        for (const error of errors) output.err(renderError(error, { debug, verbose }));
      }
      return Math.max(0, ...errors.map(({ exitStatus }) => exitStatus));
    }),
};

function linesOf({ host, recipients, identities, snapshots, trials }: HostKeys): string[] {
  const keys = identities.map(({ path, fingerprints, problem }) => [
    printable(path),
    problem === undefined ? fingerprints.join(' ') : `cannot be read: ${printable(problem)}`,
  ]);
  const rows = snapshots.map(({ id, createdAt, openedBy, current, problem, where }) => [
    id,
    createdAt,
    problem !== undefined
      ? printable(problem)
      : openedBy.length > 0
        ? openedBy.map((path) => printable(path)).join(' ')
        : 'none of these',
    current === undefined ? '?' : current ? 'yes' : 'no',
    printable(where),
  ]);
  return [
    `\n${printable(host)}: encrypted today to ${recipients?.join(' ') ?? 'nobody that could be read'}`,
    table([['KEY', 'FINGERPRINT'], ...keys]),
    ...(rows.length === 0
      ? []
      : ['', table([['SNAPSHOT', 'TAKEN', 'OPENED BY', 'CURRENT', 'WHERE'], ...rows])]),
    ...trials.map(({ id, where, openedBy }) =>
      openedBy === undefined
        ? `tried       ${id}  no key opens its header  ${printable(where)}`
        : `tried       ${id}  ${printable(openedBy)} opens its header  ${printable(where)}`,
    ),
  ];
}

function withFacts({ errors, trials, ...rest }: HostKeys): object {
  return {
    ...rest,
    trials: trials.map(({ error, ...trial }) => ({
      ...trial,
      ...(error !== undefined && { error: errorFacts(error) }),
    })),
    errors: errors.map(errorFacts),
  };
}
