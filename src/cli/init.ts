import { resolve } from 'node:path';
import type { CommandModule, InferredOptionTypes } from 'yargs';
import { printable } from '../core/terminal-text.js';
import type { CompleteAnswers } from '../operations/init/answers.js';
import type { InitOptions, InitResult } from '../operations/init/init.js';
import { quote } from '../ssh/command.js';
import { findingLines } from './findings.js';
import { askOnTerminal, hostKeyQuestion } from './init-prompts.js';
import { COMMON, lastOf } from './options.js';
import { passphraseOf } from './passphrase.js';
import { type Invocation, runCommand } from './run-command.js';
import { inventoryOf } from './selection.js';

const text = { type: 'string', coerce: lastOf, requiresArg: true } as const;

const OPTIONS = {
  inventory: {
    ...COMMON.inventory,
    describe: 'where to write it: a file, or a folder that gets a hosts.yml',
  },
  name: { ...text, describe: "the host's name in the inventory; its address by default", group: 'The host:' },
  key: {
    ...text,
    describe: 'private key to log in with; else the agent and the usual ones',
    group: 'The host:',
  },
  'known-hosts': { ...text, describe: 'the file that host keys are looked up in', group: 'The host:' },
  'accept-host-key': {
    ...text,
    describe: 'the fingerprint (SHA256:...) of the key that may be written to known_hosts',
    group: 'The host:',
  },
  repository: {
    ...text,
    describe: 'where snapshots go: a folder, s3://bucket/path, or "none"',
    group: 'Snapshots:',
  },
  endpoint: { ...text, describe: 'address of the S3 service; AWS by default', group: 'Snapshots:' },
  region: { ...text, describe: 'region of the bucket', group: 'Snapshots:' },
  'encryption-key': {
    ...text,
    describe: 'public key (or file of age recipients) that snapshots are encrypted to',
    conflicts: 'new-key',
    group: 'Snapshots:',
  },
  'new-key': { ...text, describe: 'make a key pair in this file for that', group: 'Snapshots:' },
  add: { type: 'boolean', default: false, describe: 'add the host to an inventory that is there' },
  offline: { type: 'boolean', default: false, describe: 'write it without contacting anything' },
  'vault-password-file': COMMON['vault-password-file'],
  'vault-id': COMMON['vault-id'],
  'state-dir': COMMON['state-dir'],
  yes: {
    alias: 'y',
    type: 'boolean',
    default: false,
    describe: 'do not ask; what was not given takes its default',
  },
  json: COMMON.json,
  verbose: COMMON.verbose,
} as const;

type Arguments = InferredOptionTypes<typeof OPTIONS> & { host: string | undefined };

export const initCommand: CommandModule<object, Arguments> = {
  builder: (yargs) =>
    yargs
      .options(OPTIONS)
      .positional('host', { type: 'string', describe: 'the controller: host, user@host or user@host:port' })
      .example('$0 init', 'asks for everything, six questions at most')
      .example('$0 init root@coolify.example.com --repository s3://backups/coolify --yes', 'asks nothing')
      .example('$0 init root@203.0.113.11 --name second --add', 'one host more'),
  handler: (args) =>
    runCommand(args, async (invocation) => {
      const { output, json, signal } = invocation;
      const [{ completeAnswers }, { inventoryFile }, { init }, { findingsStatus }] = await Promise.all([
        import('../operations/init/answers.js'),
        import('../operations/init/files.js'),
        import('../operations/init/init.js'),
        import('../operations/hosts/finding.js'),
      ]);
      const cwd = process.cwd();
      const file = await inventoryFile(args.inventory.at(-1) ?? 'inventory/', args.add, cwd);
      const answers = await completeAnswers(
        {
          host: args.host,
          name: args.name,
          key: args.key,
          knownHosts: args['known-hosts'],
          repository: args.repository,
          endpoint: args.endpoint,
          region: args.region,
          encryptionKey: args['encryption-key'],
          newKey: args['new-key'],
          add: args.add,
        },
        askOnTerminal(args.yes, signal),
        cwd,
      );
      const { vault, warn } = inventoryOf(args, output);
      const options: InitOptions = {
        cwd,
        file,
        stateFolder: resolve(cwd, args['state-dir']),
        offline: args.offline,
        confirmHostKey: hostKeyQuestion({ accepted: args['accept-host-key'], yes: args.yes }, signal),
        passphrase: passphraseOf,
        warn,
        signal,
        ...(vault !== undefined && { vault }),
        ...(json && { onFinding: (finding) => output.out(JSON.stringify({ type: 'finding', ...finding })) }),
      };
      const result = await init(answers, options);
      if (json)
        output.out(
          JSON.stringify({ type: 'summary', command: 'init', ...result, next: nextOf(result, args) }),
        );
      else show(result, answers, args, invocation);
      return result.written.length === 0 ? Math.max(1, findingsStatus(result.findings)) : 0;
    }),
};

