import { fault, faultAt, type Place } from './place.js';
import type { Node } from './value.js';
import type { Warn } from './yaml-reader.js';

/** A variable as a file sets it. `at` is where its name stands. */
export interface Variable {
  readonly node: Node;
  readonly at: Place;
}

export type Variables = Map<string, Variable>;

/** A group with what hangs on it. `depth` is the longest way down to it, from `all` once everything is read. */
export class GroupEntry {
  depth = 0;
  priority = 1;
  vars: Variables = new Map();
  readonly hosts = new Set<HostEntry>();
  readonly children = new Set<GroupEntry>();
  readonly parents = new Set<GroupEntry>();

  constructor(readonly name: string) {}

  ancestors(): Set<GroupEntry> {
    return reach(this.parents, (group) => group.parents);
  }

  /** This group and all below it, nearest first. */
  family(): Set<GroupEntry> {
    return reach([this], (group) => group.children);
  }

  /** The hosts of this group and of all below it, in the order of the files. */
  members(): Set<HostEntry> {
    const members = new Set<HostEntry>();
    for (const group of this.family()) for (const host of group.hosts) members.add(host);
    return members;
  }
}

/** A host with what its files say. */
export class HostEntry {
  vars: Variables = new Map();
  /** Every group it is in, directly or through a child. */
  readonly groups = new Set<GroupEntry>();

  /**
   * @param file absolute path of the source that named it first; undefined for a list of hosts
   * @param dir the folder of that source
   */
  constructor(
    readonly name: string,
    readonly file: string | undefined,
    readonly dir: string | undefined,
  ) {}
}

/** The source that is being read: new hosts belong to it. */
export interface CurrentSource {
  readonly file: string | undefined;
  readonly dir: string | undefined;
}

/**
 * Groups and hosts as the sources add to them, one after the other, by Ansible's rules; those include its odd ones,
 * such as that a variable for a host with the name of a group goes to the group.
 */
export class Graph {
  readonly groups = new Map<string, GroupEntry>();
  readonly hosts = new Map<string, HostEntry>();
  current: CurrentSource = { file: undefined, dir: undefined };

  constructor(readonly warn: Warn) {
    this.addChildGroup(this.addGroup('all'), this.addGroup('ungrouped'));
  }

  addGroup(name: string): GroupEntry {
    const known = this.groups.get(name);
    if (known !== undefined) return known;
    const group = new GroupEntry(name);
    this.groups.set(name, group);
    if (/^[\p{Nd}]|[^\p{L}\p{N}_]/u.test(name)) {
      this.warn(`The group "${name}" has characters that cannot stand in a variable's name`);
    }
    return group;
  }

  /** @param port what stands behind the name, as in `host:2222`; counts only where the host is first named */
  addHost(name: string, group?: GroupEntry, port?: number, at?: Place): HostEntry {
    let host = this.hosts.get(name);
    if (host === undefined) {
      host = new HostEntry(name, this.current.file, this.current.dir);
      this.hosts.set(name, host);
      if (port !== undefined && at !== undefined) {
        host.vars.set('ansible_port', { node: { kind: 'scalar', value: port, unsafe: false, at }, at });
      }
    }
    if (group !== undefined) this.putHost(group, host);
    return host;
  }

  putHost(group: GroupEntry, host: HostEntry): void {
    if (group.hosts.has(host)) return;
    group.hosts.add(host);
    for (const one of [...group.ancestors(), group]) host.groups.add(one);
  }

  /** @throws StateError `inventory.group-loop` */
  addChildGroup(parent: GroupEntry, child: GroupEntry, at?: Place): void {
    if (parent.children.has(child)) return;
    const above = parent.ancestors();
    if (parent === child || above.has(child)) {
      const facts = {
        code: 'group-loop',
        what:
          parent === child
            ? `The group "${child.name}" cannot be its own child`
            : `"${child.name}" cannot be a child of "${parent.name}", which is below "${child.name}" itself`,
      };
      throw at === undefined ? fault(facts) : faultAt(at, facts);
    }
    parent.children.add(child);
    child.parents.add(parent);
    child.depth = Math.max(child.depth, parent.depth + 1);
    deepen(child);
    for (const host of child.members()) for (const one of [...above, parent]) host.groups.add(one);
  }

  /** Sets a variable of the group of that name, or else of the host. */
  setVariable(entity: string, name: string, variable: Variable): void {
    const group = this.groups.get(entity);
    if (group === undefined) {
      this.hosts.get(entity)?.vars.set(name, variable);
    } else if (name === 'ansible_group_priority') {
      group.priority = priorityOf(variable);
    } else {
      group.vars.set(name, variable);
    }
  }

  /** Puts in order what the sources left open: every group is below `all`, every host is in a group. */
  reconcile(): void {
    const all = this.addGroup('all');
    const ungrouped = this.addGroup('ungrouped');
    for (const group of this.groups.values()) {
      if (group !== all && group.parents.size === 0) this.addChildGroup(all, group);
    }
    for (const host of this.hosts.values()) {
      const real = [...host.groups].some((group) => group !== all && group !== ungrouped);
      if (host.groups.has(ungrouped)) {
        if (!real) continue;
        ungrouped.hosts.delete(host);
        host.groups.delete(ungrouped);
      } else if (!real) {
        this.putHost(ungrouped, host);
      }
    }
    for (const name of this.groups.keys()) {
      if (this.hosts.has(name)) this.warn(`"${name}" is the name of a group and of a host`);
    }
  }
}

/** Deepest last, then by priority, then by name: later ones count more. */
export function byPrecedence(groups: Iterable<GroupEntry>): GroupEntry[] {
  return [...groups].sort(
    (a, b) => a.depth - b.depth || a.priority - b.priority || compareText(a.name, b.name),
  );
}

/** Python's order of strings: by code point, not by locale. */
export function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let index = 0; index < Math.min(left.length, right.length); index++) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

function reach(
  start: Iterable<GroupEntry>,
  next: (group: GroupEntry) => Iterable<GroupEntry>,
): Set<GroupEntry> {
  const seen = new Set(start);
  for (const group of seen) for (const one of next(group)) seen.add(one);
  return seen;
}

function deepen(group: GroupEntry): void {
  for (const child of group.children) {
    if (child.depth > group.depth) continue;
    child.depth = group.depth + 1;
    deepen(child);
  }
}

function priorityOf({ node }: Variable): number {
  const value = node.kind === 'scalar' ? node.value : undefined;
  const text = typeof value === 'number' || typeof value === 'string' ? String(value).trim() : '';
  if (/^[-+]?\d+$/.test(text)) return Number(text);
  throw faultAt(node.at, {
    code: 'group-priority',
    what: 'ansible_group_priority is not a number',
    expected: 'a whole number, such as 10',
  });
}
