import { Float, type Key, Moment, type Scalar } from './value.js';
import { narrow } from './yaml-scalars.js';

/** What a Python literal can be. */
export type Literal = Scalar | Literal[] | Map<Key, Literal>;

/**
 * Reads a Python literal as `ast.literal_eval` does: INI inventories write values so, and Ansible reads the text of a
 * template's result so when it looks like a list or a mapping. Undefined when the text is none; it then stays text.
 * @param names further names that stand for constants, such as JSON's
 */
export function parsePythonLiteral(
  text: string,
  names: ReadonlyMap<string, null | boolean> = new Map(),
): { readonly value: Literal } | undefined {
  const tokens = tokenize(text.replace(/^[ \t]+/, ''));
  if (tokens === undefined) return undefined;
  const parser = new Parser(tokens, names);
  try {
    return { value: parser.whole() };
  } catch (thrown) {
    if (thrown instanceof NotLiteral) return undefined;
    throw thrown;
  }
}

/** Never leaves this file. */
class NotLiteral extends Error {}

interface Token {
  readonly kind: 'string' | 'number' | 'name' | 'mark';
  readonly text: string;
}

const DEEPEST = 90;

const TOKEN =
  /(?<space>[ \t\f]+|#[^\n]*|\\\r?\n)|(?<line>\r?\n)|(?<string>[rRuUbBfF]{0,2}(?:"""(?:[^\\]|\\.)*?"""|'''(?:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'))|(?<number>(?:0[xX](?:_?[\da-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*)?\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?|\d(?:_?\d)*\.?(?:[eE][+-]?\d(?:_?\d)*)?)[jJ]?)|(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<mark>[-+[\](){},:])/suy;

function tokenize(text: string): Token[] | undefined {
  const tokens: Token[] = [];
  let depth = 0;
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(text)?.groups;
    const [kind, part] = Object.entries(groups ?? {}).find(([, one]) => one !== undefined) ?? [];
    if (kind === undefined || part === undefined) return undefined;
    at += part.length;
    if (kind === 'line' && depth === 0) {
      // After the end of the line there may be nothing but empty lines and comments.
      return /^(?:[ \t\f\r]*(?:#[^\n]*)?(?:\n|$))*$/.test(text.slice(at)) ? tokens : undefined;
    }
    if (kind === 'string' || kind === 'number' || kind === 'name' || kind === 'mark') {
      if (kind === 'number' && /[\p{L}\p{N}_]/u.test(text[at] ?? '')) return undefined;
      if (kind === 'mark') depth += '[({'.includes(part) ? 1 : '])}'.includes(part) ? -1 : 0;
      tokens.push({ kind, text: part });
    }
  }
  return tokens;
}

class Parser {
  #at = 0;
  #depth = 0;

  constructor(
    private readonly tokens: readonly Token[],
    private readonly names: ReadonlyMap<string, null | boolean>,
  ) {}

  /** A literal, or several with commas between: a tuple without brackets. */
  whole(): Literal {
    const first = this.value();
    if (!this.takes(',')) return this.end(first);
    const items = [first];
    while (this.#at < this.tokens.length) {
      items.push(this.value());
      if (!this.takes(',')) break;
    }
    return this.end(items);
  }

  private end(value: Literal): Literal {
    if (this.#at < this.tokens.length) throw new NotLiteral();
    return value;
  }

  private value(): Literal {
    if (++this.#depth > DEEPEST) throw new NotLiteral();
    const value = this.operand();
    this.#depth--;
    return value;
  }

  private operand(): Literal {
    const token = this.tokens[this.#at++];
    if (token === undefined) throw new NotLiteral();
    if (token.kind === 'number') return numberOf(token.text);
    if (token.kind === 'string') return this.strings(token.text);
    if (token.kind === 'name') return this.constant(token.text);
    if (token.text === '-' || token.text === '+') return this.signed(token.text);
    if (token.text === '[') return this.items(']');
    if (token.text === '(') return this.tuple();
    if (token.text === '{') return this.braces();
    throw new NotLiteral();
  }

  /** One sign, and a number right behind it. */
  private signed(sign: string): Literal {
    const token = this.tokens[this.#at++];
    if (token?.kind !== 'number') throw new NotLiteral();
    const value = numberOf(token.text);
    if (value instanceof Float) return sign === '-' ? new Float(-value.value) : value;
    return sign === '-' ? narrow(-BigInt(value)) : value;
  }

  private constant(name: string): Literal {
    if (name === 'True') return true;
    if (name === 'False') return false;
    if (name === 'None') return null;
    if (name === 'set' && this.takes('(') && this.takes(')')) return [];
    const known = this.names.get(name);
    if (known === undefined) throw new NotLiteral();
    return known;
  }

  /** Strings side by side are one string. */
  private strings(first: string): string {
    let result = stringOf(first);
    for (let next = this.tokens[this.#at]; next?.kind === 'string'; next = this.tokens[this.#at]) {
      result += stringOf(next.text);
      this.#at++;
    }
    return result;
  }

  private items(close: string): Literal[] {
    const items: Literal[] = [];
    while (!this.takes(close)) {
      items.push(this.value());
      if (!this.takes(',')) {
        if (!this.takes(close)) throw new NotLiteral();
        break;
      }
    }
    return items;
  }

  private tuple(): Literal {
    if (this.takes(')')) return [];
    const first = this.value();
    if (this.takes(')')) return first;
    if (!this.takes(',')) throw new NotLiteral();
    return [first, ...this.items(')')];
  }

  /** A mapping, or a set, which becomes a list. */
  private braces(): Literal {
    const map = new Map<Key, Literal>();
    if (this.takes('}')) return map;
    const first = this.value();
    if (!this.takes(':')) {
      if (!this.takes(',') && !this.sees('}')) throw new NotLiteral();
      return [first, ...this.items('}')];
    }
    map.set(keyOf(first), this.value());
    while (!this.takes('}')) {
      if (!this.takes(',')) throw new NotLiteral();
      if (this.takes('}')) break;
      const key = keyOf(this.value());
      if (!this.takes(':')) throw new NotLiteral();
      map.set(key, this.value());
    }
    return map;
  }

  private sees(mark: string): boolean {
    const token = this.tokens[this.#at];
    return token?.kind === 'mark' && token.text === mark;
  }

  private takes(mark: string): boolean {
    if (!this.sees(mark)) return false;
    this.#at++;
    return true;
  }
}

function keyOf(value: Literal): Key {
  if (value instanceof Float) return value.value;
  if (typeof value === 'object' && value !== null) throw new NotLiteral();
  return value;
}

function numberOf(text: string): number | bigint | Float {
  if (/[jJ]$/.test(text)) throw new NotLiteral();
  const digits = text.replaceAll('_', '');
  if (/^0[xob]/i.test(digits)) return narrow(BigInt(digits));
  if (/[.eE]/.test(digits)) return new Float(Number(digits));
  if (/^0\d*[1-9]/.test(digits)) throw new NotLiteral();
  return narrow(BigInt(digits));
}

function stringOf(token: string): string {
  const prefix = /^[a-z]*/i.exec(token)?.[0].toLowerCase() ?? '';
  const rest = token.slice(prefix.length);
  // Bytes are no JSON and no text; a formatted string is no literal.
  if (!['', 'r', 'u'].includes(prefix)) throw new NotLiteral();
  const width = rest.startsWith('"""') || rest.startsWith("'''") ? 3 : 1;
  const body = rest.slice(width, -width);
  return prefix === 'r' ? body : unescapePython(body);
}

const SIMPLE: Readonly<Record<string, string>> = {
  '\n': '',
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

function unescapePython(body: string): string {
  return body.replace(
    /\\(?:([0-7]{1,3})|x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|(x|u|U|N)|(.))/gsu,
    (whole, octal?: string, x?: string, u?: string, long?: string, bad?: string, single?: string) => {
      if (bad !== undefined) throw new NotLiteral();
      if (single !== undefined) return SIMPLE[single] ?? whole;
      const code =
        octal === undefined ? Number.parseInt(x ?? u ?? long ?? '', 16) : Number.parseInt(octal, 8);
      if (code > 0x10ffff) throw new NotLiteral();
      return String.fromCodePoint(code);
    },
  );
}

/** Whether a literal is a mapping, a list, or a single value. */
export function isScalarLiteral(literal: Literal): literal is Scalar {
  return (
    typeof literal !== 'object' || literal === null || literal instanceof Float || literal instanceof Moment
  );
}
