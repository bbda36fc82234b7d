import { extname, join } from 'node:path';
import { StateError } from '../core/errors.js';
import type { Variables } from './graph.js';
import { faultAt } from './place.js';
import { folderEntries, kindOfPath, readSource } from './source-files.js';
import { keyText, kindOf } from './value.js';
import type { Vault } from './vault.js';
import { readYaml, type Warn } from './yaml-reader.js';

export interface VarsFilesOptions {
  readonly cwd: string;
  readonly vault: Vault;
  readonly warn: Warn;
  readonly signal?: AbortSignal | undefined;
}

/** What the files of one group or host say. */
export interface FileVars {
  readonly variables: Variables;
  /** Why a vault file of it could not be opened. Matters only to who needs the variables. */
  readonly fault?: StateError;
}

const EXTENSIONS = ['', '.yml', '.yaml', '.json'];

/**
 * The files beside an inventory, in `group_vars/` and `host_vars/`: for each group or host a file of its name, or a
 * folder of files. Each is read once, when the first one asks for it.
 */
export class VarsFiles {
  readonly #read = new Map<string, Promise<FileVars>>();

  readonly #listings = new Map<string, Promise<ReadonlySet<string>>>();

  constructor(private readonly options: VarsFilesOptions) {}

  /** The variables for a group or a host that stand beside the inventory in `folder`. */
  async of(kind: 'group_vars' | 'host_vars', name: string, folder: string): Promise<FileVars> {
    // A name that is a path, as chroot connections have it, names no file here.
    if (name.startsWith('/')) return { variables: new Map() };
    const base = join(folder, kind);
    const key = `${base}\0${name}`;
    const started = this.#read.get(key) ?? this.load(base, name);
    this.#read.set(key, started);
    return started;
  }

  /** Names of files and folders in `group_vars/` or `host_vars/`, without endings. */
  async names(kind: 'group_vars' | 'host_vars', folder: string): Promise<string[]> {
    const entries = [...(await this.listed(join(folder, kind)))];
    return entries
      .filter((entry) => !entry.startsWith('.') && !entry.endsWith('~'))
      .map((entry) =>
        EXTENSIONS.includes(extname(entry)) ? entry.slice(0, entry.length - extname(entry).length) : entry,
      );
  }

  /** What a folder holds, read once: there can be thousands of hosts to look for in it. */
  private listed(base: string): Promise<ReadonlySet<string>> {
    const started = this.#listings.get(base) ?? this.list(base);
    this.#listings.set(base, started);
    return started;
  }

  private async list(base: string): Promise<ReadonlySet<string>> {
    if ((await kindOfPath(base)) !== 'folder') return new Set();
    return new Set(await folderEntries(base, this.options.cwd));
  }

  private async load(base: string, name: string): Promise<FileVars> {
    const variables: Variables = new Map();
    try {
      for (const path of await this.filesFor(base, name)) {
        for (const [key, variable] of await this.file(path)) variables.set(key, variable);
      }
    } catch (thrown) {
      if (thrown instanceof StateError && thrown.code.startsWith('inventory.vault-'))
        return { variables, fault: thrown };
      throw thrown;
    }
    return { variables };
  }

  /** The first that exists of `name`, `name.yml`, `name.yaml`, `name.json`; a folder's files all count. */
  private async filesFor(base: string, name: string): Promise<string[]> {
    const present = await this.listed(base);
    for (const extension of EXTENSIONS) {
      if (!present.has(name + extension) && !name.includes('/')) continue;
      const path = join(base, name + extension);
      const kind = await kindOfPath(path);
      if (kind === 'file') return [path];
      if (kind === 'folder') return this.filesIn(path);
    }
    return [];
  }

  private async filesIn(folder: string): Promise<string[]> {
    const found: string[] = [];
    for (const entry of await folderEntries(folder, this.options.cwd)) {
      if (entry.startsWith('.') || entry.endsWith('~')) continue;
      const path = join(folder, entry);
      const kind = await kindOfPath(path);
      const extension = extname(entry);
      if (kind === 'folder' && extension === '') found.push(...(await this.filesIn(path)));
      else if (kind === 'file' && EXTENSIONS.includes(extension)) found.push(path);
    }
    return found;
  }

  private async file(path: string): Promise<Variables> {
    const { source, text } = await readSource(path, this.options);
    const root = readYaml(source, text, this.options.warn);
    const variables: Variables = new Map();
    if (root === undefined) return variables;
    if (root.kind !== 'map') {
      throw faultAt(root.at, {
        code: 'vars-structure',
        what: `A file of variables is a mapping, and this is ${kindOf(root)}`,
        expected: '"name: value" lines',
      });
    }
    for (const { key, keyAt, node } of root.entries.values())
      variables.set(keyText(key), { node, at: keyAt });
    return variables;
  }
}
