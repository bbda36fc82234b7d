import { Secret } from '../core/secret.js';
import type { Arguments, Comparison, Expression } from './expression.js';
import { FILTERS, type FilterArguments, type FilterContext } from './filters.js';
import { TESTS } from './jinja-tests.js';
import { LOOKUPS, type LookupContext } from './lookups.js';
import { callMethod } from './methods.js';
import { type Arithmetic, calculate, holds } from './operators.js';
import { literalOf, textOf } from './python-text.js';
import { Float, kindOf, Tuple, Undefined, type Value, type ValueMap } from './value.js';
import { asKey, holdsSecret, isTrue, memberOf, numberOf, plainText } from './value-algebra.js';
import { narrow } from './yaml-scalars.js';

/** What an expression can see and do. */
export interface Scope {
  readonly env: FilterContext['env'];
  readonly cwd: string;
  /** False where Ansible forbids them: in the expressions of `constructed`. */
  readonly lookups: boolean;
  /** The value of a variable; undefined when there is none of that name. */
  variable(name: string): Value | undefined;
  /** The error for something that is not supported, or is wrong, in the expression at hand. */
  fault(code: 'template-unsupported' | 'template-value' | 'undefined-variable', what: string): Error;
  /** Names that could have been meant, for the error about one that is not there. */
  suggest(name: string): string;
}

/** Works out one expression. Remembers in `sawSecret` whether a secret's text went into the result. */
export class Evaluator {
  sawSecret = false;
  readonly #context: LookupContext;

