import type { Graph, GroupEntry, HostEntry, Variables } from './graph.js';
import { byPrecedence } from './graph.js';
import type { FileVars, VarsFiles } from './vars-files.js';

/**
 * Everything that sets variables, in Ansible's order of precedence: inline variables of `all` and of groups (by depth,
 * priority and name), then files for `all`, then files for groups, the later source winning over the earlier one
 * whatever the groups; then the host's inline variables, then its files.
 */
export class Layers {
  private constructor(
    private readonly graph: Graph,
    private readonly groups: ReadonlyMap<GroupEntry, readonly FileVars[]>,
    private readonly hosts: ReadonlyMap<HostEntry, readonly FileVars[]>,
  ) {}

  /** @param folders those of the sources, in their order */
  static async read(
    graph: Graph,
    files: VarsFiles,
    folders: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<Layers> {
    const groups = new Map<GroupEntry, FileVars[]>();
    const hosts = new Map<HostEntry, FileVars[]>();
    for (const group of graph.groups.values()) groups.set(group, []);
    for (const host of graph.hosts.values()) hosts.set(host, []);
    for (const folder of folders) {
      signal?.throwIfAborted();
      for (const [group, parts] of groups) parts.push(await files.of('group_vars', group.name, folder));
      for (const [host, parts] of hosts) parts.push(await files.of('host_vars', host.name, folder));
    }
    return new Layers(graph, groups, hosts);
  }

  /** All variables of a host. @throws StateError when a vault file among them could not be opened */
  ofHost(host: HostEntry): Variables {
    const all = this.graph.addGroup('all');
    const groups = byPrecedence(host.groups).filter((group) => group !== all);
    const variables: Variables = new Map();
    for (const group of [all, ...groups]) take(variables, group.vars);
    const allFiles = this.groups.get(all) ?? [];
    for (const part of allFiles) takeFile(variables, part);
    for (const source of allFiles.keys()) {
      for (const group of groups) takeFile(variables, this.groups.get(group)?.[source]);
    }
    for (const [name, variable] of this.ownOfHost(host)) variables.set(name, variable);
    return variables;
  }

  /** What belongs to the host alone. */
  ownOfHost(host: HostEntry): Variables {
    const variables: Variables = new Map(host.vars);
    for (const part of this.hosts.get(host) ?? []) takeFile(variables, part);
    return variables;
  }

  /** What belongs to the group alone. */
  ownOfGroup(group: GroupEntry): Variables {
    const variables: Variables = new Map(group.vars);
    for (const part of this.groups.get(group) ?? []) takeFile(variables, part);
    return variables;
  }
}

/** The variables in files for a host and its groups while sources are still being read, for `constructed`. */
export async function fileVarsOf(
  files: VarsFiles,
  host: HostEntry,
  folders: readonly string[],
): Promise<{ readonly groups: Variables; readonly host: Variables }> {
  const groups: Variables = new Map();
  const own: Variables = new Map();
  for (const folder of folders) {
    for (const group of host.groups) takeFile(groups, await files.of('group_vars', group.name, folder));
    takeFile(own, await files.of('host_vars', host.name, folder));
  }
  return { groups, host: own };
}

function take(into: Variables, more: Variables): void {
  for (const [name, variable] of more) into.set(name, variable);
}

function takeFile(into: Variables, part: FileVars | undefined): void {
  if (part?.fault !== undefined) throw part.fault;
  if (part !== undefined) take(into, part.variables);
}
