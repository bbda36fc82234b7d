import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { nearestNames } from '../inventory/nearest.js';
import { table } from './figures.js';
import { COMMON } from './options.js';
import { runCommand } from './run-command.js';
import { inventoryOf } from './selection.js';

const OPTIONS = {
  inventory: COMMON.inventory,
  'vault-password-file': COMMON['vault-password-file'],
  'vault-id': COMMON['vault-id'],
  list: { type: 'boolean', default: false, describe: "all groups, hosts and variables, in Ansible's JSON" },
  graph: { type: 'boolean', default: false, describe: 'the tree of groups and hosts' },
  json: { type: 'boolean', default: false, describe: 'of "show": one JSON object on standard output' },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & {
  action: string | undefined;
  host: string | undefined;
};

/** Variables whose values are not shown. */
const SECRET_NAME = /pass(word|phrase)?$|secret|token|(?<!public)_key$/i;

export const inventoryCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    yargs
      .options(OPTIONS)
      .positional('action', {
        type: 'string',
        choices: ['show'],
        describe: 'show the settings of a host and where they come from',
      })
      .positional('host', { type: 'string', describe: 'the host that "show" is about' })
      .example('$0 inventory --graph', 'groups and hosts')
      .example('$0 inventory show web1', 'every setting, its value, where it came from'),
  handler: (args) =>
    runCommand({ json: args.json }, async ({ output, json }) => {
      if (json && args.action !== 'show') throw onlyOfShow();
      const { openInventory, surroundings } = await import('../operations/hosts/load-hosts.js');
      const inventory = await openInventory(inventoryOf(args, output));
      if (args.action === 'show') {
        const [{ readSettings }, { shownHost }, { sshSurroundings }] = await Promise.all([
          import('../coolify/settings/settings.js'),
          import('../operations/hosts/shown-host.js'),
          import('../operations/hosts/ssh-configuration.js'),
        ]);
        const host = args.host === undefined ? undefined : inventory.host(args.host);
        if (host === undefined)
          throw unknownHost(
            args.host,
            inventory.hosts.map(({ name }) => name),
          );
        const settings = readSettings(host, surroundings());
        const shown = shownHost(host.name, settings, sshSurroundings());
        if (json) {
          const facts = shown.map(({ name, value, source }) => ({ name, value, source }));
          output.out(
            JSON.stringify({ type: 'summary', command: 'inventory', host: host.name, settings: facts }),
          );
          return 0;
        }
        const rows = shown.map(({ name, value, source }) => [name, printable(value), printable(source)]);
        output.out(table([['SETTING', 'VALUE', 'FROM'], ...rows]));
        return 0;
      }
      const { inventoryGraph, inventoryList } = await import('../inventory/render.js');
      const redact = (variable: string): boolean => SECRET_NAME.test(variable);
      output.out(
        args.list ? inventoryList(inventory, { redact }) : (inventoryGraph(inventory, { redact }) ?? ''),
      );
      return 0;
    }),
};

function unknownHost(host: string | undefined, names: readonly string[]): StateError {
  const near = host === undefined ? [] : nearestNames(host, names);
  return new StateError({
    kind: 'usage',
    code: 'inventory.no-host',
    what:
      host === undefined ? 'Name the host to show' : `There is no host ${printable(host)} in the inventory`,
    next:
      near.length > 0
        ? `Did you mean ${near.map((name) => `"${printable(name)}"`).join(' or ')}?`
        : 'see "coolify-state inventory --graph"',
  });
}

function onlyOfShow(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'cli.usage',
    what: '--json belongs to "inventory show HOST"',
    next: '"inventory --list" is JSON already, in the form of Ansible',
  });
}
