import type { Arguments, Comparison, Expression, Piece, TemplateFault } from './expression.js';
import { cutTemplate, lexBare, type Token } from './template-lexer.js';
import { narrow } from './yaml-scalars.js';

/** The pieces of a template, or why it cannot be read. */
export function parseTemplate(text: string): readonly Piece[] | TemplateFault {
  const segments = cutTemplate(text);
  if ('code' in segments) return segments;
  const pieces: Piece[] = [];
  for (const segment of segments) {
    if (segment.kind === 'text') {
      pieces.push(segment);
      continue;
    }
    const expression = parseTokens(segment.tokens, segment.source);
    if ('code' in expression) return expression;
    pieces.push({ kind: 'expression', expression, source: segment.source });
  }
  return pieces;
}

/** A bare expression, or why it cannot be read. */
export function parseExpression(text: string): Expression | TemplateFault {
  const tokens = lexBare(text);
  return 'code' in tokens ? tokens : parseTokens(tokens, text);
}

function parseTokens(tokens: readonly Token[], source: string): Expression | TemplateFault {
  const parser = new Parser(tokens);
  try {
    return parser.whole();
  } catch (thrown) {
    if (thrown instanceof Misread) return { code: 'template-syntax', what: thrown.message, source };
    throw thrown;
  }
}

/** Never leaves this file. */
class Misread extends Error {}

/** Nested deeper than this, an expression is an attack on the stack. */
const DEEPEST = 100;

/** Jinja's grammar of expressions, weakest operators first. Source: Jinja's documentation of templates. */
class Parser {
  #at = 0;
  #depth = 0;

  constructor(private readonly tokens: readonly Token[]) {}

  whole(): Expression {
    if (this.peek().kind === 'end') throw new Misread('The expression is empty');
    const expression = this.tupleOr();
    if (this.peek().kind !== 'end') throw this.unexpected();
    return expression;
  }

  /** `a, b` without brackets is a list of both. */
  private tupleOr(): Expression {
    const first = this.conditional();
    if (!this.sees(',')) return first;
    const items = [first];
    while (this.takes(',')) if (this.peek().kind !== 'end' && !this.sees(')')) items.push(this.conditional());
    return { kind: 'list', items };
  }

