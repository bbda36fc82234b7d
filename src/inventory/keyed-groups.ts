import type { Graph, HostEntry } from './graph.js';
import { faultAt } from './place.js';
import { attempt, flag, isEmpty, option, optionText, safeGroupName, sourceOf } from './plugin-options.js';
import { textOf } from './python-text.js';
import type { Resolver } from './resolver.js';
import { kindOf, type MapNode, type Value } from './value.js';
import { iterate, memberOf, plainText } from './value-algebra.js';

/** Puts a host into the groups that `keyed_groups` makes of its variables: of text, of each member of a list, of each pair of a mapping. */
export function keyedGroups(
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
