import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { nearestNames } from '../inventory/nearest.js';
import { TOOL } from '../tool.js';
import { NO_COMMAND } from './command-line.js';
import { fullDefinition } from './commands.js';
import { type CommandFacts, type OptionFacts, recordedCommands } from './reference/recorded-commands.js';

/** Whether errors are wanted as JSON. Asked of a command line that could not be read. */
export function wantsJson(args: readonly string[]): boolean {
  return beforeDashes(args).includes('--json');
}

/**
 * What yargs objects to in a command line, in the words of this program: with the word that was meant, and the help that has
 * the answer. Other errors pass unchanged.
 */
export async function explainedUsage(failure: StateError, args: readonly string[]): Promise<StateError> {
  if (failure.code !== 'cli.usage' || failure.next !== undefined) return failure;
  const commands = recordedCommands(await fullDefinition());
  const words = beforeDashes(args);
  const command = commands.find(({ name }) => words.includes(name));
  if (command !== undefined)
    return explained(failure.what, command, words) ?? usage(failure.what, helpOf(command));
  const named = words.find((word) => !word.startsWith('-'));
  if (named === undefined) return usage(failure.what, `${TOOL.name} --help`);
  const names = commands.map(({ name }) => name);
  return usage(
    `There is no command "${printable(named)}"`,
    meant(nearestNames(named, names), `${TOOL.name} --help`),
  );
}

/** The sentences of yargs, of its locale `en`. */
function explained(said: string, command: CommandFacts, words: readonly string[]): StateError | undefined {
  if (said === NO_COMMAND) return undefined;
  const unknown = /^Unknown arguments?: (.*)$/s.exec(said)?.[1]?.split(', ');
  if (unknown !== undefined) return unknownWords(unknown, command, words);
  const valueless = /^Not enough arguments following: (.*)$/s.exec(said)?.[1];
  if (valueless !== undefined) return usage(`--${valueless} needs a value`, helpOf(command));
  const required = /^Missing required arguments?: (.*)$/s.exec(said)?.[1]?.split(', ');
  if (required !== undefined) {
    const options = required.map((name) => `--${name}`).join(' and ');
    return usage(`${command.name} needs ${options}`, helpOf(command));
  }
  if (/^Not enough non-option arguments/.test(said))
    return usage(`${command.name} needs more words: ${TOOL.name} ${command.usage}`, helpOf(command));
  const [, name = '', given = ''] = /Argument: (\S+), Given: "(.*?)", Choices: /s.exec(said) ?? [];
  const choices = [...command.positionals, ...command.options].find((one) => one.name === name)?.choices;
  if (choices === undefined || choices.length === 0) return undefined;
  return usage(
    `"${printable(given)}" is none of the choices for ${name}: ${choices.join(', ')}`,
    meant(nearestNames(given, choices), helpOf(command)),
  );
}

/** Of the names that yargs lists, those that were typed: it adds other spellings of its own. */
function unknownWords(
  names: readonly string[],
  command: CommandFacts,
  words: readonly string[],
): StateError | undefined {
  const typed = words.filter((word) => {
    const bare = word.replace(/^--?(no-)?/, '').replace(/=.*/s, '');
    return names.includes(word) || names.includes(bare);
  });
  const options = typed.filter((word) => word.startsWith('-')).map((word) => word.replace(/=.*/s, ''));
  const [option] = options;
  if (option !== undefined) {
    const near = nearestNames(option, command.options.flatMap(spellings));
    return usage(
      `${command.name} has no option ${printable(options.join(' '))}`,
      meant(near, helpOf(command)),
    );
  }
  if (typed.length === 0) return undefined;
  const shown = typed.map((word) => `"${printable(word)}"`).join(' ');
  return usage(`${shown} is more than ${command.name} takes: ${TOOL.name} ${command.usage}`, helpOf(command));
}

function spellings({ name, aliases, type }: OptionFacts): string[] {
  const long = [name, ...aliases].filter((one) => one.length > 1).map((one) => `--${one}`);
  return type === 'boolean' ? [...long, `--no-${name}`] : long;
}

function helpOf({ name }: CommandFacts): string {
  return `${TOOL.name} ${name} --help`;
}

function meant(near: readonly string[], otherwise: string): string {
  return near.length === 0 ? otherwise : `Did you mean ${near.map((one) => `"${one}"`).join(' or ')}?`;
}

function usage(what: string, next: string): StateError {
  return new StateError({ kind: 'usage', code: 'cli.usage', what, next });
}

function beforeDashes(args: readonly string[]): readonly string[] {
  const end = args.indexOf('--');
  return end === -1 ? args : args.slice(0, end);
}
