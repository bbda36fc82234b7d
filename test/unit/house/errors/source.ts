import { type Token, tokensOf } from './tokens.js';

/** Tokens of one expression. */
export type Expression = readonly Token[];

/** A property of an object literal; `undefined` as its value for shorthand. */
export type Properties = ReadonlyMap<string, Expression>;

export interface Parameter {
  /** The name of it, or of what is taken out of an object, with the key it has there. */
  readonly name: string;
  readonly index: number;
  readonly key: string | undefined;
  /** Whether all other properties of the object are meant. */
  readonly isRest: boolean;
  /** Its type or default, where these are texts. */
  readonly words: readonly string[];
  readonly fallback: Expression | undefined;
}

/** A function with a name. */
export interface Named {
  readonly name: string;
  readonly file: SourceFile;
  readonly start: number;
  readonly parameters: readonly Parameter[];
  /** Called as `something.name(...)`. */
  readonly isMember: boolean;
}

/** A source file, cut up. Places are indices of tokens. */
export class SourceFile {
  readonly tokens: readonly Token[];
  readonly functions: readonly Named[];
  readonly #partner = new Map<number, number>();

  constructor(
    readonly path: string,
    readonly text: string,
  ) {
    this.tokens = tokensOf(text);
    const open: number[] = [];
    for (const [index, token] of this.tokens.entries()) {
      if (isMark(token, '(', '[', '{')) open.push(index);
      else if (isMark(token, ')', ']', '}')) this.#partner.set(open.pop() ?? -1, index);
    }
    this.functions = this.tokens.flatMap((_, index) => this.#functionAt(index) ?? []);
  }

  lineOf(index: number): number {
    return this.text.slice(0, this.tokens[index]?.at).split('\n').length;
  }

  word(index: number): string {
    return this.tokens[index]?.text ?? '';
  }

  closing(open: number): number {
    return this.#partner.get(open) ?? this.tokens.length;
  }

  /** The parts between two brackets, cut at commas. */
  parts(open: number): { readonly start: number; readonly tokens: Expression }[] {
    const parts: { start: number; tokens: Token[] }[] = [];
    const end = this.closing(open);
    let start = open + 1;
    for (let index = open + 1; index <= end; index++) {
      if (isMark(this.tokens[index], '(', '[', '{')) index = this.closing(index);
      else if (index === end || isMark(this.tokens[index], ',')) {
        if (index > start) parts.push({ start, tokens: this.tokens.slice(start, index) });
        start = index + 1;
      }
    }
    return parts;
  }

  /** The value of the constant of this name that stands nearest before a place, or else anywhere. */
  constant(name: string, before: number): { readonly at: number; readonly value: Expression } | undefined {
    const places = [...this.tokens.keys()].filter(
      (index) =>
        this.word(index) === 'const' &&
        this.word(index + 1) === name &&
        this.tokens[index + 1]?.kind === 'word',
    );
    const at = places.filter((index) => index < before).at(-1) ?? places.at(0);
    if (at === undefined) return undefined;
    let start = at + 2;
    while (start < this.tokens.length && this.word(start) !== '=' && this.word(start) !== ';') {
      start = isMark(this.tokens[start], '(', '[', '{') ? this.closing(start) + 1 : start + 1;
    }
    let end = start + 1;
    while (end < this.tokens.length && this.word(end) !== ';') {
      end = isMark(this.tokens[end], '(', '[', '{') ? this.closing(end) + 1 : end + 1;
    }
    return { at, value: this.tokens.slice(start + 1, end) };
  }

  /** The words of a type that is a choice of texts: `type Fault = 'a' | 'b'`. */
  wordsOfType(name: string): string[] {
    const at = this.tokens.findIndex(
      (_, index) => this.word(index) === 'type' && this.word(index + 1) === name,
    );
    const end = this.tokens.findIndex(({ text }, index) => index > at && text === ';');
    return at < 0 ? [] : textsOf(this.tokens.slice(at + 3, end));
  }

  #functionAt(index: number): Named | undefined {
    const name = this.word(index + 1);
    const isDeclared = this.word(index) === 'function' && this.word(index + 2) === '(';
    const arrow = ['=', ':'].includes(this.word(index + 2)) && this.word(index + 3) === '(';
    const isArrow =
      arrow && ['const', '{', ','].includes(this.word(index)) && this.#isArrow(this.closing(index + 3) + 1);
    if (!isDeclared && !isArrow) return undefined;
    const isMember = isArrow && this.word(index) !== 'const';
    return {
      name,
      file: this,
      start: index,
      isMember,
      parameters: this.parts(isDeclared ? index + 2 : index + 3).flatMap(({ start, tokens }, position) =>
        this.#parameters(start, tokens, position),
      ),
    };
  }

  #isArrow(after: number): boolean {
    return this.tokens.slice(after, after + 12).some(({ text }) => text === '=>');
  }

  #parameters(start: number, tokens: Expression, index: number): Parameter[] {
    const plain = { index, isRest: false, words: [], fallback: undefined };
    if (this.word(start) === '{') {
      return this.parts(start).map(({ start: at, tokens: part }): Parameter => {
        const isRest = this.word(at) === '...';
        const key = this.word(isRest ? at + 1 : at);
        const name = this.word(at + 1) === ':' ? this.word(at + 2) : key;
        const fallback = part[1]?.text === '=' ? part.slice(2) : undefined;
        return { ...plain, name, key, isRest, fallback };
      });
    }
    const equals = tokens.findIndex(({ text }) => text === '=');
    const type = tokens.slice(2, equals < 0 ? undefined : equals).filter(({ text }) => text !== '|');
    const [only] = type;
    const words = type.every(({ kind }) => kind === 'text')
      ? type.map(({ text }) => text)
      : type.length === 1 && only !== undefined
        ? this.wordsOfType(only.text)
        : [];
    const fallback = equals < 0 ? undefined : tokens.slice(equals + 1);
    return [{ ...plain, name: this.word(start), key: undefined, words, fallback }];
  }
}

export function isMark(token: Token | undefined, ...marks: readonly string[]): boolean {
  return token?.kind === 'mark' && marks.includes(token.text);
}

function textsOf(tokens: Expression): string[] {
  return tokens.every(({ kind, text }) => kind === 'text' || text === '|')
    ? tokens.filter(({ kind }) => kind === 'text').map(({ text }) => text)
    : [];
}
