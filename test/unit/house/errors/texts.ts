import { cut, type ObjectLiteral, objectAt } from './properties.js';
import { type Expression, isMark, type Named, type Parameter, SourceFile } from './source.js';
import { type Token, templateParts } from './tokens.js';

/** Where a text is looked for: a place, and what the function around it was called with there. */
export interface Frame {
  readonly file: SourceFile;
  readonly at: number;
  /** Arguments, which belong to the next frame; or words of a parameter's type. */
  readonly bound?: {
    readonly by: Named;
    readonly call: Call | undefined;
    readonly words: ReadonlyMap<string, string>;
  };
}

export interface Call {
  readonly file: SourceFile;
  readonly at: number;
  readonly parts: ReturnType<SourceFile['parts']>;
}

/** A text depends on what a function is called with. */
export class Depends {
  constructor(
    readonly on: Named,
    readonly parameter: Parameter,
  ) {}
}

/** The texts of a property of a literal, of its own or spread into it. */
export function propertyTexts(
  literal: ObjectLiteral,
  name: string,
  frames: readonly Frame[],
  depth = 0,
): string[] | Depends {
  const own = literal.properties.get(name);
  if (own !== undefined) return textsOf(own, frames, depth);
  for (const spread of literal.spreads) {
    const texts = memberTexts(spread, name, frames, depth);
    if (texts !== undefined) return texts;
  }
  return [];
}

/** What an expression can be, as text; a placeholder for what cannot be told. */
export function textsOf(expression: Expression, frames: readonly Frame[], depth: number): string[] | Depends {
  const [frame] = frames.slice(depth);
  const [first, second, third, fourth] = expression;
  if (frame === undefined || first === undefined) return [];
  const choice = cut(expression, '?', ':');
  const [condition, yes, no] = choice;
  if (condition !== undefined && yes !== undefined && no !== undefined && choice.length === 3) {
    const known = truthOf(condition, frames, depth);
    return known === undefined
      ? allTexts([yes, no], frames, depth)
      : textsOf(known ? yes : no, frames, depth);
  }
  const ways =
    choice.length > 3
      ? choice.filter((_, index) => index % 2 === 1 || index === choice.length - 1)
      : cut(expression, '??', '||');
  if (ways.length > 1) return allTexts(ways, frames, depth);
  if (expression.length === 1) {
    if (first.kind === 'text') return [first.text];
    if (first.kind === 'template') return templateTexts(first.text, frames, depth);
    if (first.text === 'undefined') return [];
    if (first.kind === 'word') return namedTexts(first.text, frames, depth) ?? [`{${first.text}}`];
  }
  if (isMark(first, '(') && isMark(expression.at(-1), ')'))
    return textsOf(expression.slice(1, -1), frames, depth);
  if (first.text === 'printable' && isMark(second, '(') && isMark(expression.at(-1), ')'))
    return textsOf(cut(expression.slice(2, -1), ',')[0] ?? [], frames, depth);
  if (isMark(second, '.') && expression.length === 3 && third !== undefined)
    return memberTexts(first.text, third.text, frames, depth) ?? [`{${third.text}}`];
  if (isMark(second, '[') && third?.kind === 'word' && isMark(fourth, ']'))
    return indexedTexts(first.text, third.text, frames, depth) ?? [`{${third.text}}`];
  return [`{${nameOf(expression)}}`];
}

/** Whether `name === 'text'` holds, where that can be told. */
function truthOf(condition: Expression, frames: readonly Frame[], depth: number): boolean | undefined {
  const [name, sign, wanted] = condition;
  if (condition.length !== 3 || sign?.text !== '===' || wanted?.kind !== 'text' || name?.kind !== 'word')
    return undefined;
  const texts = namedTexts(name.text, frames, depth);
  return texts === undefined || texts instanceof Depends || texts.length !== 1
    ? undefined
    : texts[0] === wanted.text;
}

function allTexts(ways: readonly Expression[], frames: readonly Frame[], depth: number): string[] | Depends {
  const all: string[] = [];
  for (const way of ways) {
    const texts = textsOf(way, frames, depth);
    if (texts instanceof Depends) return texts;
    all.push(...texts);
  }
  return [...new Set(all)];
}

function templateTexts(text: string, frames: readonly Frame[], depth: number): string[] | Depends {
  const { texts, expressions } = templateParts(text);
  let all = [texts[0] ?? ''];
  for (const [index, expression] of expressions.entries()) {
    const parsed = new SourceFile('', expression).tokens;
    const isCode = all.every((one) => /^[a-z-]+\.[a-z-]*$/.test(one));
    const found = textsOf(parsed, frames, depth);
    if (found instanceof Depends && isCode) return found;
    const shown =
      found instanceof Depends || (!isCode && found.length !== 1) ? [`{${nameOf(parsed)}}`] : found;
    all = all.flatMap((one) => shown.map((other) => `${one}${other}${texts[index + 1] ?? ''}`));
  }
  return all;
}

