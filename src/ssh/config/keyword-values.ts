import { parseJumpHosts } from './jump-hosts.js';
import type { ConfigLine } from './line.js';
import type { JumpHost, StrictHostKeyChecking } from './options.js';
import { configFault } from './place.js';

/** How the arguments of keywords are read. Each throws `ssh-config.invalid` for what does not fit. */

export function text(line: ConfigLine): string {
  const [word = '', ...more] = line.words;
  if (word === '') throw expected(line, 'an argument');
  if (more.length > 0) throw expected(line, 'one argument; one with blanks needs quotes');
  return word;
}

/** Several words; `none` alone means an empty list. */
export function list(line: ConfigLine): readonly string[] {
  const { words } = line;
  if (words.length === 0 || words.includes('')) throw expected(line, 'one or more arguments');
  if (words.length === 1 && isNone(words[0] ?? '')) return [];
  if (words.some(isNone)) throw expected(line, '"none" to stand alone');
  return words;
}

export function commaList(line: ConfigLine): readonly string[] {
  return text(line).split(',');
}

export function yesOrNo(line: ConfigLine): boolean {
  const word = text(line).toLowerCase();
  if (['yes', 'true'].includes(word)) return true;
  if (['no', 'false'].includes(word)) return false;
  throw expected(line, '"yes" or "no"');
}

/** `PubkeyAuthentication` also takes restrictions to one of its versions, which both mean yes here. */
export function pubkeyChoice(line: ConfigLine): boolean {
  const word = text(line).toLowerCase();
  return word === 'unbound' || word === 'host-bound' ? true : yesOrNo(line);
}

export function oneOf<const Choice extends string>(
  ...choices: readonly Choice[]
): (line: ConfigLine) => Choice {
  return (line) => {
    const word = text(line).toLowerCase();
    const choice = choices.find((candidate) => candidate === word);
    if (choice === undefined) throw expected(line, choices.map((candidate) => `"${candidate}"`).join(' or '));
    return choice;
  };
}

export function canonicalize(line: ConfigLine): 'no' | 'yes' | 'always' {
  const word = text(line).toLowerCase();
  if (word === 'always') return word;
  return yesOrNo(line) ? 'yes' : 'no';
}

export function strictChecking(line: ConfigLine): StrictHostKeyChecking {
  const word = text(line).toLowerCase();
  if (word === 'off') return 'no';
  if (word === 'ask' || word === 'accept-new') return word;
  return yesOrNo(line) ? 'yes' : 'no';
}

export function port(line: ConfigLine): number {
  const word = text(line);
  if (word === 'ssh') return 22;
  const value = /^\d{1,5}$/.test(word) ? Number(word) : 0;
  if (value < 1 || value > 65_535) throw expected(line, 'a port from 1 to 65535');
  return value;
}

export function wholeNumber(line: ConfigLine): number {
  const word = text(line);
  if (!/^\d{1,9}$/.test(word)) throw expected(line, 'a whole number');
  return Number(word);
}

export function fromOne(line: ConfigLine): number {
  const value = wholeNumber(line);
  if (value < 1) throw expected(line, 'a whole number from 1');
  return value;
}

/** Seconds, or parts such as `1h30m` (TIME FORMATS in sshd_config(5)); undefined for `none`, which sets nothing. */
export function seconds(line: ConfigLine): number | undefined {
  const word = text(line);
  if (word === 'none') return undefined;
  if (!/^(?:\d{1,9}[smhdw]?)+$/i.test(word)) throw expected(line, 'a time such as 30 or 1m30s');
  let total = 0;
  for (const [, amount, unit = ''] of word.matchAll(/(\d+)([smhdw]?)/gi)) {
    total += Number(amount) * (SECONDS[unit.toLowerCase()] ?? 1);
  }
  if (total > 0x7fff_ffff) throw expected(line, 'a time of less than 68 years');
  return total;
}

export function jumpHosts(line: ConfigLine): readonly JumpHost[] {
  const hosts = parseJumpHosts(text(line));
  if (hosts === undefined) throw expected(line, 'hosts as in "user@host:port,host", or "none"');
  return hosts;
}

/** A command is taken as it is written, quotes, comment signs and all. */
export function command(line: ConfigLine): string {
  return line.argument;
}

/** The path of a socket, or a variable that names it. */
export function agent(line: ConfigLine): string {
  const word = text(line);
  if (/^\$(?!\{)/.test(word) && !/^\$[A-Za-z_][A-Za-z0-9_]*$/.test(word)) {
    throw expected(line, 'the path of a socket, "$" and the name of a variable, "SSH_AUTH_SOCK" or "none"');
  }
  return word;
}

export function isNone(word: string): boolean {
  return word.toLowerCase() === 'none';
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

function expected(line: ConfigLine, what: string): Error {
  const { place, keyword } = line;
  return configFault({ code: 'invalid', place, text: line.text, what: `${keyword} expects ${what}` });
}
