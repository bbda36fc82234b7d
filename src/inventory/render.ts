import { printable } from '../core/terminal-text.js';
import { compareText, type GroupEntry } from './graph.js';
import type { Inventory } from './inventory.js';
import { floatText, textOf } from './python-text.js';
import { Float, keyText, Moment, type Node, type Value } from './value.js';
import { keyValue } from './value-algebra.js';

export interface ListingOptions {
  /** Each group with its own variables and each host with only its own, as an inventory that can be loaded again. */
  readonly export?: boolean;
  /** Values of these variables are shown as `[redacted]`. */
  readonly redact?: (variable: string) => boolean;
}

/** Data of a listing, in the order in which it is printed. */
type Json = null | boolean | number | bigint | string | Float | readonly Json[] | ReadonlyMap<string, Json>;

/**
 * The inventory as `ansible-inventory --list` prints it: groups with their hosts and children, and the variables of
 * all hosts under `_meta`. Templates stand as they are written, vault values stay closed.
 * @throws StateError when a vault file could not be opened
 */
export function inventoryList(inventory: Inventory, options: ListingOptions = {}): string {
  const listing = new Map<string, Json>();
  const { groups, hosts } = inventory.graph;
  const all = groups.get('all');
  if (all !== undefined) addGroup(listing, all, inventory, options);
  const hostvars = new Map<string, Json>();
  for (const host of hosts.values()) {
    const { layers } = inventory;
    const variables = options.export === true ? layers.ownOfHost(host) : layers.ofHost(host);
    if (variables.size > 0) hostvars.set(host.name, variablesJson(variables, options));
  }
  listing.set('_meta', new Map([['hostvars', hostvars]]));
  return stringify(listing, '');
}

/** The tree of groups and hosts as `ansible-inventory --graph` draws it, from `start` down. Undefined without it. */
export function inventoryGraph(
  inventory: Inventory,
  {
    start = 'all',
    vars = false,
    redact,
  }: { readonly start?: string; readonly vars?: boolean } & ListingOptions = {},
): string | undefined {
  const group = inventory.graph.groups.get(start);
  if (group === undefined) return undefined;
  const shown = { ...(redact !== undefined && { redact }), vars };
  return graphLines(inventory, group, 0, shown).join('\n');
}

function addGroup(
  listing: Map<string, Json>,
  group: GroupEntry,
  inventory: Inventory,
  options: ListingOptions,
  seen = new Set<GroupEntry>(),
): void {
  const entry = new Map<string, Json>();
  if (group.name !== 'all' && group.hosts.size > 0)
    entry.set(
      'hosts',
      [...group.hosts].map((host) => host.name),
    );
  if (group.children.size > 0)
    entry.set(
      'children',
      [...group.children].map((child) => child.name),
    );
  if (options.export === true) {
    const variables = new Map(variablesJson(inventory.layers.ownOfGroup(group), options));
    if (group.priority !== 1) variables.set('ansible_group_priority', group.priority);
    if (variables.size > 0) entry.set('vars', variables);
  }
  if (entry.size > 0) listing.set(group.name, entry);
  for (const child of group.children) {
    if (seen.has(child)) continue;
    seen.add(child);
    addGroup(listing, child, inventory, options, seen);
  }
}

function graphLines(
  inventory: Inventory,
  group: GroupEntry,
  depth: number,
  options: ListingOptions & { readonly vars: boolean },
): string[] {
  const line = (text: string, at: number): string => (at === 0 ? text : `${'  |'.repeat(at)}--${text}`);
  const vars = (variables: ReadonlyMap<string, { readonly node: Node }>, at: number): string[] =>
    [...variables]
      .sort(([a], [b]) => compareText(a, b))
      .map(([name, { node }]) => line(printable(`{${name} = ${textOf(rawValue(name, node, options))}}`), at));
  const lines = [line(`@${printable(group.name)}:`, depth)];
  for (const child of group.children) lines.push(...graphLines(inventory, child, depth + 1, options));
  for (const host of group.name === 'all' ? [] : group.hosts) {
    lines.push(line(printable(host.name), depth + 1));
    if (options.vars) lines.push(...vars(inventory.layers.ofHost(host), depth + 2));
  }
  if (options.vars) lines.push(...vars(inventory.layers.ownOfGroup(group), depth + 1));
  return lines;
}

const REDACTED = '[redacted]';

function rawValue(name: string, node: Node, { redact }: ListingOptions): Value {
  if (redact?.(name) === true) return REDACTED;
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'vault':
    case 'secret':
      return REDACTED;
    case 'list':
      return node.items.map((item) => rawValue(name, item, {}));
    case 'map':
      return new Map([...node.entries.values()].map((entry) => [entry.key, rawValue(name, entry.node, {})]));
  }
}

function variablesJson(
  variables: ReadonlyMap<string, { readonly node: Node }>,
  { redact }: ListingOptions,
): Map<string, Json> {
  return new Map(
    [...variables].map(([name, { node }]) => [name, redact?.(name) === true ? REDACTED : nodeJson(node)]),
  );
}

/** Closed vault values and `!unsafe` text are marked, as Ansible's JSON does. */
function nodeJson(node: Node): Json {
  switch (node.kind) {
    case 'scalar': {
      const value = node.value instanceof Moment ? node.value.iso : node.value;
      return node.unsafe && typeof value === 'string' ? new Map([['__ansible_unsafe', value]]) : value;
    }
    case 'vault':
      return new Map([['__ansible_vault', node.envelope]]);
    case 'secret':
      return REDACTED;
    case 'list':
      return node.items.map(nodeJson);
    case 'map':
      return new Map([...node.entries.values()].map((entry) => [jsonKey(entry.key), nodeJson(entry.node)]));
  }
}

function jsonKey(key: Parameters<typeof keyText>[0]): string {
  const value = keyValue(key);
  return value instanceof Float ? floatText(value.value) : keyText(key);
}

/** JSON with four spaces and sorted keys, as Python writes it: `1.0` stays `1.0`, and large integers stay exact. */
function stringify(value: Json, indent: string): string {
  if (value instanceof Float) return jsonFloat(value.value);
  if (typeof value === 'bigint') return String(value);
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const inner = `${indent}    `;
  const isMap = value instanceof Map;
  const members = isMap
    ? [...entriesOf(value)].map(([key, member]) => `${JSON.stringify(key)}: ${stringify(member, inner)}`)
    : itemsOf(value).map((member) => stringify(member, inner));
  const [open, close] = isMap ? ['{', '}'] : ['[', ']'];
  return members.length === 0
    ? `${open}${close}`
    : `${open}\n${inner}${members.join(`,\n${inner}`)}\n${indent}${close}`;
}

function entriesOf(map: ReadonlyMap<string, Json>): [string, Json][] {
  return [...map].sort(([a], [b]) => compareText(a, b));
}

function itemsOf(value: Json): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function jsonFloat(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  return floatText(value);
}
