import { printable } from '../core/terminal-text.js';
import { Graph, type HostEntry, type Variables } from './graph.js';
import { type Host, LoadedHost } from './host.js';
import { fileVarsOf, Layers } from './layers.js';
import { magicOf } from './magic-variables.js';
import type { Environment } from './paths.js';
import { HostPatterns } from './patterns.js';
import { fault } from './place.js';
import { Resolver } from './resolver.js';
import { SourceReader, varsFolder } from './sources.js';
import type { LazyMap, Value } from './value.js';
import { VarsFiles } from './vars-files.js';
import { Vault, type VaultPassword } from './vault.js';

export interface InventoryOptions {
  /** Relative sources, `lookup('file', ...)` and limit files start here. */
  readonly cwd: string;
  readonly env: Environment;
  /** Tried in the order given, the one with the id of the value first. */
  readonly vaultPasswords?: readonly VaultPassword[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface Inventory {
  /** In the order of the files. */
  readonly hosts: readonly Host[];
  /** Every group with its hosts (those of its children too), in the order of the files. */
  readonly groups: ReadonlyMap<string, readonly Host[]>;
  /** Worth saying, stops nothing: one sentence each, with the place. */
  readonly warnings: readonly string[];
  /** The hosts of an Ansible pattern. @throws StateError of kind `usage` when it, or a part of it, matches nothing */
  select(pattern: string, options?: { readonly limit?: string | undefined }): Host[];
  host(name: string): Host | undefined;
  /** For listings: the structure, and below, variables as files set them. */
  readonly graph: Graph;
  readonly layers: Layers;
}

/**
 * Loads sources in order: files, folders of files, executables that print JSON, and `host1,host2,`. Later ones win
 * over earlier ones; the rules of precedence are Ansible's.
 * @throws StateError of kind `usage`, code `inventory.*`, with file, line and column where there is one
 */
export async function loadInventory(
  sources: readonly string[],
  options: InventoryOptions,
): Promise<Inventory> {
  const { cwd, env, signal } = options;
  const warnings: string[] = [];
  const warn = (message: string): void => {
    const shown = printable(message);
    if (!warnings.includes(shown)) warnings.push(shown);
  };
  const vault = new Vault(options.vaultPasswords ?? []);
  const graph = new Graph(warn);
  const files = new VarsFiles({ cwd, vault, warn, signal });
  const fileVars = (folders: readonly string[]) => (host: HostEntry) => fileVarsOf(files, host, folders);
  const reader = new SourceReader(graph, { cwd, env, vault, signal, fileVars });
  const folders: string[] = [];
  for (const source of sources) {
    signal?.throwIfAborted();
    await reader.add(source);
    const folder = await varsFolder(source, cwd, env);
    if (folder !== undefined) folders.push(folder);
  }
  graph.reconcile();
  const layers = await Layers.read(graph, files, folders, signal);
  await warnOfStrangers(graph, files, folders, warn);
  return new LoadedInventory(graph, layers, { cwd, env, vault, warnings });
}

/** A file of variables that belongs to nobody is most often a misspelt name. */
async function warnOfStrangers(
  graph: Graph,
  files: VarsFiles,
  folders: readonly string[],
  warn: (message: string) => void,
): Promise<void> {
  for (const folder of folders) {
    for (const name of await files.names('host_vars', folder)) {
      if (!graph.hosts.has(name)) warn(`host_vars/${name} in ${folder} belongs to no host of the inventory`);
    }
    for (const name of await files.names('group_vars', folder)) {
      if (!graph.groups.has(name))
        warn(`group_vars/${name} in ${folder} belongs to no group of the inventory`);
    }
  }
}

interface LoadedOptions {
  readonly cwd: string;
  readonly env: Environment;
  readonly vault: Vault;
  readonly warnings: readonly string[];
}

class LoadedInventory implements Inventory {
  readonly hosts: readonly LoadedHost[];
  readonly groups: ReadonlyMap<string, readonly LoadedHost[]>;
  readonly warnings: readonly string[];
  readonly #byEntry: ReadonlyMap<HostEntry, LoadedHost>;
  readonly #patterns: HostPatterns;

  constructor(
    readonly graph: Graph,
    readonly layers: Layers,
    private readonly options: LoadedOptions,
  ) {
    this.warnings = options.warnings;
    this.#byEntry = new Map([...graph.hosts.values()].map((entry) => [entry, this.makeHost(entry)]));
    this.hosts = [...this.#byEntry.values()];
    this.groups = new Map(
      [...graph.groups.values()].map((group) => [group.name, this.wrap(group.members())]),
    );
    this.#patterns = new HostPatterns(graph, options.cwd);
  }

  select(pattern: string, { limit }: { readonly limit?: string | undefined } = {}): Host[] {
    return this.wrap(this.#patterns.select(pattern, limit));
  }

  host(name: string): Host | undefined {
    const entry = this.graph.hosts.get(name);
    return entry === undefined ? undefined : this.#byEntry.get(entry);
  }

  private wrap(entries: Iterable<HostEntry>): LoadedHost[] {
    return [...entries].flatMap((entry) => this.#byEntry.get(entry) ?? []);
  }

  private makeHost(entry: HostEntry): LoadedHost {
    return new LoadedHost(
      entry,
      () => this.layers.ofHost(entry),
      (variables) => this.resolver(entry, variables),
    );
  }

  private resolver(entry: HostEntry, variables: Variables): Resolver {
    const magic = magicOf(entry);
    magic.set('groups', () => this.groupsValue());
    magic.set('hostvars', () => this.hostvars());
    magic.set('playbook_dir', () => {
      throw fault({
        code: 'playbook-dir',
        what: 'playbook_dir has no meaning here: there is no playbook',
        next: 'Use {{ inventory_dir }}, the folder of the inventory',
      });
    });
    return new Resolver(variables, { ...this.options, magic });
  }

  private groupsValue(): Value {
    return new Map([...this.groups].map(([name, hosts]) => [name, hosts.map((host) => host.name)]));
  }

  private hostvars(): LazyMap {
    return {
      lazy: true,
      keys: () => this.hosts.map((host) => host.name),
      get: (name) => {
        const entry = this.graph.hosts.get(name);
        return entry === undefined ? undefined : this.#byEntry.get(entry)?.asValue();
      },
    };
  }
}
