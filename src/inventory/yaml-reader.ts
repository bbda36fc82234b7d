import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type ParsedNode,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type { StateError } from '../core/errors.js';
import { faultAt, type Place, type SourceText, showPlace } from './place.js';
import { Float, type Key, keyText, kindOf, type MapEntry, Moment, type Node } from './value.js';
import { resolvePlain, resolveTagged } from './yaml-scalars.js';

/** Takes what is worth saying but stops nothing. */
export type Warn = (message: string) => void;

/** More than any inventory has, counted with every alias written out: a few lines of aliases can mean billions. */
const MOST_NODES = 1_000_000;
/** Deeper than any person nests, and far from the end of the stack. */
const DEEPEST = 200;

/**
 * Reads one YAML document into nodes that know their places. Nothing in it runs: tags outside YAML's own, `!vault`
 * and `!unsafe` are errors. A key that stands twice is a warning and the last one wins, as in Ansible.
 * @returns undefined for an empty document
 * @throws StateError `inventory.yaml-syntax`, `inventory.yaml-tag`, `inventory.yaml-alias`, `inventory.yaml-key`
 */
export function readYaml(source: SourceText, text: string, warn: Warn): Node | undefined {
  const lines = new LineCounter();
  const contents = parse(source, text, lines);
  if (contents === null) return undefined;
  return new Reader(source, lines, warn).document(contents);
}

function parse(source: SourceText, text: string, lines: LineCounter): ParsedNode | null {
  try {
    const document = parseDocument(text, {
      version: '1.1',
      schema: 'failsafe',
      uniqueKeys: false,
      lineCounter: lines,
      prettyErrors: false,
      logLevel: 'error',
    });
    const [error] = document.errors;
    if (error === undefined) return document.contents;
    const { line, col } = lines.linePos(error.pos[0]);
    throw faultAt(
      { source, line, column: col },
      {
        code: 'yaml-syntax',
        what: `This is not valid YAML: ${sentence(error.message)}`,
        expected: HINTS[error.code],
        cause: error,
      },
    );
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw tooDeep({ source, line: 1, column: 1 }, thrown);
  }
}

const HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'spaces: YAML does not allow tabs as indentation',
  MULTIPLE_DOCS: 'one document: a file of an inventory cannot have several, separated by ---',
  BAD_SCALAR_START: 'quotes around a value that begins with this character',
  BLOCK_AS_IMPLICIT_KEY: 'quotes around a value that contains ": ", or the value on its own, deeper line',
  MULTILINE_IMPLICIT_KEY: '"key: value": a colon and a space are missing, or quotes are not closed',
  BAD_INDENT: 'the same indentation for all the keys of a mapping',
};

function sentence(message: string): string {
  return message.replace(/\s+/g, ' ').replace(/\.$/, '');
}

function tooDeep(place: Place, cause?: unknown): StateError {
  return faultAt(place, { code: 'yaml-syntax', what: 'This is nested too deeply to be an inventory', cause });
}

class Reader {
  readonly #anchors = new Map<string, Node | 'open'>();
  /** How many nodes each one means when all aliases are written out. */
  readonly #weights = new Map<Node, number>();

  constructor(
    private readonly source: SourceText,
    private readonly lines: LineCounter,
    private readonly warn: Warn,
  ) {}

  document(contents: ParsedNode): Node | undefined {
    const node = this.node(contents, 0, false);
    return node.kind === 'scalar' && node.value === null ? undefined : node;
  }

  private node(item: ParsedNode | null, depth: number, unsafe: boolean, fallback?: Place): Node {
    if (item === null) {
      const at = fallback ?? { source: this.source, line: 1, column: 1 };
      return this.weigh({ kind: 'scalar', value: null, unsafe, at }, 1);
    }
    const at = this.place(item);
    if (depth > DEEPEST) throw tooDeep(at);
    if (isAlias(item)) return this.alias(item.source, at);
    if (item.anchor !== undefined) this.#anchors.set(item.anchor, 'open');
    const node = this.fresh(item, at, depth, unsafe);
    if (item.anchor !== undefined) this.#anchors.set(item.anchor, node);
    return node;
  }

  private fresh(item: ParsedNode, at: Place, depth: number, outerUnsafe: boolean): Node {
    const tag = item.tag;
    const unsafe = outerUnsafe || tag === '!unsafe';
    if (isScalar(item))
      return this.weigh(this.scalar(item.source, item.type === 'PLAIN', tag, at, unsafe), 1);
    if (isMap(item)) {
      this.allow(tag, ['map', 'omap', 'set', 'python/dict'], at);
      return this.map(item, at, depth, unsafe);
    }
    if (isSeq(item)) {
      this.allow(tag, ['seq', 'omap', 'pairs'], at);
      const items = item.items.map((member) => this.node(member, depth + 1, unsafe, at));
      return this.weigh(
        { kind: 'list', items, at },
        items.reduce((sum, one) => sum + this.weight(one), 1),
      );
    }
    throw faultAt(at, { code: 'yaml-syntax', what: 'This is not valid YAML' });
  }

