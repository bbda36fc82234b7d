import { execFile } from 'node:child_process';
import { messageOf, StateError } from '../core/errors.js';
import { lastLines, printable } from '../core/terminal-text.js';
import type { Graph, GroupEntry, HostEntry } from './graph.js';
import { type Environment, shownPath } from './paths.js';
import { faultAt, SourceText } from './place.js';
import { keyText, kindOf, type MapEntry, type MapNode, type Node } from './value.js';
import { readYaml } from './yaml-reader.js';

export interface ScriptOptions {
  readonly cwd: string;
  readonly env: Environment;
  readonly signal?: AbortSignal | undefined;
}

/** A script that has not answered by then hangs. */
const TIMEOUT_MS = 120_000;
const LARGEST = 64 * 1024 * 1024;

/**
 * Adds the groups and hosts that an executable prints as JSON for `--list`; without `_meta` it is asked for each host
 * with `--host`. It runs with our environment and working directory.
 * @throws StateError `inventory.script-failed`, `inventory.script-output`
 */
export async function addScriptInventory(graph: Graph, path: string, options: ScriptOptions): Promise<void> {
  const root = await ask(graph, path, ['--list'], options);
  if (root?.kind !== 'map') throw notUnderstood(path, options, 'It printed no JSON object');
  const hosts = new Set<HostEntry>();
  let meta: MapNode | undefined;
  for (const entry of root.entries.values()) {
    if (entry.key === '_meta') meta = hostvarsOf(entry.node) ?? meta;
    else addGroup(graph, entry, hosts);
  }
  for (const host of hosts) {
    const answer =
      meta === undefined
        ? await ask(graph, path, ['--host', host.name], options)
        : meta.entries.get(host.name)?.node;
    if (answer?.kind !== 'map') continue;
    for (const { key, keyAt, node } of answer.entries.values()) {
      graph.setVariable(host.name, keyText(key), { node, at: keyAt });
    }
  }
}

function hostvarsOf(node: Node): MapNode | undefined {
  const hostvars = node.kind === 'map' ? node.entries.get('hostvars')?.node : undefined;
  return hostvars?.kind === 'map' ? hostvars : undefined;
}

function addGroup(graph: Graph, { key, keyAt, node }: MapEntry, hosts: Set<HostEntry>): void {
  const group = graph.addGroup(keyText(key));
  const wrong = (what: string): Error =>
    faultAt(keyAt, { code: 'script-output', what: `The group "${group.name}" ${what}` });
  if (node.kind === 'list') {
    addHosts(graph, group, node, hosts, wrong);
    return;
  }
  if (node.kind !== 'map') throw wrong(`is ${kindOf(node)}`);
  const [listed, vars, children] = ['hosts', 'vars', 'children'].map((name) => node.entries.get(name)?.node);
  if (listed === undefined && vars === undefined && children === undefined) {
    // The short form: a host of the group's name with its variables.
    hosts.add(graph.addHost(group.name, group));
    setVariables(graph, group.name, node);
    return;
  }
  if (listed !== undefined) addHosts(graph, group, listed, hosts, wrong);
  if (vars !== undefined) {
    if (vars.kind !== 'map') throw wrong(`has ${kindOf(vars)} as vars`);
    setVariables(graph, group.name, vars);
  }
  if (children === undefined) return;
  if (children.kind !== 'list') throw wrong(`has ${kindOf(children)} as children`);
  for (const child of children.items) {
    if (child.kind === 'scalar') graph.addChildGroup(group, graph.addGroup(String(child.value)), child.at);
  }
}

function addHosts(
  graph: Graph,
  group: GroupEntry,
  list: Node,
  hosts: Set<HostEntry>,
  wrong: (what: string) => Error,
): void {
  if (list.kind !== 'list') throw wrong(`has ${kindOf(list)} as hosts`);
  for (const item of list.items) {
    if (item.kind !== 'scalar' || typeof item.value !== 'string')
      throw wrong(`has ${kindOf(item)} among its hosts`);
    hosts.add(graph.addHost(item.value, group));
  }
}

function setVariables(graph: Graph, entity: string, vars: MapNode): void {
  for (const { key, keyAt, node } of vars.entries.values()) {
    graph.setVariable(entity, keyText(key), { node, at: keyAt });
  }
}

async function ask(
  graph: Graph,
  path: string,
  args: readonly string[],
  options: ScriptOptions,
): Promise<Node | undefined> {
  const output = await run(path, args, options);
  if (output.trim() === '') return undefined;
  try {
    JSON.parse(output);
  } catch (thrown) {
    throw notUnderstood(path, options, messageOf(thrown));
  }
  // JSON is YAML; read so, its values have places.
  const source = new SourceText(`${shownPath(path, options.cwd)} ${args.join(' ')}`, output);
  return special(readYaml(source, output, graph.warn));
}

/** `{"__ansible_vault": ...}` and `{"__ansible_unsafe": ...}` are how JSON writes tags. */
function special(node: Node | undefined): Node | undefined {
  if (node === undefined || node.kind === 'scalar' || node.kind === 'vault' || node.kind === 'secret')
    return node;
  if (node.kind === 'list') return { ...node, items: node.items.map((item) => special(item) ?? item) };
  const vault = node.entries.get('__ansible_vault')?.node;
  if (vault?.kind === 'scalar' && typeof vault.value === 'string') {
    return { kind: 'vault', envelope: vault.value, at: vault.at };
  }
  const unsafe = node.entries.get('__ansible_unsafe')?.node;
  if (unsafe?.kind === 'scalar') return { ...unsafe, unsafe: true };
  const entries = [...node.entries].map(
    ([key, entry]) => [key, { ...entry, node: special(entry.node) ?? entry.node }] as const,
  );
  return { ...node, entries: new Map(entries) };
}

function run(path: string, args: readonly string[], { cwd, env, signal }: ScriptOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    const limits = { maxBuffer: LARGEST, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' as const };
    execFile(path, args, { cwd, env, signal, encoding: 'utf8', ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else if (signal?.aborted === true) reject(error);
      else reject(failure(path, args, cwd, error, stderr));
    });
  });
}

function failure(
  path: string,
  args: readonly string[],
  cwd: string,
  error: Error,
  stderr: string,
): StateError {
  const shown = shownPath(path, cwd);
  const code = 'code' in error ? error.code : undefined;
  const killed = 'killed' in error && error.killed === true;
  const why = killed
    ? `it did not end within ${TIMEOUT_MS / 1000} s`
    : typeof code === 'number'
      ? `it exited with ${code}`
      : code === 'ENOENT'
        ? 'it, or the interpreter in its first line, does not exist'
        : code === 'EACCES'
          ? 'it is not executable'
          : messageOf(error);
  return new StateError({
    kind: 'usage',
    code: 'inventory.script-failed',
    what: `The inventory script ${shown} ${args.join(' ')} failed`,
    why,
    next: `Run it by hand (${shown} ${args.join(' ')}); ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED=false goes on without it`,
    ...(stderr.trim() !== '' && { detail: printable(lastLines(stderr), { multiline: true }) }),
    cause: error,
  });
}

function notUnderstood(path: string, { cwd }: ScriptOptions, why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'inventory.script-output',
    what: `What the inventory script ${shownPath(path, cwd)} printed cannot be read as JSON`,
    why,
  });
}
