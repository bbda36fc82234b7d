import { EXIT_STATUS } from '../../core/errors.js';
import { TOOL } from '../../tool.js';
import { grouped, spelled, told, valueName } from './option-text.js';
import type { CommandFacts, OptionFacts } from './recorded-commands.js';

/** What each exit status stands for, with several hosts the highest that applies. */
const STATUS: Readonly<Record<number, string>> = {
  0: 'all is well',
  [EXIT_STATUS.failed]: 'something failed on a host',
  [EXIT_STATUS.usage]: 'usage or configuration',
  [EXIT_STATUS.unreachable]: 'a host was unreachable',
  [EXIT_STATUS.proof]: 'a proof failed: the data is not to be trusted',
  [EXIT_STATUS.locked]: 'another run works on the host',
  [EXIT_STATUS.interrupted]: 'interrupted',
};

const ENVIRONMENT: readonly (readonly [string, string])[] = [
  [
    'HETZNER_S3_ACCESS_KEY, HETZNER_S3_SECRET_KEY',
    "credentials of the S3 service; else those of the AWS SDK's chain",
  ],
  ['COOLIFY_STATE_KEY_PASSPHRASE', 'passphrase of key files where nobody can be asked'],
  ['COOLIFY_STATE_DEBUG', 'set: errors have their stack'],
  ['NO_COLOR', 'set: no colours'],
];

/** The manual page, in the man macros of groff (groff_man(7)). */
export function manPage(purpose: string, commands: readonly CommandFacts[]): string {
  return [
    `.TH COOLIFY\\-STATE 1 "" "${TOOL.name}" "User Commands"`,
    '.SH NAME',
    `${escaped(TOOL.name)} \\- back up Coolify controllers over SSH, and rebuild them`,
    '.SH SYNOPSIS',
    `.B ${escaped(TOOL.name)}`,
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    line(purpose),
    '.PP',
    line('Results go to standard output, progress to standard error.'),
    '.SH COMMANDS',
    ...commands.flatMap(commandLines),
    '.SH EXIT STATUS',
    ...Object.entries(STATUS).flatMap(([status, text]) => entry(`.B ${status}`, text)),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, text]) => entry(`.B ${escaped(name)}`, text)),
    '.SH SEE ALSO',
    line('age(1), ssh(1), ssh_config(5), ansible-inventory(1), pg_restore(1)'),
  ]
    .join('\n')
    .concat('\n');
}

function commandLines({ usage, describe, positionals, options, examples }: CommandFacts): string[] {
  return [
    `.SS ${escaped(usage)}`,
    line(`${describe}.`),
    ...positionals.flatMap((positional) =>
      entry(`.I ${escaped(positional.name)}`, told({ ...positional, isRequired: false })),
    ),
    ...grouped(options).flatMap(([heading, members]) => [
      '.PP',
      `.B ${escaped(heading)}`,
      ...members.flatMap((option) => entry(optionTag(option), told(option))),
    ]),
    '.PP',
    '.B Examples',
    ...examples.flatMap(({ command, says }) =>
      entry(`.B ${escaped(command.replaceAll('$0', TOOL.name))}`, says),
    ),
  ];
}

function optionTag(option: OptionFacts): string {
  const value = valueName(option);
  const names = spelled(option)
    .map((name) => `\\fB${escaped(name)}\\fR`)
    .join(', ');
  return value === undefined ? names : `${names} \\fI${escaped(value)}\\fR`;
}

function entry(tag: string, text: string): string[] {
  return ['.TP', tag, line(text)];
}

/** A line of text: one that begins like a request would be taken for one. */
function line(text: string): string {
  return escaped(text).replace(/^[.']/, '\\&$&');
}

function escaped(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('…', '...').replaceAll("'", '\\(aq');
}
