import type { Graph, GroupEntry } from './graph.js';
import { expandHosts } from './host-ranges.js';
import { faultAt, showPlace } from './place.js';
import { keyText, kindOf, type MapEntry, type MapNode, type Node } from './value.js';

/**
 * Adds the groups and hosts of a YAML inventory: groups at the top, each with `hosts`, `vars` and `children`.
 * @throws StateError `inventory.yaml-structure`
 */
export function addYamlInventory(graph: Graph, root: Node): void {
  if (root.kind !== 'map') {
    throw faultAt(root.at, {
      code: 'yaml-structure',
      what: `A YAML inventory is a mapping of groups, and this is ${kindOf(root)}`,
      expected: 'a group, such as "all:"',
    });
  }
  for (const entry of root.entries.values()) addGroup(graph, entry);
}

function addGroup(graph: Graph, { key, keyAt, node }: MapEntry): GroupEntry | undefined {
  if (typeof key !== 'string' || key === '') {
    throw faultAt(keyAt, {
      code: 'yaml-structure',
      what: `${JSON.stringify(keyText(key))} cannot be the name of a group`,
      expected: 'text; a name that looks like a number needs quotes',
    });
  }
  if (node.kind !== 'map' && !isNothing(node)) {
    graph.warn(`${showPlace(keyAt)}: "${key}" is no group: it holds ${kindOf(node)}. It was passed over`);
    return undefined;
  }
  const group = graph.addGroup(key);
  if (node.kind !== 'map') return group;
  for (const entry of node.entries.values()) addSection(graph, group, entry);
  return group;
}

function addSection(graph: Graph, group: GroupEntry, entry: MapEntry): void {
  const section = keyText(entry.key);
  if (section !== 'vars' && section !== 'children' && section !== 'hosts') {
    graph.warn(
      `${showPlace(entry.keyAt)}: "${section}" in the group "${group.name}" was passed over: only hosts, vars and children belong there`,
    );
    return;
  }
  for (const member of membersOf(entry, section, group)) {
    if (section === 'children') addChild(graph, group, member);
    else if (section === 'hosts') addHosts(graph, group, member);
    else graph.setVariable(group.name, keyText(member.key), { node: member.node, at: member.keyAt });
  }
}

/** The entries of a section; a single name may stand without a mapping. */
function membersOf({ node, keyAt }: MapEntry, section: string, group: GroupEntry): Iterable<MapEntry> {
  if (node.kind === 'map') return node.entries.values();
  if (isNothing(node)) return [];
  if (node.kind === 'scalar' && typeof node.value === 'string') {
    const nothing: Node = { kind: 'scalar', value: null, unsafe: false, at: node.at };
    return [{ key: node.value, keyAt: node.at, node: nothing }];
  }
  const example = { hosts: 'web1.example.com:', children: 'web:', vars: 'ansible_user: root' }[section];
  throw faultAt(node.kind === 'list' ? node.at : keyAt, {
    code: 'yaml-structure',
    what: `"${section}" of the group "${group.name}" is ${kindOf(node)}`,
    expected: `a mapping, such as "${example}", without a dash before it`,
  });
}

function addChild(graph: Graph, group: GroupEntry, member: MapEntry): void {
  const child = addGroup(graph, member);
  if (child !== undefined) graph.addChildGroup(group, child, member.keyAt);
}

function addHosts(graph: Graph, group: GroupEntry, { key, keyAt, node }: MapEntry): void {
  if (typeof key !== 'string' || key === '') {
    throw faultAt(keyAt, {
      code: 'yaml-structure',
      what: `${JSON.stringify(keyText(key))} cannot be the name of a host`,
      expected: 'text; a name that looks like a number needs quotes',
    });
  }
  if (node.kind !== 'map' && !isFalsy(node)) {
    throw faultAt(node.at, {
      code: 'yaml-structure',
      what: `The host "${key}" holds ${kindOf(node)}`,
      expected: 'a mapping of variables, such as "ansible_host: 192.0.2.7", or nothing',
    });
  }
  const { names, port } = expandHosts(key, keyAt);
  for (const name of names) {
    graph.addHost(name, group, port, keyAt);
    if (node.kind === 'map') setVariables(graph, name, node);
  }
}

function setVariables(graph: Graph, host: string, vars: MapNode): void {
  for (const { key, keyAt, node } of vars.entries.values()) {
    graph.setVariable(host, keyText(key), { node, at: keyAt });
  }
}

function isNothing(node: Node): boolean {
  return node.kind === 'scalar' && node.value === null;
}

/** Python's falsehood: Ansible takes such a body for an empty one. */
function isFalsy(node: Node): boolean {
  if (node.kind === 'list') return node.items.length === 0;
  return node.kind === 'scalar' && [null, false, 0, ''].some((value) => value === node.value);
}
