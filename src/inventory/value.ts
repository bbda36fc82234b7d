import type { Secret } from '../core/secret.js';
import type { Place } from './place.js';

/**
 * The two shapes of data in this room. A `Node` is what a file says: unevaluated, with its place. A `Value` is what
 * became of it. Both keep the differences that Ansible's Python makes and JSON does not: 4.0 is not 4, a date is
 * not a string, and the order of keys stands.
 */

/** A floating-point number, kept apart from integers because `4.0` prints as `4.0`. */
export class Float {
  constructor(readonly value: number) {}
}

/** A YAML date or time. */
export class Moment {
  /**
   * @param iso as Ansible's JSON shows it
   * @param text as a template shows it
   */
  constructor(
    readonly iso: string,
    readonly text: string,
  ) {}
}

export type Scalar = null | boolean | number | bigint | string | Float | Moment;

export type Key = string | number | bigint | boolean | null;

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly value: Scalar;
  /** `!unsafe`, or the result of a lookup: never looked at for templates. */
  readonly unsafe: boolean;
  readonly at: Place;
}

interface VaultNode {
  readonly kind: 'vault';
  /** The whole envelope, header and all. */
  readonly envelope: string;
  readonly at: Place;
}

/** A value that was worked out while reading and holds a secret. */
interface SecretNode {
  readonly kind: 'secret';
  readonly secret: Secret;
  readonly at: Place;
}

interface ListNode {
  readonly kind: 'list';
  readonly items: readonly Node[];
  readonly at: Place;
}

export interface MapEntry {
  readonly key: Key;
  readonly keyAt: Place;
  readonly node: Node;
}

export interface MapNode {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<Key, MapEntry>;
  readonly at: Place;
}

export type Node = ScalarNode | VaultNode | SecretNode | ListNode | MapNode;

/** A name that stands for nothing. Becomes an error when it is used, unless `default` or `is defined` look first. */
export class Undefined {
  /**
   * @param fault makes the error for its use
   * @param lenient prints as nothing instead, and is false: what an `if` without `else` comes to
   */
  constructor(
    readonly fault: () => Error,
    readonly lenient = false,
  ) {}
}

/** A list that Python would call a tuple: it prints with round brackets, and so stays text in a template. */
export class Tuple extends Array<Value> {}

/** A mapping whose members are worked out when they are asked for: `hostvars`, and a host in it. */
export interface LazyMap {
  readonly lazy: true;
  get(key: string): Value | undefined;
  keys(): readonly string[];
}

export type ValueMap = Map<Key, Value>;

export type Value = Scalar | Secret | Undefined | LazyMap | Value[] | ValueMap;

export function isLazyMap(value: Value): value is LazyMap {
  return typeof value === 'object' && value !== null && 'lazy' in value;
}

/** What is called what in messages. */
export function kindOf(thing: Value | Node): string {
  if (thing === null) return 'nothing';
  if (typeof thing === 'string') return 'a string';
  if (typeof thing === 'boolean') return 'a boolean';
  if (typeof thing !== 'object' || thing instanceof Float) return 'a number';
  if (thing instanceof Moment) return 'a date';
  if (Array.isArray(thing)) return 'a list';
  if (thing instanceof Map || 'lazy' in thing) return 'a mapping';
  if (!('kind' in thing)) return thing instanceof Undefined ? 'an undefined value' : 'a secret';
  if (thing.kind === 'scalar') return kindOf(thing.value);
  if (thing.kind === 'vault' || thing.kind === 'secret') return 'a secret';
  return thing.kind === 'list' ? 'a list' : 'a mapping';
}

/** A key as a name: variables, groups and hosts are named by text. */
export function keyText(key: Key): string {
  if (key === null) return 'null';
  return String(key);
}
