import { Secret } from '../core/secret.js';
import { baseName, type Environment, expandHome, folderName } from './paths.js';
import { parsePythonLiteral } from './python-literal.js';
import { Float, type Key, kindOf, Tuple, Undefined, type Value } from './value.js';
import { areEqual, asKey, isTrue, iterate, memberOf, numberOf, order, plainText } from './value-algebra.js';
import { narrow } from './yaml-scalars.js';

/** What a filter may use of the template it stands in. */
export interface FilterContext {
  readonly env: Environment;
  /** The value as text; remembers when a secret went into the result. */
  readonly text: (value: Value) => string;
  /** The error for a value that the filter cannot take. */
  readonly wrong: (what: string) => Error;
  /** The error for what Ansible would do and this room does not. */
  readonly unsupported: (what: string) => Error;
}

/** Arguments after the piped value: by place, and by name. */
export interface FilterArguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

export type Filter = (value: Value, call: FilterArguments, context: FilterContext) => Value;

/** An argument by place or by name. */
export function argument(call: FilterArguments, index: number, name: string): Value | undefined {
  return call.positional[index] ?? call.named.get(name);
}

const textFilter =
  (change: (text: string, context: FilterContext) => string): Filter =>
  (value, _call, context) =>
    change(context.text(value), context);

/** For filters that Python refuses to work on anything but text. */
const strictTextFilter =
  (name: string, change: (text: string, context: FilterContext) => string): Filter =>
  (value, _call, context) =>
    change(strictText(value, name, context), context);

const listFilter =
  (change: (items: Value[], call: FilterArguments, context: FilterContext) => Value): Filter =>
  (value, call, context) =>
    change(itemsOf(value, context), call, context);

/** For filters that treat lists as sets; what they do with text differs from one to the other. */
const setFilter =
  (change: (items: Value[], call: FilterArguments, context: FilterContext) => Value): Filter =>
  (value, call, context) => {
    if (value instanceof Undefined) throw value.fault();
    if (!Array.isArray(value) || value instanceof Tuple)
      throw context.unsupported(`Treating ${kindOf(value)} as a set`);
    return change(itemsOf(value, context), call, context);
  };

const withDefault: Filter = (value, call) => {
  const fallback = argument(call, 0, 'default_value') ?? '';
  const whenFalse = isTrue(argument(call, 1, 'boolean') ?? false);
  if (value instanceof Undefined) return fallback;
  return whenFalse && !isTrue(value) ? fallback : value;
};

const length: Filter = (value, _call, context) => itemsOf(value, context).length;

/** The filters that are understood; the names are Ansible's and Jinja's. */
export const FILTERS: ReadonlyMap<string, Filter> = new Map<string, Filter>([
  ['default', withDefault],
  ['d', withDefault],
  ['expanduser', strictTextFilter('expanduser', (text, { env }) => expandHome(text, env))],
  ['basename', strictTextFilter('basename', baseName)],
  ['dirname', strictTextFilter('dirname', folderName)],
  ['lower', textFilter((text) => text.toLowerCase())],
  ['upper', textFilter((text) => text.toUpperCase())],
  ['string', textFilter((text) => text)],
  ['b64encode', textFilter((text) => Buffer.from(text).toString('base64'))],
  ['b64decode', textFilter(decodeBase64)],
  ['bool', toBoolean],
  ['int', toInteger],
  ['float', toFloat],
  ['trim', trim],
  ['replace', replace],
  ['split', split],
  ['length', length],
  ['count', length],
  ['list', listFilter((items) => [...items])],
  [
    'first',
    listFilter((items, _call, { wrong }) => (items.length > 0 ? (items[0] ?? null) : emptyList(wrong))),
  ],
  [
    'last',
    listFilter((items, _call, { wrong }) => (items.length > 0 ? (items.at(-1) ?? null) : emptyList(wrong))),
  ],
  ['join', listFilter(join)],
  ['unique', listFilter((items) => distinct(items, lowerCase))],
  ['sort', listFilter((items, _call, context) => sorted(items, context))],
  ['union', setFilter((items, call, context) => distinct([...items, ...other(call, context)]))],
  ['intersect', setFilter((items, call, context) => common(items, other(call, context), true))],
  ['difference', setFilter((items, call, context) => common(items, other(call, context), false))],
  ['ternary', ternary],
]);

function toBoolean(value: Value, _call: FilterArguments, { text }: FilterContext): Value {
  if (value === null || typeof value === 'boolean') return value;
  return ['yes', 'on', '1', 'true'].includes(text(value).toLowerCase());
}

function toInteger(value: Value, call: FilterArguments, { text }: FilterContext): Value {
  if (value instanceof Undefined) throw value.fault();
  const fallback = argument(call, 0, 'default') ?? 0;
  const base = argument(call, 1, 'base') ?? 10;
  const number = numberOf(value);
  if (number !== undefined) return Number.isFinite(Number(number)) ? narrow(wholeOf(number)) : fallback;
  if (value === null || typeof value === 'object') {
    if (!(value instanceof Secret)) return fallback;
  }
  const digits = text(value).trim().replaceAll('_', '');
  if (base !== 10) {
    const parsed =
      typeof base === 'number' ? Number.parseInt(digits.replace(/^0[xob]/i, ''), base) : Number.NaN;
    return Number.isNaN(parsed) ? fallback : parsed;
  }
  if (/^[-+]?\d+$/.test(digits)) return narrow(BigInt(digits.replace(/^\+/, '')));
  const loose = decimalOf(digits);
  return loose === undefined || !Number.isFinite(loose) ? fallback : narrow(BigInt(Math.trunc(loose)));
}

