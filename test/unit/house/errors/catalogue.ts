import { EXIT_STATUS } from '../../../../src/core/errors.js';
import { cut, type ObjectLiteral, objectAt } from './properties.js';
import { type Expression, isMark, type Named, SourceFile } from './source.js';
import { sourcesBelow } from './sources.js';
import { type Call, Depends, enclosing, type Frame, propertyTexts, textsOf } from './texts.js';

/** An error as the program can throw it. Texts have `{name}` where it depends. */
export interface ErrorEntry {
  readonly code: string;
  /** Empty where it depends on what happened. */
  readonly kinds: readonly string[];
  readonly whats: readonly string[];
  readonly nexts: readonly string[];
  /** `ssh/become.ts:38` */
  readonly place: string;
}

/**
 * Sentences that stand in a table of their own: the error that is made of them takes code, kind and next step of one of the
 * object literals of a file.
 */
const TABLES: ReadonlyMap<string, { readonly file: string; readonly prefix: string }> = new Map([
  ['repository/s3/failures.ts', { file: 'repository/s3/sentences.ts', prefix: 'repository.' }],
  ['repository/directory/failures.ts', { file: 'repository/directory/failures.ts', prefix: '' }],
]);

/**
 * Functions that make an error of what others returned: the object literals with a code in these files. The function is told by
 * the file that calls it.
 */
const RETURNED: ReadonlyMap<string, { readonly files: readonly string[]; readonly prefix: string }> = new Map(
  [
    [
      'inventory/resolver.ts',
      { files: ['inventory/template-lexer.ts', 'inventory/expression-parser.ts'], prefix: 'inventory.' },
    ],
  ],
);

/** A table of pairs of code and next step, with the code of what is not in it. */
const PAIRS: ReadonlyMap<string, { readonly name: string; readonly otherwise: string }> = new Map([
  ['coolify/remote-files.ts', { name: 'NOT_TAKEN', otherwise: 'host.file-unsafe' }],
]);

/** Every error of the program, from its source. Throws for one whose code cannot be told: teach this file the way it is made. */
export function errorCatalogue(root: string): ErrorEntry[] {
  return new Catalogue(root).entries();
}

class Catalogue {
  readonly files: readonly SourceFile[];

  constructor(readonly root: string) {
    this.files = sourcesBelow(root).map(({ path, text }) => new SourceFile(path, text));
  }

