import type { Comparison, Expression, Piece, TemplateFault } from './expression.js';
import { OperandParser } from './operand-parser.js';
import { cutTemplate, lexBare, type Token } from './template-lexer.js';
import { Misread } from './token-reader.js';

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

/** Nested deeper than this, an expression is an attack on the stack. */
const DEEPEST = 100;

/** Jinja's grammar of expressions, weakest operators first. Source: Jinja's documentation of templates. */
class Parser extends OperandParser {
  #depth = 0;

  whole(): Expression {
    if (this.peek().kind === 'end') throw new Misread('The expression is empty');
    const expression = this.tupleOr();
    if (this.peek().kind !== 'end') throw this.unexpected();
    return expression;
  }

  /** `a, b` is a tuple of both. */
  protected tupleOr(): Expression {
    const first = this.conditional();
    if (!this.sees(',')) return first;
    const items = [first];
    while (this.takes(',')) if (this.peek().kind !== 'end' && !this.sees(')')) items.push(this.conditional());
    return { kind: 'tuple', items };
  }

  protected conditional(): Expression {
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
    const next = this.tokens[this.at + 1];
    if (this.seesName('not') && next?.kind === 'name' && next.text === 'in') {
      this.at += 2;
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
}
