import { Secret } from '../core/secret.js';
import { type FilterArguments, type FilterContext, splitText, strip } from './filters.js';
import type { Value, ValueMap } from './value.js';
import { keyValue, memberOf } from './value-algebra.js';

type Method<Of> = (self: Of, args: readonly Value[], context: FilterContext) => Value;

const begins = (text: string, part: string): boolean => text.startsWith(part);
const ends = (text: string, part: string): boolean => text.endsWith(part);

/** `startswith` and `endswith` also take several texts to choose from. */
const matches =
  (test: (text: string, part: string) => boolean): Method<string> =>
  (self, [wanted], { text }) =>
    Array.isArray(wanted) ? wanted.some((one) => test(self, text(one))) : test(self, text(wanted ?? ''));

const stripping =
  (side: 'both' | 'left' | 'right'): Method<string> =>
  (self, [chars], { text }) =>
    strip(self, chars === undefined || chars === null ? ' \t\n\r\v\f' : text(chars), side);

const TEXT_METHODS: ReadonlyMap<string, Method<string>> = new Map<string, Method<string>>([
  ['startswith', matches(begins)],
  ['endswith', matches(ends)],
  ['lower', (self) => self.toLowerCase()],
  ['upper', (self) => self.toUpperCase()],
  ['strip', stripping('both')],
  ['lstrip', stripping('left')],
  ['rstrip', stripping('right')],
  ['isdigit', (self) => /^\p{Nd}+$/u.test(self)],
  [
    'split',
    (self, [separator], { text }) => splitText(self, separator == null ? undefined : text(separator)),
  ],
  ['replace', (self, [from, to], { text }) => self.replaceAll(text(from ?? ''), () => text(to ?? ''))],
  ['join', (self, [items], { text }) => (Array.isArray(items) ? items.map(text).join(self) : '')],
  ['find', (self, [part], { text }) => self.indexOf(text(part ?? ''))],
]);

const MAP_METHODS: ReadonlyMap<string, Method<ValueMap>> = new Map<string, Method<ValueMap>>([
  ['get', (self, [key, fallback]) => (key === undefined ? null : (memberOf(self, key) ?? fallback ?? null))],
  ['values', (self) => [...self.values()]],
  ['keys', (self) => [...self.keys()].map(keyValue)],
  ['items', (self) => [...self].map(([key, value]) => [keyValue(key), value])],
]);

/** Calls a method of text or of a mapping. Undefined when there is no such method, or it is not supported. */
export function callMethod(
  of: Value,
  name: string,
  { positional }: FilterArguments,
  context: FilterContext,
): Value | undefined {
  if (typeof of === 'string' || of instanceof Secret) {
    return TEXT_METHODS.get(name)?.(context.text(of), positional, context);
  }
  return of instanceof Map ? MAP_METHODS.get(name)?.(of, positional, context) : undefined;
}
