import { Secret } from '../core/secret.js';
import { Float, isLazyMap, type Key, Moment, Tuple, Undefined, type Value } from './value.js';

/**
 * A value as text in a template: what Python's `str` prints. A list or mapping prints as Python's literal.
 * @throws what the undefined value's fault is
 */
export function textOf(value: Value): string {
  if (typeof value === 'string') return value;
  if (value === null) return 'None';
  if (value instanceof Moment) return value.text;
  if (value instanceof Secret) return value.reveal();
  if (value instanceof Undefined) {
    if (value.lenient) return '';
    throw value.fault();
  }
  return literalOf(value);
}

/** A value as Python's `repr` prints it. */
export function literalOf(value: Value): string {
  if (value === null) return 'None';
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value instanceof Float) return floatText(value.value);
  if (value instanceof Moment) return `datetime(${value.iso})`;
  if (value instanceof Secret) return quoted(value.reveal());
  if (value instanceof Undefined) throw value.fault();
  if (value instanceof Tuple) return tupleLiteral(value);
  if (Array.isArray(value)) return `[${value.map(literalOf).join(', ')}]`;
  if (isLazyMap(value)) return literalOf(new Map(value.keys().map((key) => [key, value.get(key) ?? null])));
  return `{${[...value].map(([key, member]) => `${keyLiteral(key)}: ${literalOf(member)}`).join(', ')}}`;
}

function tupleLiteral(items: readonly Value[]): string {
  return items.length === 1 ? `(${items.map(literalOf).join('')},)` : `(${items.map(literalOf).join(', ')})`;
}

function keyLiteral(key: Key): string {
  return literalOf(typeof key === 'number' && !Number.isInteger(key) ? new Float(key) : key);
}

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  let result = '';
  for (const character of text) result += character === quote ? `\\${quote}` : escaped(character);
  return quote + result + quote;
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const known = ESCAPES[character];
  if (known !== undefined) return known;
  if (character === ' ' || !/[\p{C}\p{Z}]/u.test(character)) return character;
  const code = character.codePointAt(0) ?? 0;
  if (code <= 0xff) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code <= 0xffff
    ? `\\u${code.toString(16).padStart(4, '0')}`
    : `\\U${code.toString(16).padStart(8, '0')}`;
}

/** A float as Python prints it: shortest digits that read back, always with a point or an exponent. */
export function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  if (Object.is(value, -0)) return '-0.0';
  const [mantissa = '', exponent = '0'] = value.toExponential().split('e');
  const power = Number(exponent);
  if (value !== 0 && (power < -4 || power >= 16)) {
    const size = String(Math.abs(power)).padStart(2, '0');
    return `${mantissa}e${power < 0 ? '-' : '+'}${size}`;
  }
  if (power < 0) return value.toFixed(-power + mantissa.replace(/^-?\d\.?/, '').length);
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
