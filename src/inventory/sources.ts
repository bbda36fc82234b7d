import { constants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { StateError } from '../core/errors.js';
import { addConstructed, type ConstructedOptions } from './constructed.js';
import type { Graph } from './graph.js';
import { parseAddress } from './host-ranges.js';
import { addIniInventory } from './ini-inventory.js';
import { type Environment, expandHome, shownPath } from './paths.js';
import { fault, faultAt, SourceText } from './place.js';
import { addScriptInventory } from './script-inventory.js';
import { folderEntries, kindOfPath, type ReadFile, readSource } from './source-files.js';
import { kindOf, type MapNode, type Node } from './value.js';
import type { Vault } from './vault.js';
import { addYamlInventory } from './yaml-inventory.js';
import { readYaml } from './yaml-reader.js';

export interface SourceOptions {
  readonly cwd: string;
  readonly env: Environment;
  readonly vault: Vault;
  readonly signal?: AbortSignal | undefined;
  /** Variables beside the sources that were read so far, for `constructed`. `folders` are those of the sources. */
  readonly fileVars: (folders: readonly string[]) => ConstructedOptions['fileVars'];
}

/** What Ansible ignores in a folder of sources: hidden files, and these endings. */
const IGNORED =
  /^\.|^(?:host_vars|group_vars|vars_plugins)$|(?:\.pyc|\.pyo|\.swp|\.bak|~|\.rpm|\.md|\.txt|\.rst|\.orig|\.ini|\.cfg|\.retry)$/;

/** Adds one source after the other to the graph, as `-i` names them. */
export class SourceReader {
  /** Folders of the files that were read. */
  readonly #folders: string[] = [];

  constructor(
    private readonly graph: Graph,
    private readonly options: SourceOptions,
  ) {}

  /**
   * Adds a file, a folder, or a list of hosts with commas.
   * @throws StateError `inventory.source-missing`, `inventory.plugin-unknown` and those of the formats
   */
  async add(source: string): Promise<void> {
    const path = resolve(this.options.cwd, expandHome(source, this.options.env));
    const kind = await kindOfPath(path);
    if (kind !== undefined) return this.path(path, kind);
    if (source.includes(',')) return this.hostList(source);
    throw fault({
      code: 'source-missing',
      what: `There is no inventory ${shownPath(path, this.options.cwd)}`,
      expected: 'a file, a folder, or hosts with a comma after each (-i "host1,host2,")',
      next: 'Name it with -i, or write a first one with "coolify-state init"',
    });
  }

  private async path(path: string, kind: 'file' | 'folder'): Promise<void> {
    this.options.signal?.throwIfAborted();
    if (kind === 'file') {
      this.graph.current = { file: path, dir: dirname(path) };
      await this.file(path);
      this.#folders.push(dirname(path));
      return;
    }
    for (const name of await folderEntries(path, this.options.cwd)) {
      if (IGNORED.test(name)) continue;
      const member = join(path, name);
      const memberKind = await kindOfPath(member);
      if (memberKind === undefined) continue;
      await this.path(member, memberKind).catch((thrown: unknown) => this.passOver(thrown));
    }
  }

  /** A source of a folder that cannot be read is an error, unless Ansible's own switch says that it is not. */
  private passOver(thrown: unknown): void {
    const strict = this.options.env['ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED'] ?? 'true';
    if (!/^(?:false|no|off|0)$/i.test(strict) || !(thrown instanceof StateError)) throw thrown;
    this.graph.warn(`passed over: ${thrown.message}`);
  }

  private hostList(source: string): void {
    this.graph.current = { file: undefined, dir: undefined };
    const ungrouped = this.graph.addGroup('ungrouped');
    const at = { source: new SourceText('list of hosts', source), line: 1, column: 1 };
    for (const text of source.split(',').map((part) => part.trim())) {
      if (text === '') continue;
      const address = parseAddress(text);
      const { name, port } =
        address === undefined || address.name.includes('[') ? { name: text, port: undefined } : address;
      if (!this.graph.hosts.has(name)) this.graph.addHost(name, ungrouped, port, at);
    }
  }

  private async file(path: string): Promise<void> {
    const beginning = await beginningOf(path);
    if (isProgram(beginning) && (await isExecutable(path))) {
      return addScriptInventory(this.graph, path, this.options);
    }
    try {
      await this.data(path);
    } catch (thrown) {
      if (!isProgram(beginning) || !(thrown instanceof StateError)) throw thrown;
      throw fault({
        code: 'script-failed',
        what: `${shownPath(path, this.options.cwd)} looks like an inventory script, and is not executable`,
        next: `chmod +x ${shownPath(path, this.options.cwd)}`,
        cause: thrown,
      });
    }
  }

  private async data(path: string): Promise<void> {
    const extension = extname(path);
    if (extension === '.toml') {
      throw fault({
        code: 'format-unknown',
        what: `${shownPath(path, this.options.cwd)} is a TOML inventory, which is not supported`,
        next: 'ansible-inventory -i FILE --list --yaml turns it into YAML',
      });
    }
    const read = await readSource(path, this.options);
    if (['.yml', '.yaml', '.json'].includes(extension))
      return this.yaml(read, readYaml(read.source, read.text, this.graph.warn));
    if (extension === '') return this.either(read);
    if (/^plugin:/m.test(read.text))
      return this.yaml(read, readYaml(read.source, read.text, this.graph.warn));
    addIniInventory(this.graph, read.source, read.text);
  }

  /** A file whose name says nothing is YAML when it reads as a mapping, and INI otherwise; Ansible tries in this order. */
  private async either(read: ReadFile): Promise<void> {
    let root: Node | undefined;
    let broken: unknown;
    try {
      root = readYaml(read.source, read.text, () => undefined);
    } catch (thrown) {
      if (!(thrown instanceof StateError)) throw thrown;
      broken = thrown;
    }
    if (root?.kind === 'map') return this.yaml(read, readYaml(read.source, read.text, this.graph.warn));
    try {
      addIniInventory(this.graph, read.source, read.text);
    } catch (thrown) {
      throw broken !== undefined && looksLikeYaml(read.text) ? broken : thrown;
    }
  }

  private async yaml({ path, source }: ReadFile, root: Node | undefined): Promise<void> {
    if (root === undefined) {
      this.graph.warn(`${source.file} is empty`);
      return;
    }
    const plugin = root.kind === 'map' ? root.entries.get('plugin') : undefined;
    if (root.kind !== 'map' || plugin === undefined || !isNamed(plugin.node))
      return addYamlInventory(this.graph, root);
    const name = plugin.node.kind === 'scalar' ? String(plugin.node.value) : kindOf(plugin.node);
    if (name === 'constructed' || name === 'ansible.builtin.constructed') return this.constructed(root);
    throw faultAt(plugin.node.at, {
      code: 'plugin-unknown',
      what: `The inventory plugin "${name}" is not supported`,
      expected: '"constructed", or an inventory without plugins',
      next: `ansible-inventory -i ${shownPath(path, this.options.cwd)} --list --export --output hosts.json writes what it finds as an inventory that can be read`,
    });
  }

  private constructed(config: MapNode): Promise<void> {
    const { cwd, env, vault, fileVars } = this.options;
    return addConstructed(this.graph, config, { cwd, env, vault, fileVars: fileVars([...this.#folders]) });
  }
}

function isNamed(node: Node): boolean {
  return node.kind !== 'scalar' || (node.value !== null && node.value !== '' && node.value !== false);
}

/** How a file begins, which tells what runs it. */
async function beginningOf(path: string): Promise<string> {
  try {
    await using file = await open(path);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(4), 0, 4, 0);
    return buffer.subarray(0, bytesRead).toString('latin1');
  } catch {
    return '';
  }
}

/** A data file that merely has the executable bit, as on some file systems all have, is not run. */
function isProgram(beginning: string): boolean {
  return beginning.startsWith('#!') || beginning === '\x7fELF' || beginning === '\xcf\xfa\xed\xfe';
}

function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

function looksLikeYaml(text: string): boolean {
  const first =
    text.split('\n').find((line) => line.trim() !== '' && !line.trimStart().startsWith('#')) ?? '';
  return first.startsWith('---') || /^[\w."'-]+:(?:\s|$)/.test(first);
}

/** The folder whose `group_vars` and `host_vars` belong to a source; none for a list of hosts. */
export async function varsFolder(source: string, cwd: string, env: Environment): Promise<string | undefined> {
  const path = resolve(cwd, expandHome(source, env));
  const kind = await kindOfPath(path);
  if (kind === undefined) return undefined;
  return kind === 'folder' ? path : dirname(path);
}