function show(result: InitResult, answers: CompleteAnswers, args: Arguments, { output }: Invocation): void {
  const { findings, written, newKey, host } = result;
  if (findings.length > 0) output.out(`\n${printable(host)}\n${findingLines(findings)}`);
  if (written.length === 0) {
    output.out(
      `\nNothing was written. Mend what is bad above and run this again:\n\n  ${again(answers, args)}`,
    );
    output.out('\nWith --offline it is written without these checks.');
    return;
  }
  output.out(`\nWritten:\n${written.map((path) => `  ${printable(path)}`).join('\n')}`);
  if (newKey !== undefined) {
    output.out(
      `\n${printable(newKey.path)} (${newKey.fingerprint}) is the only key that opens the snapshots.\n` +
        'Keep a copy of it elsewhere too, such as in a password manager: without it no snapshot can be read.',
    );
  }
  output.out(
    `\nNext:\n\n${nextOf(result, args)
      .map((line) => `  ${line}`)
      .join('\n')}`,
  );
}

/** What to run, in order. */
function nextOf({ environment, written, findings }: InitResult, args: Arguments): string[] {
  if (written.length === 0) return [];
  const where = args.inventory.at(-1) === 'inventory/' ? '' : ` -i ${quote(args.inventory.at(-1) ?? '')}`;
  const state = args['state-dir'] === 'state' ? '' : ` --state-dir ${quote(args['state-dir'])}`;
  const isBare = findings.some(({ check, verdict }) => check === 'coolify.version' && verdict === 'warning');
  if (isBare) return [...environment, `coolify-state restore${where}${state} --check`];
  return [
    ...environment,
    `coolify-state backup${where}${state}`,
    `coolify-state verify${where}${state} --read-data`,
    `coolify-state doctor${where}${state}`,
  ];
}

/** The command with every answer that was given, so that nothing has to be typed twice. */
function again(answers: CompleteAnswers, args: Arguments): string {
  const { target, place, endpoint, region, privateKeyFile, encryptionKey, newKey, name } = answers;
  const user = target.user === undefined ? '' : `${target.user}@`;
  const port = target.port === undefined ? '' : `:${target.port}`;
  const address = target.address.includes(':') && port !== '' ? `[${target.address}]` : target.address;
  const repository =
    place === undefined
      ? undefined
      : place.kind === 'none'
        ? 'none'
        : place.kind === 'directory'
          ? place.path
          : `s3://${place.bucket}${place.path === undefined ? '' : `/${place.path}`}`;
  const inventory = args.inventory.at(-1);
  const options: readonly (readonly [string, string | undefined])[] = [
    ['name', name === target.address ? undefined : name],
    ['key', privateKeyFile],
    ['known-hosts', args['known-hosts']],
    ['accept-host-key', args['accept-host-key']],
    ['repository', repository],
    ['endpoint', endpoint],
    ['region', region],
    ...(newKey === undefined ? [['encryption-key', encryptionKey] as const] : [['new-key', newKey] as const]),
    ['inventory', inventory === 'inventory/' ? undefined : inventory],
    ['state-dir', args['state-dir'] === 'state' ? undefined : args['state-dir']],
  ];
  const given = options.flatMap(([flag, value]) =>
    value === undefined ? [] : [`--${flag} ${quote(value)}`],
  );
  return [
    'coolify-state init',
    quote(`${user}${address}${port}`),
    ...given,
    ...(args.add ? ['--add'] : []),
  ].join(' ');
}
