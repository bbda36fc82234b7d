import { Secret } from '../core/secret.js';
import { compareText } from './graph.js';
import { Float, isLazyMap, type Key, Moment, Tuple, Undefined, type Value, type ValueMap } from './value.js';

/** Python's truth: empty things, zero and nothing are false. @throws the fault of an undefined value */
export function isTrue(value: Value): boolean {
  if (value instanceof Undefined) {
    if (value.lenient) return false;
    throw value.fault();
  }
  if (value instanceof Secret) return value.reveal() !== '';
  if (value instanceof Float) return value.value !== 0;
  if (Array.isArray(value)) return value.length > 0;
  if (value instanceof Map) return value.size > 0;
  if (typeof value === 'object' && value !== null) return !isLazyMap(value) || value.keys().length > 0;
  return Boolean(value);
}

/** A number's value, for arithmetic and comparison. Python counts true as one. */
export function numberOf(value: Value): number | bigint | undefined {
  if (typeof value === 'number' || typeof value === 'bigint') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  return value instanceof Float ? value.value : undefined;
}

/** Python's equality: by content, numbers by value. @throws the fault of an undefined value */
export function areEqual(a: Value, b: Value): boolean {
  for (const side of [a, b]) if (side instanceof Undefined && !side.lenient) throw side.fault();
  const left = plainText(a);
  if (left !== undefined) return left === plainText(b);
  const number = numberOf(a);
  if (number !== undefined) {
    const other = numberOf(b);
    return other !== undefined && number >= other && number <= other;
  }
  if (a instanceof Moment) return b instanceof Moment && a.iso === b.iso;
  if (Array.isArray(a)) {
    return (
      Array.isArray(b) &&
      a instanceof Tuple === b instanceof Tuple &&
      a.length === b.length &&
      a.every((one, index) => areEqual(one, b[index] ?? null))
    );
  }
  if (a instanceof Map) {
    if (!(b instanceof Map) || a.size !== b.size) return false;
    return [...a].every(([key, one]) => {
      const other = b.get(key);
      return other !== undefined && areEqual(one, other);
    });
  }
  return a === b;
}

/** Which comes first, or undefined when Python cannot order the two. */
export function order(a: Value, b: Value): number | undefined {
  const left = plainText(a);
  const right = plainText(b);
  if (left !== undefined && right !== undefined) return compareText(left, right);
  const first = numberOf(a);
  const second = numberOf(b);
  if (first !== undefined && second !== undefined) return first < second ? -1 : first > second ? 1 : 0;
  if (a instanceof Moment && b instanceof Moment) return compareText(a.iso, b.iso);
  return undefined;
}

/** `in`: part of a text, member of a list, key of a mapping. Undefined when it is none of these. */
export function contains(whole: Value, part: Value): boolean | undefined {
  const text = plainText(whole);
  if (text !== undefined) {
    const inner = plainText(part);
    return inner === undefined ? undefined : text.includes(inner);
  }
  if (Array.isArray(whole)) return whole.some((member) => areEqual(member, part));
  const key = asKey(part);
  if (whole instanceof Map) {
    if (part instanceof Tuple) return false;
    return key === undefined ? undefined : whole.has(key);
  }
  if (isLazyMap(whole)) return typeof key === 'string' && whole.keys().includes(key);
  return undefined;
}

/** A member by key or index; negative indexes count from the end. Undefined when there is none. */
export function memberOf(whole: Value, key: Value): Value | undefined {
  const name = asKey(key);
  if (whole instanceof Map) return name === undefined ? undefined : whole.get(name);
  if (isLazyMap(whole)) return typeof name === 'string' ? whole.get(name) : undefined;
  const index = typeof key === 'number' ? key : typeof key === 'boolean' ? Number(key) : undefined;
  if (index === undefined) return undefined;
  if (Array.isArray(whole)) return whole.at(index);
  const text = plainText(whole);
  return text === undefined ? undefined : [...text].at(index);
}

export function plainText(value: Value): string | undefined {
  if (value instanceof Secret) return value.reveal();
  return typeof value === 'string' ? value : undefined;
}

export function asKey(value: Value): Key | undefined {
  if (value instanceof Float) return value.value;
  if (value instanceof Secret) return value.reveal();
  return typeof value === 'object' && value !== null ? undefined : value;
}

/** The members that a loop over the value would see. Undefined when there is nothing to go over. */
export function iterate(value: Value): Value[] | undefined {
  if (Array.isArray(value)) return value;
  if (value instanceof Map) return [...value.keys()].map(keyValue);
  if (isLazyMap(value)) return [...value.keys()];
  const text = plainText(value);
  return text === undefined ? undefined : [...text];
}

/** A key as a value again: keys that were floats are numbers with a fraction. */
export function keyValue(key: Key): Value {
  return typeof key === 'number' && !Number.isInteger(key) ? new Float(key) : key;
}

/** Whether a secret is the value or somewhere in it. */
export function holdsSecret(value: Value): boolean {
  if (value instanceof Secret) return true;
  if (Array.isArray(value)) return value.some(holdsSecret);
  return value instanceof Map && [...value.values()].some(holdsSecret);
}

/** What leaves this room: plain data, with secrets still wrapped and dates as text. */
export function plainData(value: Value): unknown {
  if (value instanceof Undefined) throw value.fault();
  if (value instanceof Float) return value.value;
  if (value instanceof Moment) return value.iso;
  if (Array.isArray(value)) return value.map(plainData);
  if (value instanceof Map) return plainObject(value);
  if (isLazyMap(value)) return plainObject(new Map(value.keys().map((key) => [key, value.get(key) ?? null])));
  return value;
}

function plainObject(map: ValueMap): Record<string, unknown> {
  return Object.fromEntries([...map].map(([key, member]) => [String(key), plainData(member)]));
}
