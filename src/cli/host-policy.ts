import type { CommandModule, InferredOptionTypes } from 'yargs';
import { StateError } from '../core/errors.js';
import { COMMON, lastOf } from './options.js';
import { runCommand } from './run-command.js';
import { selectionOf } from './selection.js';

const OPTIONS = {
  inventory: COMMON.inventory,
  'vault-password-file': COMMON['vault-password-file'],
  'vault-id': COMMON['vault-id'],
  'state-dir': COMMON['state-dir'],
  'authorized-keys': {
    type: 'boolean',
    describe: "print the line for the login user's authorized_keys instead",
  },
  key: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'the .pub file for that line; by default that of the key in the inventory',
  },
  sudoers: { type: 'boolean', describe: 'print the sudo rule for the login user instead' },
  user: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'the login user, if it is to be another than the inventory says',
  },
  database: {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: "name of Coolify's database, if the last generation does not tell and it is not coolify",
  },
  'database-user': {
    type: 'string',
    coerce: lastOf,
    requiresArg: true,
    describe: 'the same for its user',
  },
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { host: string };

export const hostPolicyCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    yargs
      .options(OPTIONS)
      .positional('host', { type: 'string', demandOption: true, describe: 'the host, by its inventory name' })
      .conflicts('authorized-keys', 'sudoers')
      .example('$0 host-policy web1 > coolify-state-gate', 'the script that authorized_keys runs')
      .example('$0 host-policy web1 --authorized-keys', 'the line with the key')
      .example('$0 host-policy web1 --sudoers', 'the rule for a login user that is not root'),
  handler: (args) =>
    runCommand({ json: false }, async ({ output }) => {
      const [{ loadHosts }, { authorizedKeysLine, gateOf, publicKeyFor, sudoersRule }] = await Promise.all([
        import('../operations/hosts/load-hosts.js'),
        import('../operations/schedule/host-policy.js'),
      ]);
      const selection = selectionOf({ ...args, hosts: args.host }, output);
      const [config, ...others] = await loadHosts({ ...selection, offline: true });
      if (config === undefined || others.length > 0) throw notOneHost(args.host, others.length);
      const user = (): string => args.user ?? config.endpoint.user;
      if (args['authorized-keys'] === true) {
        output.out(authorizedKeysLine(await publicKeyFor(config, args.key), { user: user() }));
      } else if (args.sudoers === true) {
        output.out(sudoersRule(user()));
      } else {
        const { 'state-dir': stateRoot, database, 'database-user': databaseUser } = args;
        output.out((await gateOf(config, { stateRoot, database, databaseUser })).trimEnd());
      }
      return 0;
    }),
};

function notOneHost(pattern: string, more: number): StateError {
  return new StateError({
    kind: 'usage',
    code: 'host-policy.one-host',
    what: `host-policy takes one host, and ${JSON.stringify(pattern)} is ${more === 0 ? 'none' : more + 1}`,
    next: 'see "coolify-state inventory --graph"',
  });
}