  private conditional(): Expression {
    if (++this.#depth > DEEPEST) throw new Misread('The expression is nested too deeply');
    let value = this.or();
    while (this.takesName('if')) {
      const condition = this.or();
      const otherwise = this.takesName('else') ? this.conditional() : undefined;
      value = { kind: 'if', condition, yes: value, ...(otherwise !== undefined && { otherwise }) };
    }
    this.#depth--;
    return value;
  }

  private or(): Expression {
    let left = this.and();
    while (this.takesName('or')) left = { kind: 'or', left, right: this.and() };
    return left;
  }

  private and(): Expression {
    let left = this.not();
    while (this.takesName('and')) left = { kind: 'and', left, right: this.not() };
    return left;
  }

  private not(): Expression {
    if (!this.takesName('not')) return this.compare();
    if (++this.#depth > DEEPEST) throw new Misread('The expression is nested too deeply');
    const of = this.not();
    this.#depth--;
    return { kind: 'unary', operator: 'not', of };
  }

  private compare(): Expression {
    const first = this.sum();
    const rest: Comparison[] = [];
    for (;;) {
      const operator = this.comparison();
      if (operator === undefined) break;
      rest.push({ operator, right: this.sum() });
    }
    return rest.length === 0 ? first : { kind: 'compare', first, rest };
  }

  private comparison(): Comparison['operator'] | undefined {
    for (const operator of ['==', '!=', '<=', '>=', '<', '>'] as const)
      if (this.takes(operator)) return operator;
    if (this.takesName('in')) return 'in';
    const next = this.tokens[this.#at + 1];
    if (this.seesName('not') && next?.kind === 'name' && next.text === 'in') {
      this.#at += 2;
      return 'not in';
    }
    return undefined;
  }

  private sum(): Expression {
    let left = this.concat();
    for (;;) {
      const operator = this.takes('+') ? '+' : this.takes('-') ? '-' : undefined;
      if (operator === undefined) return left;
      left = { kind: 'arithmetic', operator, left, right: this.concat() };
    }
  }

  private concat(): Expression {
    const first = this.product();
    if (!this.sees('~')) return first;
    const parts = [first];
    while (this.takes('~')) parts.push(this.product());
    return { kind: 'concat', parts };
  }

  private product(): Expression {
    let left = this.power();
    for (;;) {
      const operator = (['*', '//', '/', '%'] as const).find((candidate) => this.takes(candidate));
      if (operator === undefined) return left;
      left = { kind: 'arithmetic', operator, left, right: this.power() };
    }
  }

  private power(): Expression {
    let left = this.unary(true);
    while (this.takes('**')) left = { kind: 'arithmetic', operator: '**', left, right: this.unary(true) };
    return left;
  }

  private unary(withFilters: boolean): Expression {
    if (++this.#depth > DEEPEST) throw new Misread('The expression is nested too deeply');
    const sign = this.takes('-') ? '-' : this.takes('+') ? '+' : undefined;
    const value: Expression =
      sign === undefined
        ? this.postfix(this.primary())
        : { kind: 'unary', operator: sign, of: this.unary(false) };
    const result = withFilters ? this.filters(value) : value;
    this.#depth--;
    return result;
  }

  private primary(): Expression {
    const token = this.peek();
    this.#at++;
    switch (token.kind) {
      case 'name':
        return nameOrConstant(token);
      case 'string': {
        let text = token.text;
        while (this.peek().kind === 'string') {
          text += this.peek().text;
          this.#at++;
        }
        return { kind: 'literal', value: text };
      }
      case 'integer':
        return { kind: 'literal', value: narrow(BigInt(token.text.replaceAll('_', ''))) };
      case 'float':
        return { kind: 'literal', value: { float: Number(token.text.replaceAll('_', '')) } };
      default:
        this.#at--;
        return this.bracket();
    }
  }

  private bracket(): Expression {
    if (this.takes('(')) {
      if (this.takes(')')) return { kind: 'list', items: [] };
      const inner = this.tupleOr();
      this.expect(')');
      return inner;
    }
    if (this.takes('[')) return { kind: 'list', items: this.until(']', () => this.conditional()) };
    if (this.takes('{')) {
      const entries = this.until('}', () => {
        const key = this.conditional();
        this.expect(':');
        return [key, this.conditional()] as const;
      });
      return { kind: 'map', entries };
    }
    throw this.unexpected();
  }

  private postfix(start: Expression): Expression {
    let of = start;
    for (;;) {
      if (this.takes('.')) of = this.attribute(of);
      else if (this.takes('[')) of = this.subscript(of);
      else if (this.sees('(')) {
        const { offset } = this.peek();
        of = { kind: 'call', of, call: this.callArguments(), offset };
      } else return of;
    }
  }

  private attribute(of: Expression): Expression {
    const token = this.peek();
    if (token.kind !== 'name' && token.kind !== 'integer') throw this.unexpected();
    this.#at++;
    if (token.kind === 'name') return { kind: 'attribute', of, name: token.text };
    return { kind: 'item', of, key: { kind: 'literal', value: Number(token.text) } };
  }

  private subscript(of: Expression): Expression {
    const from = this.sees(':') ? undefined : this.conditional();
    if (from !== undefined && this.takes(']')) return { kind: 'item', of, key: from };
    this.expect(':');
    const to = this.sees(']') ? undefined : this.conditional();
    this.expect(']');
    return { kind: 'slice', of, ...(from !== undefined && { from }), ...(to !== undefined && { to }) };
  }

  private filters(start: Expression): Expression {
    let of = start;
    for (;;) {
      const { offset } = this.peek();
      if (this.takes('|')) {
        of = { kind: 'filter', of, name: this.dottedName(), call: this.maybeArguments(), offset };
      } else if (this.takesName('is')) {
        const not = this.takesName('not');
        const name = this.dottedName();
        of = { kind: 'test', of, name, call: this.testArguments(), not, offset };
      } else if (this.sees('(')) {
        of = { kind: 'call', of, call: this.callArguments(), offset };
      } else return of;
    }
  }

  private dottedName(): string {
    const parts: string[] = [];
    do {
      const token = this.peek();
      if (token.kind !== 'name') throw this.unexpected();
      this.#at++;
      parts.push(token.text);
    } while (this.takes('.'));
    return parts.join('.');
  }

  private maybeArguments(): Arguments {
    return this.sees('(') ? this.callArguments() : NO_ARGUMENTS;
  }

  /** `is divisibleby 3`: a test may take one argument without brackets. */
  private testArguments(): Arguments {
    if (this.sees('(')) return this.callArguments();
    const token = this.peek();
    const begins =
      token.kind === 'string' ||
      token.kind === 'integer' ||
      token.kind === 'float' ||
      (token.kind === 'operator' && (token.text === '[' || token.text === '{')) ||
      (token.kind === 'name' && !['else', 'or', 'and', 'if', 'is', 'in', 'not'].includes(token.text));
    if (!begins) return NO_ARGUMENTS;
    return { positional: [this.postfix(this.primary())], named: new Map() };
  }

  private callArguments(): Arguments {
    this.expect('(');
    const positional: Expression[] = [];
    const named = new Map<string, Expression>();
    this.until(')', () => {
      const [name, equals] = this.tokens.slice(this.#at, this.#at + 2);
      if (name?.kind === 'name' && equals?.kind === 'operator' && equals.text === '=') {
        this.#at += 2;
        named.set(name.text, this.conditional());
      } else positional.push(this.conditional());
    });
    return { positional, named };
  }

  private until<Item>(close: string, item: () => Item): Item[] {
    const items: Item[] = [];
    while (!this.takes(close)) {
      if (items.length > 0) {
        this.expect(',');
        if (this.takes(close)) break;
      }
      items.push(item());
    }
    return items;
  }

  private peek(): Token {
    return this.tokens[this.#at] ?? { kind: 'end', text: '', offset: 0 };
  }

  private sees(operator: string): boolean {
    const token = this.peek();
    return token.kind === 'operator' && token.text === operator;
  }

  private takes(operator: string): boolean {
    if (!this.sees(operator)) return false;
    this.#at++;
    return true;
  }

  private seesName(name: string): boolean {
    const token = this.peek();
    return token.kind === 'name' && token.text === name;
  }

  private takesName(name: string): boolean {
    if (!this.seesName(name)) return false;
    this.#at++;
    return true;
  }

  private expect(operator: string): void {
    if (!this.takes(operator)) throw new Misread(`"${operator}" is missing before ${this.shown()}`);
  }

  private unexpected(): Misread {
    return new Misread(`${this.shown()} does not belong there`.replace(/^the/, 'The'));
  }

  private shown(): string {
    const token = this.peek();
    return token.kind === 'end' ? 'the end' : `"${token.text}"`;
  }
}

const NO_ARGUMENTS: Arguments = { positional: [], named: new Map() };

function nameOrConstant({ text, offset }: Token): Expression {
  if (text === 'true' || text === 'True') return { kind: 'literal', value: true };
  if (text === 'false' || text === 'False') return { kind: 'literal', value: false };
  if (text === 'none' || text === 'None') return { kind: 'literal', value: null };
  return { kind: 'name', name: text, offset };
}
