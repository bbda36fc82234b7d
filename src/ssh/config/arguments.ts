import { resolve } from 'node:path';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import type { ConfigChoice } from './config-reader.js';
import { type ConfigLine, madeLine, parseLine } from './line.js';
import type { ConfigPlace } from './place.js';
import { shellWords } from './shell-words.js';

/** What a command line of ssh says. */
export interface SshArguments {
  /** Its options as lines of a configuration, in their order. */
  readonly lines: readonly ConfigLine[];
  /** `-F`. */
  readonly choice: ConfigChoice | undefined;
  /** `-W`. */
  readonly forward: string | undefined;
  /** What is no option: the destination, then a command. */
  readonly operands: readonly string[];
}

/** Where paths start. */
export interface Paths {
  readonly cwd: string;
  readonly home: string;
}

/**
 * Reads arguments for ssh that stand in a variable, as Ansible splits them. `of` is the variable's name.
 * @throws StateError `ssh-config.arguments` for what is not supported, `ssh-config.invalid`
 */
export function parseArguments(text: string, of: string, paths: Paths): SshArguments {
  const words = shellWords(text);
  if (words === undefined) throw refused(of, text, 'a quote is not closed', 'close it');
  const parsed = readArguments(words, { kind: 'arguments', of }, paths);
  const [operand] = parsed.operands;
  if (operand !== undefined) {
    throw refused(
      of,
      text,
      `"${operand}" is no option`,
      'name the host in ansible_host, and options only here',
    );
  }
  if (parsed.forward !== undefined) {
    throw refused(of, text, '-W is not supported here', 'name a jump host with -J or -o ProxyJump=');
  }
  return parsed;
}

/**
 * Reads words as ssh(1) does.
 * @throws StateError `ssh-config.arguments`, `ssh-config.invalid`
 */
export function readArguments(words: readonly string[], place: ConfigPlace, paths: Paths): SshArguments {
  const shown = place.kind === 'arguments' ? place.of : 'ssh';
  const all = words.join(' ');
  const lines: ConfigLine[] = [];
  const operands: string[] = [];
  let choice: ConfigChoice | undefined;
  let forward: string | undefined;
  const rest = [...words];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    if (word === '--') {
      operands.push(...rest.splice(0));
      continue;
    }
    for (let at = 1; at < word.length; at++) {
      const flag = word[at] ?? '';
      if (PASSED_OVER.has(flag)) continue;
      const fixed = FIXED[flag];
      if (fixed !== undefined) {
        lines.push(madeLine(fixed[0], [fixed[1]], place));
        continue;
      }
      if (!TAKES_VALUE.has(flag)) {
        throw refused(shown, all, `-${flag} is not supported`, 'remove it');
      }
      const value = at + 1 < word.length ? word.slice(at + 1) : rest.shift();
      if (value === undefined)
        throw refused(shown, all, `-${flag} has no value`, 'add it, or remove the option');
      const keyword = KEYWORD_OF[flag];
      if (keyword !== undefined) lines.push(madeLine(keyword, [value], place));
      else if (flag === 'o') lines.push(...[parseLine(value, place)].filter((line) => line !== undefined));
      else if (flag === 'F') choice ??= choiceOf(value, paths);
      else if (flag === 'W') forward = value;
      break;
    }
  }
  return { lines, choice, forward, operands };
}

/** As `-F` takes it: the path of a file, or `none`. */
export function choiceOf(file: string, { cwd, home }: Paths): ConfigChoice {
  return file.toLowerCase() === 'none' ? 'none' : { file: resolve(cwd, file.replace(/^~(?=\/)/, home)) };
}

/** What changes nothing here: forwarding of agent and X11, terminals, compression, more and less output, GSSAPI. */
const PASSED_OVER: ReadonlySet<string> = new Set('2aACkKMnqtTvxXYy');

/** Options with a value that are understood, or change nothing here (cipher, MAC, escape, log, token, control socket). */
const TAKES_VALUE: ReadonlySet<string> = new Set('oFWJiplbBPcmeEIS');

const KEYWORD_OF: Readonly<Record<string, string>> = {
  J: 'ProxyJump',
  i: 'IdentityFile',
  p: 'Port',
  l: 'User',
  b: 'BindAddress',
  B: 'BindInterface',
  P: 'Tag',
};

const FIXED: Readonly<Record<string, readonly [string, string]>> = {
  4: ['AddressFamily', 'inet'],
  6: ['AddressFamily', 'inet6'],
};

function refused(of: string, text: string, why: string, next: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'ssh-config.arguments',
    what: `The arguments for ssh in ${printable(of)} are not understood`,
    why: printable(why),
    next,
    detail: printable(text),
  });
}
