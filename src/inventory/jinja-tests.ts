import { Secret } from '../core/secret.js';
import type { FilterContext } from './filters.js';
import { Float, isLazyMap, Undefined, type Value } from './value.js';
import { areEqual, contains, numberOf, order } from './value-algebra.js';

type Test = (value: Value, args: readonly Value[], context: FilterContext) => boolean;

const isNumber: Test = (value) => numberOf(value) !== undefined;
const isText: Test = (value) => typeof value === 'string' || value instanceof Secret;
const equals: Test = (value, [other]) => areEqual(defined(value), defined(other));
const remainder = (value: Value): number => Number(numberOf(value) ?? Number.NaN) % 2;

/** The tests after `is` that are understood. */
export const TESTS: ReadonlyMap<string, Test> = new Map<string, Test>([
  ['defined', (value) => !(value instanceof Undefined)],
  ['undefined', (value) => value instanceof Undefined],
  ['none', (value) => value === null],
  ['string', isText],
  ['number', isNumber],
  ['integer', (value) => typeof value === 'number' || typeof value === 'bigint'],
  ['float', (value) => value instanceof Float],
  ['boolean', (value) => typeof value === 'boolean'],
  ['true', (value) => value === true],
  ['false', (value) => value === false],
  ['mapping', (value) => value instanceof Map || isLazyMap(value)],
  [
    'sequence',
    (value, args, context) => Array.isArray(value) || value instanceof Map || isText(value, args, context),
  ],
  [
    'iterable',
    (value, args, context) => Array.isArray(value) || value instanceof Map || isText(value, args, context),
  ],
  ['even', (value) => remainder(value) === 0],
  ['odd', (value) => Math.abs(remainder(value)) === 1],
  ['lower', (value, _args, { text }) => text(value) === text(value).toLowerCase()],
  ['upper', (value, _args, { text }) => text(value) === text(value).toUpperCase()],
  ['eq', equals],
  ['equalto', equals],
  ['ne', (value, [other]) => !areEqual(defined(value), defined(other))],
  ['lt', (value, [other]) => (order(defined(value), defined(other)) ?? 0) < 0],
  ['gt', (value, [other]) => (order(defined(value), defined(other)) ?? 0) > 0],
  ['in', (value, [whole]) => contains(defined(whole), defined(value)) === true],
  ['contains', (value, [part]) => contains(defined(value), defined(part)) === true],
]);

function defined(value: Value | undefined): Value {
  if (value instanceof Undefined) throw value.fault();
  return value ?? null;
}
