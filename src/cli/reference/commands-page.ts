import { TOOL } from '../../tool.js';
import { grouped, spelled, told, valueName } from './option-text.js';
import type { CommandFacts, OptionFacts } from './recorded-commands.js';

const HEAD = `# Commands

Every command with its options, made from the definitions of the program; \`${TOOL.name} COMMAND --help\` says the same.
`;

/** The reference of all commands, as Markdown. */
export function commandsPage(commands: readonly CommandFacts[]): string {
  const overview = commands.map(({ name, describe }) => `| [${name}](#${name}) | ${cell(describe)} |`);
  return [
    HEAD,
    '| command | |\n| --- | --- |',
    ...overview,
    '',
    ...commands.map((command) => `${section(command)}\n`),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function section({ name, usage, describe, positionals, options, examples }: CommandFacts): string {
  return [
    `## ${name}`,
    `${describe}.`,
    `    ${TOOL.name} ${usage} [options]`,
    ...(positionals.length === 0 ? [] : [positionalTable(positionals)]),
    ...grouped(options).map(([heading, members]) => optionTable(heading, members)),
    exampleBlock(examples),
  ].join('\n\n');
}

function positionalTable(positionals: readonly OptionFacts[]): string {
  const rows = positionals.map((positional) => `| \`${positional.name}\` | ${cell(toldOf(positional))} |`);
  return ['| | |', '| --- | --- |', ...rows].join('\n');
}

function toldOf(positional: OptionFacts): string {
  const { choices } = positional;
  const text = told({ ...positional, isRequired: false });
  return choices.length === 0 ? text : `${text}: ${choices.join(', ')}`;
}

function optionTable(heading: string, options: readonly OptionFacts[]): string {
  const rows = options.map((option) => {
    const value = valueName(option);
    const names = spelled(option).map((name, index, all) =>
      index === all.length - 1 && value !== undefined ? `\`${name} ${value}\`` : `\`${name}\``,
    );
    return `| ${names.join(', ').replaceAll('|', '\\|')} | ${cell(told(option))} |`;
  });
  return [`| ${heading} | |`, '| --- | --- |', ...rows].join('\n');
}

function exampleBlock(examples: CommandFacts['examples']): string {
  const lines = examples.map(({ command, says }) =>
    [`# ${says}`, command.replaceAll('$0', TOOL.name)].join('\n'),
  );
  return ['```sh', ...lines, '```'].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');
}
