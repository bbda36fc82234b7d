import type { Comparison, Expression } from './expression.js';
import { Float, kindOf, Undefined, type Value } from './value.js';
import { areEqual, contains, numberOf, order, plainText } from './value-algebra.js';
import { narrow } from './yaml-scalars.js';

export type Arithmetic = Extract<Expression, { kind: 'arithmetic' }>['operator'];

type Wrong = (what: string) => Error;

/** Whether a comparison holds. @throws what `wrong` makes of it when the two cannot be compared */
export function holds(operator: Comparison['operator'], left: Value, right: Value, wrong: Wrong): boolean {
  needDefined(left, right);
  if (operator === '==') return areEqual(left, right);
  if (operator === '!=') return !areEqual(left, right);
  if (operator === 'in' || operator === 'not in') {
    const within = contains(right, left);
    if (within === undefined) throw wrong(`${kindOf(left)} cannot be in ${kindOf(right)}`);
    return within === (operator === 'in');
  }
  const result = order(left, right);
  if (result === undefined)
    throw wrong(`${kindOf(left)} and ${kindOf(right)} cannot be compared with ${operator}`);
  return { '<': result < 0, '<=': result <= 0, '>': result > 0, '>=': result >= 0 }[operator];
}

/** Python's arithmetic; `+` also joins lists. @throws what `wrong` makes of it when it has no meaning */
export function calculate(operator: Arithmetic, left: Value, right: Value, wrong: Wrong): Value {
  needDefined(left, right);
  if (operator === '+' && Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a === undefined || b === undefined) {
    const text = (plainText(left) ?? plainText(right)) !== undefined;
    const hint = operator === '+' && text ? '; "~" joins them as text' : '';
    throw wrong(`${kindOf(left)} ${operator} ${kindOf(right)} has no meaning${hint}`);
  }
  const result = compute(operator, a, b, !(left instanceof Float || right instanceof Float));
  if (result === undefined) throw wrong(`${a} ${operator} ${b} has no result`);
  return result;
}

function needDefined(...values: readonly Value[]): void {
  for (const value of values) if (value instanceof Undefined && !value.lenient) throw value.fault();
}

function compute(
  operator: Arithmetic,
  a: number | bigint,
  b: number | bigint,
  whole: boolean,
): Value | undefined {
  if ((operator === '/' || operator === '//' || operator === '%') && Number(b) === 0) return undefined;
  if (operator === '/') return new Float(Number(a) / Number(b));
  if (!whole || (operator === '**' && b < 0)) return new Float(computeFloat(operator, Number(a), Number(b)));
  const [x, y] = [BigInt(a), BigInt(b)];
  switch (operator) {
    case '+':
      return narrow(x + y);
    case '-':
      return narrow(x - y);
    case '*':
      return narrow(x * y);
    case '//':
      return narrow((x - modulo(x, y)) / y);
    case '%':
      return narrow(modulo(x, y));
    default:
      return y > 64n ? undefined : narrow(x ** y);
  }
}

/** Python's remainder has the sign of the divisor. */
function modulo(x: bigint, y: bigint): bigint {
  const rest = x % y;
  return rest !== 0n && rest < 0n !== y < 0n ? rest + y : rest;
}

function computeFloat(operator: Arithmetic, a: number, b: number): number {
  const quotient = Math.floor(a / b);
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '//':
      return quotient;
    case '%':
      return a - b * quotient;
    default:
      return a ** b;
  }
}
