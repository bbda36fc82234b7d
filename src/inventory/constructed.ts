import { StateError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { byPrecedence, type Graph, type HostEntry, type Variables } from './graph.js';
import { faultAt, type Place, showPlace } from './place.js';
import { textOf } from './python-text.js';
import { Resolver, type ResolverOptions } from './resolver.js';
import {
  Float,
  type Key,
  keyText,
  kindOf,
  type MapEntry,
  type MapNode,
  Moment,
  type Node,
  type Value,
} from './value.js';
import { iterate, memberOf, plainText } from './value-algebra.js';

export type ConstructedOptions = Omit<ResolverOptions, 'magic' | 'lookups'> & {
  /** Variables from group_vars and host_vars of the sources before this one, when `use_vars_plugins` asks for them. */
  readonly fileVars: (host: HostEntry) => Promise<{ readonly groups: Variables; readonly host: Variables }>;
};

const KNOWN = [
  'plugin',
  'strict',
  'compose',
  'groups',
  'keyed_groups',
  'use_vars_plugins',
  'use_extra_vars',
  'leading_separator',
];

/**
 * Adds groups and variables that follow from the variables of hosts, by a file with `plugin: constructed`: `compose`
 * sets variables, `groups` has a condition for each group, `keyed_groups` makes groups from values such as `labels`.
 * Hosts see what the sources before this one say. An expression that this room does not support is an error even
 * where `strict` is off, because Ansible would have made a group of it.
 */
export async function addConstructed(
  graph: Graph,
  config: MapNode,
  options: ConstructedOptions,
): Promise<void> {
  for (const { key, keyAt } of config.entries.values()) {
    if (KNOWN.includes(keyText(key))) continue;
    graph.warn(`${showPlace(keyAt)}: The plugin "constructed" has no option "${keyText(key)}"`);
  }
  const strict = flag(config, 'strict', false);
  for (const host of [...graph.hosts.values()]) {
    const before = await resolverFor(host, config, options);
    compose(graph, host, config, before, strict);
    const after = await resolverFor(host, config, options);
    conditionalGroups(graph, host, config, after, strict);
    keyedGroups(graph, host, config, after, strict);
  }
}

async function resolverFor(host: HostEntry, config: MapNode, options: ConstructedOptions): Promise<Resolver> {
  const variables: Variables = new Map();
  for (const group of byPrecedence(host.groups)) merge(variables, group.vars);
  const files = flag(config, 'use_vars_plugins', false) ? await options.fileVars(host) : undefined;
  if (files !== undefined) merge(variables, files.groups);
  merge(variables, host.vars);
  if (files !== undefined) merge(variables, files.host);
  return new Resolver(variables, { ...options, magic: magicOf(host), lookups: false });
}

function merge(into: Variables, more: Variables): void {
  for (const [name, variable] of more) into.set(name, variable);
}

/** The variables that a host has without any file saying so. */
export function magicOf(host: HostEntry): Map<string, () => Value> {
  return new Map<string, () => Value>([
    ['inventory_hostname', () => host.name],
    ['inventory_hostname_short', () => shortName(host.name)],
    ['group_names', () => groupNames(host)],
    ['inventory_file', () => host.file ?? null],
    ['inventory_dir', () => host.dir ?? null],
  ]);
}

/** An address has no short form. */
function shortName(name: string): string {
  const address = /^(?:\d{1,3}\.){3}\d{1,3}$/.test(name) || name.includes(':');
  return address ? name : (name.split('.')[0] ?? name);
}

/** The names of a host's groups, sorted, without `all`. */
export function groupNames(host: HostEntry): string[] {
  return [...host.groups]
    .map((group) => group.name)
    .filter((name) => name !== 'all')
    .sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function compose(graph: Graph, host: HostEntry, config: MapNode, resolver: Resolver, strict: boolean): void {
  for (const { key, keyAt, node } of mapping(config, 'compose')) {
    const value = attempt(strict, () => resolver.expression(sourceOf(node), node.at));
    if (value === undefined) continue;
    graph.setVariable(host.name, keyText(key), { node: asNode(value, node.at), at: keyAt });
  }
}

function conditionalGroups(
  graph: Graph,
  host: HostEntry,
  config: MapNode,
  resolver: Resolver,
  strict: boolean,
): void {
  for (const { key, node } of mapping(config, 'groups')) {
    if (attempt(strict, () => resolver.condition(sourceOf(node), node.at)) !== true) continue;
    graph.putHost(graph.addGroup(safeGroupName(keyText(key))), host);
  }
}

function keyedGroups(
  graph: Graph,
  host: HostEntry,
  config: MapNode,
  resolver: Resolver,
  strict: boolean,
): void {
  const list = option(config, 'keyed_groups');
  const entries = list?.kind === 'list' ? list.items : [];
  if (list !== undefined && list.kind !== 'list' && !isEmpty(list)) {
    throw faultAt(list.at, {
      code: 'constructed',
      what: `keyed_groups is ${kindOf(list)}`,
      expected: 'a list of mappings',
    });
  }
  for (const entry of entries) {
    if (entry.kind !== 'map') {
      throw faultAt(entry.at, {
        code: 'constructed',
        what: 'An entry of keyed_groups is no mapping',
        expected: '"- key: labels"',
      });
    }
    keyedGroup(graph, host, entry, { resolver, strict, leading: flag(config, 'leading_separator', true) });
  }
}

interface KeyedOptions {
  readonly resolver: Resolver;
  readonly strict: boolean;
  readonly leading: boolean;
}

function keyedGroup(graph: Graph, host: HostEntry, entry: MapNode, options: KeyedOptions): void {
  const { resolver, strict, leading } = options;
  const keyNode = option(entry, 'key');
  if (keyNode === undefined) {
    throw faultAt(entry.at, {
      code: 'constructed',
      what: 'This entry of keyed_groups has no key',
      expected: '"key: labels"',
    });
  }
  const fallback = optionText(entry, 'default_value');
  const trailing = option(entry, 'trailing_separator');
  if (fallback !== undefined && trailing !== undefined) {
    throw faultAt(entry.at, {
      code: 'constructed',
      what: 'default_value and trailing_separator exclude each other',
    });
  }
  const value = attempt(strict, () => resolver.expression(sourceOf(keyNode), keyNode.at));
  if (value === undefined) return;
  const separator = optionText(entry, 'separator') ?? '_';
  const names = bareNames(value, {
    separator,
    fallback,
    trailing: flag(entry, 'trailing_separator', true),
  });
  if (names === undefined) {
    throw faultAt(keyNode.at, {
      code: 'constructed',
      what: `"${sourceOf(keyNode)}" is ${kindOf(value)} for the host "${host.name}", which cannot name groups`,
      expected: 'text, a list or a mapping',
    });
  }
  if (names.length === 0) {
    const plain = value === '' || value === null || value === false;
    if (!strict || !plain) return;
    throw faultAt(keyNode.at, {
      code: 'constructed',
      what: `"${sourceOf(keyNode)}" is empty for the host "${host.name}"`,
    });
  }
  const prefix = optionText(entry, 'prefix') ?? '';
  const between = prefix === '' && !leading ? '' : separator;
  const parent = parentOf(entry, resolver, strict);
  if (parent === null) return;
  for (const name of names) {
    const group = graph.addGroup(safeGroupName(prefix + between + name));
    graph.putHost(group, host);
    if (parent !== undefined) graph.addChildGroup(graph.addGroup(parent), group, entry.at);
  }
}

/** The group above; undefined when none is asked for, null when its name cannot be worked out. */
function parentOf(entry: MapNode, resolver: Resolver, strict: boolean): string | undefined | null {
  const node = option(entry, 'parent_group');
  if (node === undefined || isEmpty(node)) return undefined;
  const value = attempt(strict, () => textOf(resolver.node(node)));
  return value === undefined ? null : safeGroupName(value);
}

function bareNames(
  value: Value,
  options: { readonly separator: string; readonly fallback: string | undefined; readonly trailing: boolean },
): string[] | undefined {
  const { separator, fallback, trailing } = options;
  const text = plainText(value);
  if (text !== undefined) return text === '' ? (fallback === undefined ? [] : [fallback]) : [text];
  if (value === null || value === false || value === 0) return [];
  if (Array.isArray(value)) {
    return value.map((item) => (item === '' && fallback !== undefined ? fallback : textOf(item)));
  }
  if (!(value instanceof Map)) return undefined;
  return (iterate(value) ?? []).map((key) => {
    const member = memberOf(value, key) ?? null;
    const name = textOf(key);
    if (member !== '') return name + separator + textOf(member);
    if (fallback !== undefined) return name + separator + fallback;
    return trailing ? name + separator : name;
  });
}

/** What Ansible passes over unless `strict`: an expression that has no value for a host. */
function attempt<Result>(strict: boolean, work: () => Result): Result | undefined {
  try {
    return work();
  } catch (thrown) {
    const passes =
      thrown instanceof StateError &&
      ['inventory.undefined-variable', 'inventory.template-value'].includes(thrown.code);
    if (strict || !passes) throw thrown;
    return undefined;
  }
}

/** Group names may hold letters, digits and underscores, and do not begin with a digit. */
export function safeGroupName(name: string): string {
  return name.replace(/^\p{Nd}|[^\p{L}\p{N}_]/gu, '_');
}

function option(map: MapNode, name: string): Node | undefined {
  return map.entries.get(name)?.node;
}

function optionText(map: MapNode, name: string): string | undefined {
  const node = option(map, name);
  if (node === undefined || isEmpty(node)) return undefined;
  return sourceOf(node);
}

function flag(map: MapNode, name: string, fallback: boolean): boolean {
  const node = option(map, name);
  if (node === undefined || isEmpty(node)) return fallback;
  const text = sourceOf(node).toLowerCase();
  if (['true', 'yes', 'on', '1', 'y', 't'].includes(text)) return true;
  if (['false', 'no', 'off', '0', 'n', 'f'].includes(text)) return false;
  throw faultAt(node.at, { code: 'constructed', what: `"${name}" is neither true nor false` });
}

function mapping(config: MapNode, name: string): Iterable<{ key: string; keyAt: Node['at']; node: Node }> {
  const node = option(config, name);
  if (node === undefined || isEmpty(node)) return [];
  if (node.kind !== 'map') {
    throw faultAt(node.at, {
      code: 'constructed',
      what: `"${name}" is ${kindOf(node)}`,
      expected: '"name: expression" lines',
    });
  }
  return [...node.entries.values()].map((entry) => ({ ...entry, key: keyText(entry.key) }));
}

function isEmpty(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** The text of an expression; a number or a boolean in YAML is one too. */
function sourceOf(node: Node): string {
  if (node.kind === 'scalar') return node.value === null ? '' : textOf(node.value);
  throw faultAt(node.at, {
    code: 'constructed',
    what: `${kindOf(node)} stands where an expression belongs`.replace(/^a/, 'A'),
  });
}

/** A worked-out value as if a file had said it. */
function asNode(value: Value, at: Place): Node {
  if (value instanceof Secret) return { kind: 'secret', secret: value, at };
  if (Array.isArray(value)) return { kind: 'list', items: value.map((item) => asNode(item, at)), at };
  if (value instanceof Map) {
    const entries = [...value].map(([key, member]): [Key, MapEntry] => [
      key,
      { key, keyAt: at, node: asNode(member, at) },
    ]);
    return { kind: 'map', entries: new Map(entries), at };
  }
  if (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Float) &&
    !(value instanceof Moment)
  ) {
    return { kind: 'scalar', value: textOf(value), unsafe: false, at };
  }
  return { kind: 'scalar', value, unsafe: false, at };
}