  private scalar(text: string, plain: boolean, tag: string | undefined, at: Place, unsafe: boolean): Node {
    if (tag === '!vault' || tag === '!vault-encrypted') return { kind: 'vault', envelope: text, at };
    if (tag === undefined || tag === '!' || tag === '!unsafe') {
      const value = plain && tag !== '!unsafe' ? resolvePlain(text) : text;
      return { kind: 'scalar', value, unsafe, at };
    }
    const value = resolveTagged(tag, text);
    if (value !== undefined) return { kind: 'scalar', value, unsafe, at };
    this.allow(tag, [], at, tag.startsWith('tag:yaml.org,2002:') ? text : undefined);
    return { kind: 'scalar', value: text, unsafe, at };
  }

  private allow(tag: string | undefined, names: readonly string[], at: Place, text?: string): void {
    if (tag === undefined || tag === '!unsafe' || tag === '!') return;
    if (names.some((name) => tag === `tag:yaml.org,2002:${name}`)) return;
    const shown = tag.replace('tag:yaml.org,2002:', '!!');
    throw faultAt(at, {
      code: 'yaml-tag',
      what:
        text === undefined ? `The tag ${shown} is not understood here` : `${shown} does not fit "${text}"`,
      expected: 'a plain value, !vault or !unsafe',
    });
  }

  private map(item: YAMLMap.Parsed, at: Place, depth: number, unsafe: boolean): Node {
    const merged = new Map<Key, MapEntry>();
    const own = new Map<Key, MapEntry>();
    for (const pair of item.items) {
      const keyAt = pair.key === null ? at : this.place(pair.key);
      const node = this.node(pair.value, depth + 1, unsafe, keyAt);
      if (isScalar(pair.key) && pair.key.type === 'PLAIN' && pair.key.source === '<<') {
        this.merge(node, merged, keyAt);
        continue;
      }
      const key = this.key(pair.key, keyAt, depth);
      if (own.has(key)) {
        this.warn(`${showPlace(keyAt)}: The key "${keyText(key)}" stands twice here; the last one counts`);
      }
      own.set(key, { key, keyAt, node });
    }
    const entries = new Map([...merged, ...own]);
    const weight = [...entries.values()].reduce((sum, entry) => sum + this.weight(entry.node), 1);
    return this.weigh({ kind: 'map', entries, at }, weight);
  }

  /** `<<`: a mapping's keys, or those of a list of mappings, of which the first counts most; a second `<<` wins. */
  private merge(node: Node, into: Map<Key, MapEntry>, at: Place): void {
    const maps = node.kind === 'list' ? [...node.items].reverse() : [node];
    for (const map of maps) {
      if (map.kind !== 'map') {
        throw faultAt(at, {
          code: 'yaml-syntax',
          what: `<< cannot take in ${kindOf(map)}`,
          expected: 'a mapping or a list of mappings',
        });
      }
      for (const [key, entry] of map.entries) into.set(key, entry);
    }
  }

  private key(item: ParsedNode | null, at: Place, depth: number): Key {
    const node = this.node(item, depth + 1, false, at);
    if (node.kind === 'scalar') {
      if (node.value instanceof Float) return node.value.value;
      return node.value instanceof Moment ? node.value.text : node.value;
    }
    const braces =
      node.kind === 'map' &&
      this.source
        .line(at.line)
        .slice(at.column - 1)
        .startsWith('{');
    throw faultAt(at, {
      code: 'yaml-key',
      what: `${kindOf(node)} cannot be a key`.replace(/^a/, 'A'),
      expected: braces ? 'quotes around a value that begins with {{: name: "{{ other }}"' : 'a name',
    });
  }

  private alias(name: string, at: Place): Node {
    const node = this.#anchors.get(name);
    if (node === undefined || node === 'open') {
      throw faultAt(at, {
        code: 'yaml-alias',
        what:
          node === 'open'
            ? `*${name} stands inside of what it refers to`
            : `There is no &${name} before this *${name}`,
      });
    }
    return node;
  }

  private weigh(node: Node, weight: number): Node {
    if (weight > MOST_NODES) {
      throw faultAt(node.at, {
        code: 'yaml-alias',
        what: `Written out, the aliases in here are more than ${MOST_NODES} values`,
        expected: 'an inventory, not a decompression bomb',
      });
    }
    this.#weights.set(node, weight);
    return node;
  }

  private weight(node: Node): number {
    return this.#weights.get(node) ?? 1;
  }

  private place(item: ParsedNode): Place {
    const { line, col } = this.lines.linePos(item.range[0]);
    return { source: this.source, line, column: col };
  }
}