  entries(): ErrorEntry[] {
    return this.files.flatMap((file) =>
      [...file.tokens.keys()]
        .filter((index) => file.word(index) === 'new' && file.word(index + 1) === 'StateError')
        .flatMap((index) => this.#errorAt(file, index)),
    );
  }

  #errorAt(file: SourceFile, index: number): ErrorEntry[] {
    const place = `${file.path}:${file.lineOf(index)}`;
    const argument = index + 3;
    if (file.word(argument) !== '{') return file.path === 'core/errors.ts' ? [] : fail(place);
    const literal = objectAt(file, argument);
    // The facts of another error, with something added: its code is told where that one is made.
    const isOther = literal.spreads.some((spread) => spread.endsWith('facts()'));
    if (isOther && !literal.properties.has('kind')) return [];
    const isRepacked =
      literal.properties.get('code')?.[0]?.text === 'code' &&
      /const \{[^}]*\bcode\b[^}]*\} = error;/.test(file.text.slice(0, file.tokens[index]?.at));
    if (isRepacked) return [];
    const pairs = PAIRS.get(file.path);
    if (pairs !== undefined && literal.properties.get('code')?.[0]?.text === 'code')
      return this.#paired(file, pairs, literal, index, place);
    const table = TABLES.get(file.path);
    if (table !== undefined) return this.#tabled(literal, table, { file, at: index }, place);
    return decided(literal).flatMap((one) => this.#expanded(one, [{ file, at: index }], place));
  }

  #expanded(literal: ObjectLiteral, frames: readonly Frame[], place: string): ErrorEntry[] {
    const found = propertyTexts(literal, 'code', frames);
    if (found instanceof Depends) {
      const next = this.#callers(found, frames);
      if (next.length === 0 || frames.length > 6) return fail(place, frames);
      return next.flatMap((one) => this.#expanded(literal, one, place));
    }
    const returned = RETURNED.get(frames.at(-1)?.file.path ?? '');
    if (found.length === 0 && returned !== undefined) {
      const kinds = propertyTexts(literal, 'kind', frames);
      return this.files
        .filter(({ path }) => returned.files.includes(path))
        .flatMap((file) => this.#literals(file))
        .map((entry) => ({
          ...entry,
          code: `${returned.prefix}${entry.code}`,
          kinds: kinds instanceof Depends ? [] : kinds,
          nexts: this.#nexts(literal, frames),
        }));
    }
    if (found.length === 0) return fail(place, frames);
    const soft = (name: string): string[] => {
      const texts = propertyTexts(literal, name, frames);
      return texts instanceof Depends ? [`{${texts.parameter.name}}`] : texts;
    };
    return found.map((code) => ({
      code,
      kinds: soft('kind').filter((kind) => kind in EXIT_STATUS),
      whats: soft('what'),
      nexts: this.#nexts(literal, frames),
      place,
    }));
  }

  /** What to do next, in each of the ways in which it is given where it depends on that. */
  #nexts(literal: ObjectLiteral, frames: readonly Frame[]): string[] {
    const texts = propertyTexts(literal, 'next', frames);
    if (!(texts instanceof Depends)) return texts;
    const ways = frames.length > 6 ? [] : this.#callers(texts, frames);
    return [...new Set(ways.flatMap((way) => this.#nexts(literal, way)))];
  }

  #tabled(
    literal: ObjectLiteral,
    { file: path, prefix }: { readonly file: string; readonly prefix: string },
    frame: Frame,
    place: string,
  ): ErrorEntry[] {
    const file = this.files.find((one) => one.path === path) ?? fail(place);
    const texts = textsOf(literal.properties.get('what') ?? [], [frame], 0);
    const whats = texts instanceof Depends ? [] : texts;
    const others = this.#literals(file).map(({ code, kinds, nexts }) => ({
      code: `${prefix}${code}`,
      kinds: kinds.length > 0 ? kinds : ['failed'],
      whats,
      nexts,
      place: path,
    }));
    const found = textsOf(literal.properties.get('next') ?? [], [frame], 0);
    const nexts = found instanceof Depends ? [] : found.filter((next) => !next.startsWith('{'));
    return [...others, { code: 'repository.failed', kinds: ['failed'], whats, nexts, place }];
  }

  #paired(
    file: SourceFile,
    { name, otherwise }: { readonly name: string; readonly otherwise: string },
    literal: ObjectLiteral,
    at: number,
    place: string,
  ): ErrorEntry[] {
    const tokens = file.constant(name, at)?.value ?? [];
    const pairs = tokens.flatMap((token, index) => {
      const [code, comma, next] = tokens.slice(index + 1, index + 4);
      return isMark(token, '[') && code?.kind === 'text' && comma !== undefined && next?.kind === 'text'
        ? [{ code: code.text, nexts: [next.text] }]
        : [];
    });
    if (pairs.length === 0 || !file.text.includes(`[code = '${otherwise}'`)) return fail(place);
    const texts = (property: string): string[] => {
      const found = propertyTexts(literal, property, [{ file, at }]);
      return found instanceof Depends ? [] : found;
    };
    return [...pairs, { code: otherwise, nexts: [] }].map((pair) => ({
      ...pair,
      kinds: texts('kind'),
      whats: texts('what'),
      place,
    }));
  }

  /** The object literals of a file that begin with a code. */
  #literals(file: SourceFile): ErrorEntry[] {
    return [...file.tokens.keys()]
      .filter((index) => file.word(index) === '{' && file.word(index + 1) === 'code')
      .filter((index) => file.tokens[index + 3]?.kind === 'text')
      .flatMap((index) => {
        const { properties } = objectAt(file, index);
        const texts = (name: string): string[] => {
          const own = textsOf(properties.get(name) ?? [], [{ file, at: index }], 0);
          return own instanceof Depends ? [`{${own.parameter.name}}`] : own;
        };
        const place = `${file.path}:${file.lineOf(index)}`;
        return texts('code').map((code) => ({
          code,
          kinds: texts('kind'),
          whats: texts('what'),
          nexts: texts('next'),
          place,
        }));
      });
  }

  /** The frames of a place for each way in which the function that it depends on is called. */
  #callers({ on, parameter }: Depends, frames: readonly Frame[]): (readonly Frame[])[] {
    const last = frames.at(-1);
    if (last === undefined) return [];
    const before = frames.slice(0, -1);
    if (parameter.words.length > 0) {
      return parameter.words.map((word) => [
        ...before,
        { ...last, bound: { by: on, call: undefined, words: new Map([[parameter.name, word]]) } },
      ]);
    }
    return this.#callsOf(on).map((call) => [
      ...before,
      { ...last, bound: { by: on, call, words: new Map() } },
      { file: call.file, at: call.at },
    ]);
  }

  #callsOf(named: Named): Call[] {
    return this.files
      .filter((file) => file === named.file || named.isMember || imports(file, named))
      .flatMap((file) =>
        [...file.tokens.keys()]
          .filter((index) => {
            if (file.word(index) !== named.name || file.word(index + 1) !== '(') return false;
            const before = file.word(index - 1);
            if (named.isMember) return before === '.';
            const shadow = enclosing(file, index, named.name)?.by;
            const isShadowed = shadow !== undefined && (file !== named.file || shadow.start > named.start);
            return before !== '.' && before !== 'function' && !isShadowed;
          })
          .map((index) => ({ file, at: index, parts: file.parts(index + 1) }))
          // Another one of the same name takes less.
          .filter(({ parts }) => !named.isMember || parts.length === named.parameters.length),
      );
  }
}

