import { Secret } from '../core/secret.js';
import { byPrecedence, type Graph, type HostEntry, type Variables } from './graph.js';
import { keyedGroups } from './keyed-groups.js';
import { magicOf } from './magic-variables.js';
import { type Place, showPlace } from './place.js';
import { attempt, flag, mapping, safeGroupName, sourceOf } from './plugin-options.js';
import { textOf } from './python-text.js';
import { Resolver, type ResolverOptions } from './resolver.js';
import {
  Float,
  type Key,
  keyText,
  type MapEntry,
  type MapNode,
  Moment,
  type Node,
  type Value,
} from './value.js';

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