  constructor(private readonly scope: Scope) {
    this.#context = {
      env: scope.env,
      cwd: scope.cwd,
      text: (value) => this.text(value),
      shown: (text) => (this.sawSecret ? '[redacted]' : text),
      wrong: (what) => scope.fault('template-value', what),
      unsupported: (what) => this.unsupported(what),
    };
  }

  /** The value as text; nothing is no text, as Ansible has it. */
  output(value: Value): string {
    return value === null ? '' : this.text(value);
  }

  text(value: Value): string {
    if (holdsSecret(value)) this.sawSecret = true;
    return textOf(value);
  }

  value(expression: Expression): Value {
    switch (expression.kind) {
      case 'literal': {
        const { value } = expression;
        return typeof value === 'object' && value !== null ? new Float(value.float) : value;
      }
      case 'name':
        return this.variable(expression.name);
      case 'tuple':
        return Tuple.from(expression.items.map((item) => this.value(item)));
      case 'list':
        return expression.items.map((item) => this.value(item));
      case 'map':
        return this.map(expression.entries);
      case 'attribute':
        return this.member(expression.of, expression.name);
      case 'item':
        return this.member(expression.of, this.value(expression.key));
      case 'slice':
        return this.slice(expression);
      case 'call':
        return this.call(expression.of, expression.call);
      case 'filter':
        return this.filter(expression.name, this.value(expression.of), this.arguments(expression.call));
      case 'test':
        return this.test(expression.name, this.value(expression.of), expression.call) !== expression.not;
      case 'unary':
        return this.unary(expression.operator, this.value(expression.of));
      case 'and': {
        const left = this.value(expression.left);
        return isTrue(left) ? this.value(expression.right) : left;
      }
      case 'or': {
        const left = this.value(expression.left);
        return isTrue(left) ? left : this.value(expression.right);
      }
      case 'compare':
        return this.compare(expression.first, expression.rest);
      case 'concat':
        return this.secretly(expression.parts.map((part) => this.text(this.value(part))).join(''));
      case 'arithmetic':
        return this.arithmetic(
          expression.operator,
          this.value(expression.left),
          this.value(expression.right),
        );
      case 'if':
        return this.conditional(expression);
    }
  }

  /** Whether the value comes straight from `| string`: it is text then, whatever it looks like. */
  isText(expression: Expression): boolean {
    switch (expression.kind) {
      case 'filter':
        return shortName(expression.name) === 'string' || this.isKeptText(expression);
      case 'if': {
        const chosen = isTrue(this.value(expression.condition)) ? expression.yes : expression.otherwise;
        return chosen !== undefined && this.isText(chosen);
      }
      case 'or':
      case 'and': {
        const left = isTrue(this.value(expression.left)) === (expression.kind === 'or');
        return this.isText(left ? expression.left : expression.right);
      }
      default:
        return false;
    }
  }

  /** Text that `default` leaves as it is. */
  private isKeptText({ name, of }: Extract<Expression, { kind: 'filter' }>): boolean {
    if (!['default', 'd'].includes(shortName(name)) || !this.isText(of)) return false;
    const value = this.value(of);
    return !(value instanceof Undefined) && isTrue(value);
  }

  private variable(name: string): Value {
    const value = this.scope.variable(name);
    if (value !== undefined) return value;
    return new Undefined(() =>
      this.scope.fault(
        'undefined-variable',
        `The variable "${name}" is not defined${this.scope.suggest(name)}`,
      ),
    );
  }

  /** Text that may have a secret in it is a secret from then on. */
  private secretly(text: string): Value {
    return this.sawSecret ? new Secret(text) : text;
  }

  private map(entries: readonly (readonly [Expression, Expression])[]): ValueMap {
    const map: ValueMap = new Map();
    for (const [name, member] of entries) {
      const key = asKey(this.value(name));
      if (key === undefined) throw this.scope.fault('template-value', 'A list or a mapping cannot be a key');
      map.set(key, this.value(member));
    }
    return map;
  }

  private member(of: Expression, key: Value): Value {
    const whole = this.value(of);
    if (whole instanceof Undefined) return whole;
    const found = memberOf(whole, key);
    if (found !== undefined) return found;
    const shown = holdsSecret(key) ? 'of that secret name' : literalOf(key);
    return new Undefined(() =>
      this.scope.fault('undefined-variable', `${kindOf(whole)} has no member ${shown}`.replace(/^a/, 'A')),
    );
  }

  private slice({ of, from, to }: Extract<Expression, { kind: 'slice' }>): Value {
    const whole = this.value(of);
    if (whole instanceof Undefined) return whole;
    const bound = (edge: Expression | undefined): number | undefined => {
      const value = edge === undefined ? undefined : numberOf(this.value(edge));
      return value === undefined ? undefined : Number(value);
    };
    if (Array.isArray(whole)) return whole.slice(bound(from), bound(to));
    const text = plainText(whole);
    if (text === undefined) throw this.scope.fault('template-value', `${kindOf(whole)} cannot be sliced`);
    if (whole instanceof Secret) this.sawSecret = true;
    return this.secretly([...text].slice(bound(from), bound(to)).join(''));
  }

  private arguments({ positional, named }: Arguments): FilterArguments {
    return {
      positional: positional.map((one) => this.value(one)),
      named: new Map([...named].map(([name, one]) => [name, this.value(one)])),
    };
  }

  private filter(name: string, value: Value, call: FilterArguments): Value {
    const filter = FILTERS.get(shortName(name));
    if (filter === undefined) throw this.unsupported(`The filter "${name}"`, FILTERS.keys());
    const result = filter(value, call, this.#context);
    return this.sawSecret && typeof result === 'string' ? new Secret(result) : result;
  }

  private test(name: string, value: Value, call: Arguments): boolean {
    const test = TESTS.get(shortName(name));
    if (test === undefined) throw this.unsupported(`The test "is ${name}"`, TESTS.keys());
    return test(value, this.arguments(call).positional, this.#context);
  }

  private call(of: Expression, call: Arguments): Value {
    if (of.kind === 'name' && ['lookup', 'query', 'q'].includes(of.name)) return this.lookup(of.name, call);
    if (of.kind === 'attribute') {
      const self = this.value(of.of);
      if (self instanceof Undefined) throw self.fault();
      const result = callMethod(self, of.name, this.arguments(call), this.#context);
      if (result === undefined) throw this.unsupported(`Calling "${of.name}" of ${kindOf(self)}`);
      return this.sawSecret && typeof result === 'string' ? new Secret(result) : result;
    }
    throw this.unsupported(of.kind === 'name' ? `Calling "${of.name}"` : 'This call');
  }

  private lookup(how: string, call: Arguments): Value {
    const { positional, named } = this.arguments(call);
    const [first, ...rest] = positional;
    const name = first === undefined ? '' : this.text(first);
    if (!this.scope.lookups)
      throw this.scope.fault('template-value', 'A lookup cannot stand in a constructed source');
    const lookup = LOOKUPS.get(shortName(name));
    if (lookup === undefined)
      throw this.unsupported(`lookup("${this.#context.shown(name)}")`, LOOKUPS.keys());
    const terms = rest
      .flatMap((term) => (Array.isArray(term) ? term : [term]))
      .map((term) => this.text(term));
    const found = lookup(terms, { positional: [], named }, this.#context);
    if (how !== 'lookup' || isTrue(named.get('wantlist') ?? false)) return found;
    return found.length === 1 && typeof found[0] !== 'string'
      ? (found[0] ?? null)
      : found.map((one) => this.text(one)).join(',');
  }

  private unary(operator: 'not' | '-' | '+', value: Value): Value {
    if (operator === 'not') return !isTrue(value);
    const number = numberOf(value);
    if (value instanceof Undefined) throw value.fault();
    if (number === undefined)
      throw this.scope.fault('template-value', `"${operator}" before ${kindOf(value)}`);
    if (value instanceof Float) return new Float(operator === '-' ? -value.value : value.value);
    return narrow(operator === '-' ? -BigInt(number) : BigInt(number));
  }

  private compare(first: Expression, rest: readonly Comparison[]): boolean {
    let left = this.value(first);
    for (const { operator, right } of rest) {
      const other = this.value(right);
      if (!holds(operator, left, other, this.#context)) return false;
      left = other;
    }
    return true;
  }

  private arithmetic(operator: Arithmetic, left: Value, right: Value): Value {
    if (operator === '+' && plainText(left) !== undefined && plainText(right) !== undefined) {
      return this.secretly(this.text(left) + this.text(right));
    }
    return calculate(operator, left, right, this.#context);
  }

  private conditional({ condition, yes, otherwise }: Extract<Expression, { kind: 'if' }>): Value {
    if (isTrue(this.value(condition))) return this.value(yes);
    if (otherwise !== undefined) return this.value(otherwise);
    const nothing = 'The condition is false and there is no "else"';
    return new Undefined(() => this.scope.fault('undefined-variable', nothing), true);
  }

  private unsupported(what: string, known?: Iterable<string>): Error {
    const list = known === undefined ? '' : `; supported are ${[...known].sort().join(', ')}`;
    return this.scope.fault('template-unsupported', `${what} is not supported in an inventory${list}`);
  }
}

function shortName(name: string): string {
  return name.replace(/^ansible\.(?:builtin|legacy)\./, '');
}
