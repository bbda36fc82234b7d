import type { Arguments, Expression } from './expression.js';
import type { Token } from './template-lexer.js';
import { TokenReader } from './token-reader.js';
import { narrow } from './yaml-scalars.js';

/** The half of the grammar below the operators: constants, names, brackets, members, calls, filters and tests. */
export abstract class OperandParser extends TokenReader {
  /** A whole expression, as it stands within brackets. */
  protected abstract conditional(): Expression;
  /** The same, where commas make a tuple. */
  protected abstract tupleOr(): Expression;

  protected primary(): Expression {
    const token = this.peek();
    this.at++;
    switch (token.kind) {
      case 'name':
        return nameOrConstant(token);
      case 'string': {
        let text = token.text;
        while (this.peek().kind === 'string') {
          text += this.peek().text;
          this.at++;
        }
        return { kind: 'literal', value: text };
      }
      case 'integer':
        return { kind: 'literal', value: narrow(BigInt(token.text.replaceAll('_', ''))) };
      case 'float':
        return { kind: 'literal', value: { float: Number(token.text.replaceAll('_', '')) } };
      default:
        this.at--;
        return this.bracket();
    }
  }

  private bracket(): Expression {
    if (this.takes('(')) {
      if (this.takes(')')) return { kind: 'tuple', items: [] };
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

  protected postfix(start: Expression): Expression {
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
    this.at++;
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

  protected filters(start: Expression): Expression {
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
      this.at++;
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
      const [name, equals] = this.tokens.slice(this.at, this.at + 2);
      if (name?.kind === 'name' && equals?.kind === 'operator' && equals.text === '=') {
        this.at += 2;
        named.set(name.text, this.conditional());
      } else positional.push(this.conditional());
    });
    return { positional, named };
  }
}

const NO_ARGUMENTS: Arguments = { positional: [], named: new Map() };

function nameOrConstant({ text, offset }: Token): Expression {
  if (text === 'true' || text === 'True') return { kind: 'literal', value: true };
  if (text === 'false' || text === 'False') return { kind: 'literal', value: false };
  if (text === 'none' || text === 'None') return { kind: 'literal', value: null };
  return { kind: 'name', name: text, offset };
}
