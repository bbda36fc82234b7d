import { type Expression, isMark, type Properties, type SourceFile } from './source.js';
import type { Token } from './tokens.js';

/** What stands in an object literal: its properties, and the names of what is spread into it. */
export interface ObjectLiteral {
  readonly properties: Properties;
  readonly spreads: readonly string[];
}

/** Reads the literal whose brace opens at an index. `...(condition && { a })` counts as if it always applied. */
export function objectAt(file: SourceFile, open: number): ObjectLiteral {
  const properties = new Map<string, Expression>();
  const spreads: string[] = [];
  for (const { start, tokens } of file.parts(open)) {
    const [first, second] = tokens;
    if (first === undefined) continue;
    if (isMark(first, '...')) {
      const inner = file.tokens.findIndex(
        (token, index) => index > start && index < start + tokens.length && isMark(token, '{'),
      );
      if (inner < 0)
        spreads.push(
          tokens
            .slice(1)
            .map(({ text }) => text)
            .join(''),
        );
      else for (const [name, value] of objectAt(file, inner).properties) properties.set(name, value);
    } else if (second === undefined) properties.set(first.text, [first]);
    else if (isMark(second, ':')) properties.set(first.text, tokens.slice(2));
  }
  return { properties, spreads };
}

/** An expression cut at a mark that stands outside of all brackets. */
export function cut(expression: Expression, ...marks: readonly string[]): Expression[] {
  const parts: Token[][] = [[]];
  let depth = 0;
  for (const token of expression) {
    if (isMark(token, '(', '[', '{')) depth++;
    if (isMark(token, ')', ']', '}')) depth--;
    if (depth === 0 && isMark(token, ...marks)) parts.push([]);
    else parts.at(-1)?.push(token);
  }
  return parts;
}