/** A literal whose code is one of two as a condition has it: once for either, with what else hangs on that condition. */
function decided(literal: ObjectLiteral): ObjectLiteral[] {
  const [condition, yes, no, ...more] = cut(literal.properties.get('code') ?? [], '?', ':');
  if (condition === undefined || yes === undefined || no === undefined || more.length > 0) return [literal];
  const same = textOf(condition);
  return [1, 2].map((way) => ({
    ...literal,
    properties: new Map(
      [...literal.properties].map(([name, value]) => {
        const choice = cut(value, '?', ':');
        const isSame = choice.length === 3 && textOf(choice[0] ?? []) === same;
        return [name, isSame ? (choice[way] ?? []) : value];
      }),
    ),
  }));
}

function textOf(expression: Expression): string {
  return expression.map(({ text }) => text).join(' ');
}

function imports(file: SourceFile, { name, file: { path } }: Named): boolean {
  const from = path.slice(path.lastIndexOf('/') + 1).replace(/\.ts$/, '.js');
  return file.text
    .split(/^(?=import )/m)
    .some(
      (part) =>
        part.startsWith('import ') &&
        part.split(';')[0]?.includes(`/${from}'`) === true &&
        new RegExp(`\\b${name}\\b`).test(part.split(';')[0] ?? ''),
    );
}

function fail(place: string, frames: readonly Frame[] = []): never {
  const ways = frames.slice(1).map(({ file, at }) => `, as it is made in ${file.path}:${file.lineOf(at)}`);
  throw new Error(
    `${place}${ways.join('')}: the code of this error cannot be told; write it out, or teach it to test/unit/house/errors/`,
  );
}
