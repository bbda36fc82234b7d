import { isIPv4, isIPv6 } from 'node:net';
import { faultAt, type Place } from './place.js';

/** A name as an inventory or a pattern writes it, taken apart. */
export interface Address {
  readonly name: string;
  readonly port: number | undefined;
}

const RANGE = String.raw`\[(?:[a-z]:[a-z]|[0-9]+:[0-9]+)(?::[0-9]+)?\]`;
const LABEL = String.raw`(?:[\p{L}\p{N}_]|${RANGE})(?:[\p{L}\p{N}_-]|${RANGE})*(?<![_-])`;
const HOSTNAME = new RegExp(String.raw`^${LABEL}(?:\.${LABEL})*$`, 'iu');
const NUMBER_RANGE = /\[[0-9]+:[0-9]+(?::[0-9]+)?\]/g;
const HEX_RANGE = /\[[0-9a-f]+:[0-9a-f]+(?::[0-9]+)?\]/gi;

/**
 * Host and port of `name`, `name:22`, `[name]:22`, where the name is a host name or an address, perhaps with ranges
 * such as `web[01:10]`. Undefined when it is none of these; Ansible then takes the text as it stands for a name.
 */
export function parseAddress(text: string): Address | undefined {
  const bracketed = /^\[(.+)\]:([0-9]+)$/.exec(text) ?? /^((?:[^:[\]]|\[[^\]]*\])*):([0-9]+)$/.exec(text);
  const name = bracketed?.[1] ?? text;
  const port = bracketed?.[2] === undefined ? undefined : Number(bracketed[2]);
  const known =
    isIPv4(name.replace(NUMBER_RANGE, '1')) || isIPv6(name.replace(HEX_RANGE, '1')) || HOSTNAME.test(name);
  return known ? { name, port } : undefined;
}

/** More names than this in one line are a mistake, not an inventory. */
const MOST_NAMES = 100_000;

/**
 * The hosts that one entry of an inventory stands for.
 * @throws StateError `inventory.host-range`
 */
export function expandHosts(
  text: string,
  at: Place,
): { readonly names: string[]; readonly port: number | undefined } {
  const { name, port } = parseAddress(text) ?? { name: text, port: undefined };
  return { names: name.includes('[') ? expand(name, at) : [name], port };
}

function expand(pattern: string, at: Place): string[] {
  const match = /^([^[]*)\[([^\]]*)\](.*)$/s.exec(pattern);
  if (match === null) {
    throw faultAt(at, {
      code: 'host-range',
      what: `The brackets in "${pattern}" do not close`,
      expected: 'a range such as web[01:10] or db-[a:f]',
    });
  }
  const [, head = '', range = '', tail = ''] = match;
  const heads = sequence(range, at).map((part) => head + part);
  const tails = tail.includes('[') ? expand(tail, at) : [tail];
  if (heads.length * tails.length > MOST_NAMES) {
    throw faultAt(at, { code: 'host-range', what: `"${pattern}" means more than ${MOST_NAMES} hosts` });
  }
  return heads.flatMap((start) => tails.map((end) => start + end));
}

function sequence(range: string, at: Place): string[] {
  const wrong = (expected: string): Error =>
    faultAt(at, { code: 'host-range', what: `The range [${range}] cannot be counted out`, expected });
  const [from = '', to = '', by = '1', ...more] = range.split(':');
  if (!range.includes(':') || more.length > 0) throw wrong('begin:end or begin:end:step');
  const begin = from === '' ? '0' : from;
  const step = /^[0-9]+$/.test(by) ? Number(by) : 0;
  if (step === 0) throw wrong('a step of one or more');
  if (/^[a-zA-Z]$/.test(begin) && /^[a-zA-Z]$/.test(to)) return letters(begin, to, step, wrong);
  if (!/^[0-9]+$/.test(begin) || !/^[0-9]+$/.test(to)) throw wrong('two numbers, or two letters');
  const width = begin.length > 1 && begin.startsWith('0') ? begin.length : 0;
  if (width > 0 && to.length !== width) throw wrong('begin and end of the same length: 01:10, 001:100');
  if ((Number(to) - Number(begin)) / step > MOST_NAMES) throw wrong(`at most ${MOST_NAMES} hosts`);
  const names: string[] = [];
  for (let value = Number(begin); value <= Number(to); value += step)
    names.push(String(value).padStart(width, '0'));
  return names;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

function letters(begin: string, end: string, step: number, wrong: (expected: string) => Error): string[] {
  const from = LETTERS.indexOf(begin);
  const to = LETTERS.indexOf(end);
  if (from > to) throw wrong('the first letter before the last');
  return [...LETTERS].slice(from, to + 1).filter((_, index) => index % step === 0);
}