function wholeOf(number: number | bigint): bigint {
  return typeof number === 'bigint' ? number : BigInt(Math.trunc(number));
}

function decimalOf(text: string): number | undefined {
  return /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : undefined;
}

function toFloat(value: Value, call: FilterArguments, { text }: FilterContext): Value {
  if (value instanceof Undefined) throw value.fault();
  const number = numberOf(value);
  if (number !== undefined) return new Float(Number(number));
  const loose = plainText(value) === undefined ? undefined : decimalOf(text(value).trim());
  return loose === undefined ? (argument(call, 0, 'default') ?? new Float(0)) : new Float(loose);
}

function trim(value: Value, call: FilterArguments, { text }: FilterContext): Value {
  const chars = argument(call, 0, 'chars');
  if (chars === undefined || chars === null) return text(value).trim();
  return strip(text(value), text(chars));
}

/** Python's `strip` of given characters. */
export function strip(whole: string, chars: string, ends: 'both' | 'left' | 'right' = 'both'): string {
  const set = new Set(chars);
  const characters = [...whole];
  let from = 0;
  let to = characters.length;
  while (ends !== 'right' && from < to && set.has(characters[from] ?? '')) from++;
  while (ends !== 'left' && to > from && set.has(characters[to - 1] ?? '')) to--;
  return characters.slice(from, to).join('');
}

function replace(value: Value, call: FilterArguments, { text, wrong }: FilterContext): Value {
  const [from, to] = [argument(call, 0, 'old'), argument(call, 1, 'new')];
  if (from === undefined || to === undefined) throw wrong('"replace" needs the old text and the new');
  return text(value).replaceAll(text(from), () => text(to));
}

function split(value: Value, call: FilterArguments, context: FilterContext): Value {
  const { text } = context;
  const separator = argument(call, 0, 'sep');
  return splitText(
    strictText(value, 'split', context),
    separator === undefined || separator === null ? undefined : text(separator),
  );
}

/** Python's `split`: by white space, without empty parts, when no separator is given. */
export function splitText(whole: string, separator: string | undefined): string[] {
  if (separator !== undefined) return whole.split(separator);
  const trimmed = whole.trim();
  return trimmed === '' ? [] : trimmed.split(/\s+/);
}

function decodeBase64(encoded: string, { wrong }: FilterContext): string {
  const clean = encoded.replace(/[^A-Za-z0-9+/=]/g, '');
  if (clean.replace(/(?<!=)=+$/, '').length % 4 === 1 || clean.length % 4 !== 0) {
    throw wrong('"b64decode" got text that is not base64');
  }
  return Buffer.from(clean, 'base64').toString('utf8');
}

function join(items: Value[], call: FilterArguments, { text }: FilterContext): Value {
  const attribute = argument(call, 1, 'attribute');
  const parts = attribute === undefined ? items : items.map((item) => memberOf(item, attribute) ?? '');
  return parts.map(text).join(text(argument(call, 0, 'd') ?? ''));
}

function ternary(value: Value, call: FilterArguments): Value {
  const whenNull = argument(call, 2, 'none_val');
  if (value === null && whenNull !== undefined) return whenNull;
  return (isTrue(value) ? argument(call, 0, 'true_val') : argument(call, 1, 'false_val')) ?? null;
}

function strictText(value: Value, name: string, { text, wrong }: FilterContext): string {
  if (value instanceof Undefined) throw value.fault();
  if (plainText(value) === undefined) throw wrong(`"${name}" needs text, and got ${kindOf(value)}`);
  return text(value);
}

function itemsOf(value: Value, { wrong }: FilterContext): Value[] {
  if (value instanceof Undefined) throw value.fault();
  const items = iterate(value);
  if (items === undefined) throw wrong(`${kindOf(value)} has no members`);
  return items;
}

function other(call: FilterArguments, context: FilterContext): Value[] {
  return itemsOf(call.positional[0] ?? null, context);
}

function emptyList(wrong: FilterContext['wrong']): Undefined {
  return new Undefined(() => wrong('The list is empty'));
}

/** The members without those that equal an earlier one, where `by` says what of them counts. */
function distinct(items: readonly Value[], by: (item: Value) => Value = (item) => item): Value[] {
  const seen = new Set<Key>();
  const result: Value[] = [];
  for (const item of items) {
    const compared = by(item);
    const key = asKey(compared);
    // True is one in Python, and one is one.
    const plain = typeof key === 'boolean' ? Number(key) : key;
    if (plain === undefined ? result.some((one) => areEqual(by(one), compared)) : seen.has(plain)) continue;
    if (plain !== undefined) seen.add(plain);
    result.push(item);
  }
  return result;
}

function lowerCase(value: Value): Value {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

function common(items: readonly Value[], others: readonly Value[], wanted: boolean): Value[] {
  return distinct(items.filter((item) => others.some((one) => areEqual(one, item)) === wanted));
}

function sorted(items: readonly Value[], { wrong }: FilterContext): Value[] {
  return [...items].sort((a, b) => {
    const result = order(lowerCase(a), lowerCase(b));
    if (result === undefined) throw wrong(`${kindOf(a)} and ${kindOf(b)} cannot be put in order`);
    return result;
  });
}

const JSON_NAMES = new Map<string, null | boolean>([
  ['true', true],
  ['false', false],
  ['null', null],
]);

/**
 * What Ansible makes of a template's text: text that looks like a list, a mapping or a boolean becomes one.
 * Everything else, numbers too, stays text.
 */
export function typedResult(text: string): Value {
  if (text === 'True') return true;
  if (text === 'False') return false;
  if (!text.startsWith('[') && !text.startsWith('{')) return text;
  const literal = parsePythonLiteral(text, JSON_NAMES);
  return literal === undefined ? text : literal.value;
}
