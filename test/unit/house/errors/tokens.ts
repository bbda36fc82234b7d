/** A piece of TypeScript, as far as finding object literals and texts in it needs. */
export interface Token {
  readonly kind: 'word' | 'mark' | 'text' | 'template' | 'number' | 'regex';
  /** As written; of a text or template what is between the quotes, escapes resolved. */
  readonly text: string;
  /** Where it begins. */
  readonly at: number;
}

const SKIPPED = /(?:\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/)+/y;
const WORD = /[\p{L}_$#][\p{L}\p{N}_$]*/uy;
const NUMBER = /\d[\w.]*/y;
const TEXT = /'((?:[^'\\\n]|\\[\s\S])*)'|"((?:[^"\\\n]|\\[\s\S])*)"/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const MARK = /=>|\?\?=|\|\|=|&&=|\?\?|\?\.|\|\||&&|\.\.\.|[<>!=]=+|[\s\S]/y;

/** After these a slash begins a regular expression; after anything else, which ends a value, it divides. */
const BEFORE_REGEX =
  /^(?:[=(,:[!&|?{};+\-*<>~^%]|=>|\|\||&&|\?\?|[<>!=]=+|return|typeof|case|throw|in|of|\.\.\.)$/;

/** Cuts a source into tokens. Comments are left out. */
export function tokensOf(source: string): Token[] {
  return scan(source, 0, false).tokens;
}

/** The expressions `${...}` of a template's text, cut away: what stands between and around them, and they themselves. */
export function templateParts(text: string): { readonly texts: string[]; readonly expressions: string[] } {
  const texts: string[] = [];
  const expressions: string[] = [];
  let from = 0;
  for (let open = text.indexOf('${'); open >= 0; open = text.indexOf('${', from)) {
    const { end } = scan(text, open + 2, true);
    texts.push(text.slice(from, open));
    expressions.push(text.slice(open + 2, end - 1));
    from = end;
  }
  return { texts: [...texts, text.slice(from)], expressions };
}

/** Tokens from a place on: to the end, or to the brace that closes what was open there. `end` is past that. */
function scan(source: string, from: number, untilBrace: boolean): { tokens: Token[]; end: number } {
  const tokens: Token[] = [];
  let at = from;
  let depth = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  const push = (kind: Token['kind'], text: string, length: number): void => {
    tokens.push({ kind, text, at });
    at += length;
  };
  while (at < source.length) {
    const skipped = take(SKIPPED);
    if (skipped !== null) {
      at += skipped[0].length;
      continue;
    }
    const text = take(TEXT);
    const word = take(WORD);
    const number = take(NUMBER);
    const regex = BEFORE_REGEX.test(tokens.at(-1)?.text ?? '=') ? take(REGEX) : null;
    if (text !== null) push('text', unescaped(text[1] ?? text[2] ?? ''), text[0].length);
    else if (source[at] === '`') {
      const end = templateEnd(source, at + 1);
      push('template', unescaped(source.slice(at + 1, end - 1)), end - at);
    } else if (word !== null) push('word', word[0], word[0].length);
    else if (number !== null) push('number', number[0], number[0].length);
    else if (regex !== null) push('regex', regex[0], regex[0].length);
    else {
      const mark = take(MARK)?.[0] ?? '';
      push('mark', mark, Math.max(1, mark.length));
      if (mark === '{') depth++;
      else if (mark === '}' && depth-- === 0 && untilBrace) return { tokens, end: at };
    }
  }
  return { tokens, end: at };
}

/** Index past the backtick that closes a template. */
function templateEnd(source: string, from: number): number {
  let at = from;
  while (at < source.length) {
    if (source[at] === '\\') at += 2;
    else if (source[at] === '`') return at + 1;
    else if (source.startsWith('${', at)) at = scan(source, at + 2, true).end;
    else at++;
  }
  throw new Error('a template without its end');
}

function unescaped(text: string): string {
  return text.replace(/\\(['"`\\])/g, '$1').replace(/\\n/g, '\n');
}
