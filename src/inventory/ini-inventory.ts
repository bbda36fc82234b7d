import type { Graph, GroupEntry } from './graph.js';
import { expandHosts } from './host-ranges.js';
import { faultAt, type Place, type SourceText } from './place.js';
import { isScalarLiteral, type Literal, parsePythonLiteral } from './python-literal.js';
import { shellWords } from './shell-words.js';
import type { Key, MapEntry, Node } from './value.js';

/**
 * Adds the groups and hosts of an INI inventory: `[group]`, `[group:vars]`, `[group:children]`, and before the first
 * section hosts without a group. Values are Python literals where they can be read so, and text otherwise.
 * @throws StateError `inventory.ini-syntax`
 */
export function addIniInventory(graph: Graph, source: SourceText, text: string): void {
  new IniReader(graph, source).read(text);
}

/** A group that was named before it was declared. */
interface Pending {
  readonly at: Place;
  readonly kind: 'vars' | 'children';
  readonly parents: GroupEntry[];
}

const SECTION = /^\[([^:\]\s]+)(?::([\p{L}\p{N}_]+))?\]\s*(?:#.*)?$/u;
const GROUP_NAME = /^([^:\]\s]+)\s*(?:#.*)?$/;

class IniReader {
  readonly #pending = new Map<string, Pending>();
  #section: { readonly name: string; readonly kind: string } = { name: 'ungrouped', kind: 'hosts' };

  constructor(
    private readonly graph: Graph,
    private readonly source: SourceText,
  ) {}

  read(text: string): void {
    const lines = text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/);
    for (const [index, whole] of lines.entries()) {
      const line = whole.trim();
      if (line === '' || line.startsWith('#') || line.startsWith(';')) continue;
      this.line(line, { source: this.source, line: index + 1, column: whole.indexOf(line) + 1 });
    }
    for (const [name, { at, kind, parents }] of this.#pending) {
      throw faultAt(at, {
        code: 'ini-syntax',
        what:
          kind === 'vars'
            ? `[${name}:vars] sets variables of a group that is declared nowhere`
            : `[${parents.at(-1)?.name ?? ''}:children] names "${name}", which is declared nowhere`,
        expected: `a section [${name}] in this file, even an empty one`,
      });
    }
  }

  private line(line: string, at: Place): void {
    const section = SECTION.exec(line);
    if (section !== null) {
      this.section(section[1] ?? '', section[2] ?? 'hosts', at);
    } else if (line.startsWith('[') && line.endsWith(']')) {
      throw faultAt(at, {
        code: 'ini-syntax',
        what: `${line} is no section`,
        expected: '[group], [group:vars] or [group:children], without spaces inside',
      });
    } else if (this.#section.kind === 'vars') this.variable(line, at);
    else if (this.#section.kind === 'children') this.child(line, at);
    else this.hosts(line, at);
  }

  private section(name: string, kind: string, at: Place): void {
    if (kind !== 'hosts' && kind !== 'vars' && kind !== 'children') {
      throw faultAt(at, {
        code: 'ini-syntax',
        what: `[${name}:${kind}] is no kind of section`,
        expected: `[${name}], [${name}:vars] or [${name}:children]`,
      });
    }
    this.#section = { name, kind };
    const waiting = this.#pending.get(name);
    if (!this.graph.groups.has(name)) {
      if (kind === 'vars' && waiting === undefined)
        this.#pending.set(name, { at, kind: 'vars', parents: [] });
      this.graph.addGroup(name);
    }
    if (waiting === undefined || kind === 'vars') return;
    if (waiting.kind === 'children') this.adopt(name, waiting);
    else this.#pending.delete(name);
  }

  /** Hangs a group under all who waited for it; parents that were waiting themselves are declared by that. */
  private adopt(name: string, { parents, at }: Pending): void {
    const child = this.graph.addGroup(name);
    for (const parent of parents) {
      this.graph.addChildGroup(parent, child, at);
      const above = this.#pending.get(parent.name);
      if (above?.kind === 'children') this.adopt(parent.name, above);
    }
    this.#pending.delete(name);
  }

  private child(line: string, at: Place): void {
    const name = GROUP_NAME.exec(line)?.[1];
    if (name === undefined) {
      throw faultAt(at, {
        code: 'ini-syntax',
        what: 'This is no name of a group',
        expected: 'one name on a line',
      });
    }
    const parent = this.graph.addGroup(this.#section.name);
    const child = this.graph.groups.get(name);
    if (child !== undefined) {
      this.graph.addChildGroup(parent, child, at);
      return;
    }
    const waiting = this.#pending.get(name);
    if (waiting === undefined) this.#pending.set(name, { at, kind: 'children', parents: [parent] });
    else waiting.parents.push(parent);
  }

  private variable(line: string, at: Place): void {
    const equals = line.indexOf('=');
    if (equals < 0) {
      throw faultAt(at, { code: 'ini-syntax', what: 'This line sets no variable', expected: 'name=value' });
    }
    const name = line.slice(0, equals).trim();
    const text = line.slice(equals + 1);
    const lead = text.length - text.trimStart().length;
    const valueAt = { ...at, column: at.column + equals + 1 + lead };
    this.graph.setVariable(this.#section.name, name, { node: valueNode(text.trim(), valueAt), at });
  }

  private hosts(line: string, at: Place): void {
    const words = shellWords(line);
    if (words === undefined) {
      throw faultAt(at, {
        code: 'ini-syntax',
        what: 'A quote or a backslash is left open here',
        expected: 'name="a value"',
      });
    }
    const [pattern = '', ...settings] = words;
    if (pattern === '---' || (pattern.endsWith(':') && !pattern.includes('::'))) {
      throw faultAt(at, {
        code: 'ini-syntax',
        what: `"${pattern}" is no host`,
        expected: 'an INI inventory; a YAML inventory needs a file name that ends in .yml',
      });
    }
    const variables = settings.map((setting) => this.setting(setting, line, at));
    const { names, port } = expandHosts(pattern, at);
    const group = this.graph.addGroup(this.#section.name);
    for (const name of names) {
      this.graph.addHost(name, group, port, at);
      for (const { name: key, variable } of variables) this.graph.setVariable(name, key, variable);
    }
  }

  private setting(
    text: string,
    line: string,
    at: Place,
  ): { name: string; variable: { node: Node; at: Place } } {
    const equals = text.indexOf('=');
    const name = text.slice(0, Math.max(equals, 0));
    const found = line.indexOf(equals < 0 ? text : `${name}=`);
    const place = { ...at, column: at.column + Math.max(found, 0) };
    if (equals < 0) {
      throw faultAt(place, {
        code: 'ini-syntax',
        what: 'A word after the host sets no variable',
        expected: 'name=value; a value with spaces needs quotes around it',
      });
    }
    return { name, variable: { node: valueNode(text.slice(equals + 1), place), at: place } };
  }
}

function valueNode(text: string, at: Place): Node {
  const literal = parsePythonLiteral(text);
  return literal === undefined
    ? { kind: 'scalar', value: text, unsafe: false, at }
    : literalNode(literal.value, at);
}

function literalNode(literal: Literal, at: Place): Node {
  if (isScalarLiteral(literal)) return { kind: 'scalar', value: literal, unsafe: false, at };
  if (Array.isArray(literal))
    return { kind: 'list', items: literal.map((item) => literalNode(item, at)), at };
  const entries = [...literal].map(([key, value]): [Key, MapEntry] => [
    key,
    { key, keyAt: at, node: literalNode(value, at) },
  ]);
  return { kind: 'map', entries: new Map(entries), at };
}
