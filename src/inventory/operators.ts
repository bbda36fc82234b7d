import { Secret } from '../core/secret.js';
import type { Comparison, Expression } from './expression.js';
import { Float, kindOf, Tuple, Undefined, type Value } from './value.js';
import { areEqual, contains, numberOf, order, plainText } from './value-algebra.js';
import { narrow } from './yaml-scalars.js';

export type Arithmetic = Extract<Expression, { kind: 'arithmetic' }>['operator'];

/** Makes the errors: for what has no meaning, and for what Python can do and this room does not. */
interface Faults {
  readonly wrong: (what: string) => Error;
  readonly unsupported: (what: string) => Error;
}

/** Longer repetitions are an attack on memory. */
const LONGEST = 100_000;

/** Whether a comparison holds. @throws what `wrong` makes of it when the two cannot be compared */
export function holds(operator: Comparison['operator'], left: Value, right: Value, faults: Faults): boolean {
  needDefined(left, right);
  if (operator === '==') return areEqual(left, right);
  if (operator === '!=') return !areEqual(left, right);
  if (operator === 'in' || operator === 'not in') {
    const within = contains(right, left);
    if (within === undefined) throw faults.wrong(`${kindOf(left)} cannot be in ${kindOf(right)}`);
    return within === (operator === 'in');
  }
  if (Array.isArray(left) && Array.isArray(right)) throw faults.unsupported('Comparing lists by size');
  const result = order(left, right);
  if (result === undefined)
    throw faults.wrong(`${kindOf(left)} and ${kindOf(right)} cannot be compared with ${operator}`);
  return { '<': result < 0, '<=': result <= 0, '>': result > 0, '>=': result >= 0 }[operator];
}

/** Python's arithmetic; `+` also joins lists. @throws what `wrong` makes of it when it has no meaning */
export function calculate(operator: Arithmetic, left: Value, right: Value, faults: Faults): Value {
  if (operator === '%' && plainText(left) !== undefined) throw faults.unsupported('Formatting text with %');
  needDefined(left, right);
  if (operator === '+' && Array.isArray(left) && Array.isArray(right)) {
    if (left instanceof Tuple !== right instanceof Tuple)
      throw faults.wrong('A list and a tuple cannot be joined');
    return left instanceof Tuple ? Tuple.from([...left, ...right]) : [...left, ...right];
  }
  if (operator === '*') {
    const repeated = repeat(left, right, faults) ?? repeat(right, left, faults);
    if (repeated !== undefined) return repeated;
  }
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a === undefined || b === undefined) {
    const text = (plainText(left) ?? plainText(right)) !== undefined;
    const hint = operator === '+' && text ? '; "~" joins them as text' : '';
    throw faults.wrong(`${kindOf(left)} ${operator} ${kindOf(right)} has no meaning${hint}`);
  }
  const result = compute(operator, a, b, !(left instanceof Float || right instanceof Float));
  if (result === undefined) throw faults.wrong(`${a} ${operator} ${b} has no result`);
  return result;
}

/** Text or a list several times over. Undefined when the two are not such a pair. */
function repeat(whole: Value, times: Value, { wrong, unsupported }: Faults): Value | undefined {
  const count = times instanceof Float ? undefined : numberOf(times);
  const text = plainText(whole);
  if (count === undefined) return undefined;
  const size = Math.max(0, Number(count));
  if (text !== undefined) {
    if (whole instanceof Secret) throw unsupported('Repeating a secret');
    if (size * text.length > LONGEST) throw wrong('That is too often');
    return text.repeat(size);
  }
  if (!Array.isArray(whole)) return undefined;
  if (size * whole.length > LONGEST) throw wrong('That is too often');
  const copies = Array.from({ length: size }, () => whole);
  return whole instanceof Tuple ? Tuple.from(copies.flat()) : copies.flat();
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