/** What a name stands for: what it was bound to, a constant, or a parameter that something else depends on. */
function namedTexts(name: string, frames: readonly Frame[], depth: number): string[] | Depends | undefined {
  const [frame] = frames.slice(depth);
  if (frame === undefined) return undefined;
  const { file, at, bound } = frame;
  const parameter = bound?.by.parameters.find((one) => one.name === name);
  if (bound !== undefined && parameter !== undefined) {
    const word = bound.words.get(name);
    if (word !== undefined) return [word];
    const given = bound.call?.parts[parameter.index];
    if (given === undefined)
      return parameter.fallback === undefined ? [] : textsOf(parameter.fallback, frames, depth);
    if (parameter.key === undefined) return textsOf(given.tokens, frames, depth + 1);
    const texts = objectTexts(given.tokens, given.start, parameter.key, frames, depth + 1);
    if (texts !== undefined) return texts;
    return parameter.fallback === undefined ? [] : textsOf(parameter.fallback, frames, depth);
  }
  const named = enclosing(file, at, name);
  const constant = file.constant(name, at);
  if (constant !== undefined && constant.at < at && (named === undefined || constant.at > named.by.start))
    return textsOf(constant.value, frames, depth);
  if (named !== undefined) return new Depends(named.by, named.parameter);
  return constant === undefined ? undefined : textsOf(constant.value, frames, depth);
}

/** A property of what a name stands for, such as of the one object that a function is given. */
function memberTexts(
  name: string,
  key: string,
  frames: readonly Frame[],
  depth: number,
): string[] | Depends | undefined {
  const [frame] = frames.slice(depth);
  if (frame === undefined) return undefined;
  const { file, at, bound } = frame;
  const parameter = bound?.by.parameters.find((one) => one.name === name);
  const given = parameter === undefined ? undefined : bound?.call?.parts[parameter.index];
  if (given !== undefined) return objectTexts(given.tokens, given.start, key, frames, depth + 1);
  const named = bound === undefined ? enclosing(file, at, name) : undefined;
  if (named !== undefined) return new Depends(named.by, named.parameter);
  const constant = file.constant(name, at);
  if (constant === undefined || !isMark(constant.value[0], '{')) return undefined;
  return objectTexts(constant.value, file.tokens.indexOf(first(constant.value)), key, frames, depth);
}

function indexedTexts(
  name: string,
  index: string,
  frames: readonly Frame[],
  depth: number,
): string[] | Depends | undefined {
  const keys = namedTexts(index, frames, depth);
  if (keys === undefined || keys instanceof Depends || keys.length !== 1) return keys;
  return memberTexts(name, keys[0] ?? '', frames, depth);
}

/** A property of an object that is written out at a place, or is a name for one. */
function objectTexts(
  tokens: Expression,
  start: number,
  key: string,
  frames: readonly Frame[],
  depth: number,
): string[] | Depends | undefined {
  const [frame] = frames.slice(depth);
  const [only] = tokens;
  if (frame === undefined || only === undefined) return undefined;
  if (isMark(only, '{')) {
    const literal = objectAt(frame.file, start);
    if (!literal.properties.has(key) && literal.spreads.length === 0) return undefined;
    return propertyTexts(literal, key, frames, depth);
  }
  return tokens.length === 1 ? memberTexts(only.text, key, frames, depth) : undefined;
}

/** The nearest function before a place that has a parameter of this name. */
export function enclosing(
  file: SourceFile,
  at: number,
  name: string,
): { readonly by: Named; readonly parameter: Parameter } | undefined {
  return file.functions
    .filter(({ start }) => start < at)
    .flatMap((by) => by.parameters.filter((one) => one.name === name).map((parameter) => ({ by, parameter })))
    .at(-1);
}

/** The last name in an expression that is not called: what a reader makes most of. */
function nameOf(expression: readonly Token[]): string {
  const words = expression.filter(
    ({ kind, text }, index) =>
      kind === 'word' && expression[index + 1]?.text !== '(' && !/^[A-Z]|^(?:undefined|this)$/.test(text),
  );
  return words.at(-1)?.text ?? '…';
}

function first(expression: Expression): Token {
  const [token] = expression;
  if (token === undefined) throw new Error('an empty expression');
  return token;
}
