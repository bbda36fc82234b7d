import type { TemplateFault } from './expression.js';

export interface Token {
  readonly kind: 'name' | 'string' | 'integer' | 'float' | 'operator' | 'end';
  readonly text: string;
  readonly offset: number;
}

/** A template cut at its delimiters: text, and the tokens of each expression. */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[]; readonly source: string };

/** Whether Jinja would look at the text at all. */
export function mayBeTemplate(text: string): boolean {
  return text.includes('{{') || text.includes('{%') || text.includes('{#');
}

/** Cuts a template. Comments vanish, `{% raw %}` is text, other statements are unsupported. */
export function cutTemplate(text: string): Segment[] | TemplateFault {
  const segments: Segment[] = [];
  let at = 0;
  let trimNext = false;
  const addText = (part: string): void => {
    const shown = trimNext ? part.trimStart() : part;
    trimNext = false;
    if (shown !== '') segments.push({ kind: 'text', text: shown });
  };
  while (at < text.length) {
    const open = /\{[{%#]/.exec(text.slice(at));
    if (open === null) break;
    const start = at + open.index;
    const trims = text[start + 2] === '-';
    addText(trims ? text.slice(at, start).trimEnd() : text.slice(at, start));
    if (open[0] === '{#') {
      const end = text.indexOf('#}', start + 2);
      if (end < 0) return broken(text.slice(start), 'A comment is not closed with #}');
      trimNext = text[end - 1] === '-';
      at = end + 2 + (!trimNext && text[end + 2] === '\n' ? 1 : 0);
      continue;
    }
    if (open[0] === '{%') {
      const raw = /^\{%[-+]?\s*raw\s*(-?)%\}\n?(.*?)\{%(-?)\s*endraw\s*([-+]?)%\}\n?/s.exec(
        text.slice(start),
      );
      if (raw === null) return statement(text.slice(start));
      const [whole, trimStart, body = '', trimEnd, trimAfter] = raw;
      const left = trimStart === '-' ? body.trimStart() : body;
      segments.push({ kind: 'text', text: trimEnd === '-' ? left.trimEnd() : left });
      trimNext = trimAfter === '-';
      at = start + whole.length;
      continue;
    }
    const lexed = lexExpression(text, start + (trims ? 3 : 2));
    if ('code' in lexed) return lexed;
    segments.push({ kind: 'tokens', tokens: lexed.tokens, source: text.slice(start, lexed.end) });
    trimNext = lexed.trims;
    at = lexed.end;
  }
  addText(text.slice(at));
  return segments;
}

/** The tokens of a bare expression, as `keyed_groups` and `compose` have them. */
export function lexBare(text: string): readonly Token[] | TemplateFault {
  const lexed = lexExpression(`${text}}}`, 0);
  if ('code' in lexed) return { ...lexed, source: text };
  return lexed.end === text.length + 2 ? lexed.tokens : broken(text, 'The expression ends too early');
}

function statement(rest: string): TemplateFault {
  const end = rest.indexOf('%}');
  const source = end < 0 ? rest : rest.slice(0, end + 2);
  const name = /^\{%[-+]?\s*(\w+)/.exec(source)?.[1];
  return end < 0
    ? broken(source, 'A statement is not closed with %}')
    : {
        code: 'template-unsupported',
        what: `The statement "${name ?? source}" is not supported in values, only expressions are`,
        source,
      };
}

function broken(source: string, what: string): TemplateFault {
  return { code: 'template-syntax', what, source };
}

const TOKEN =
  /(?<space>\s+)|(?<float>\d(?:_?\d)*(?:\.\d(?:_?\d)*(?:[eE][+-]?\d+)?|[eE][+-]?\d+))|(?<integer>0[xX](?:_?[\da-fA-F])+|0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|\d(?:_?\d)*)|(?<name>[\p{L}_][\p{L}\p{N}_]*)|(?<string>'[^'\\]*(?:\\.[^'\\]*)*'|"[^"\\]*(?:\\.[^"\\]*)*")|(?<operator>==|!=|<=|>=|\/\/|\*\*|[-+*/%~<>=.:,|()[\]{}])/suy;

type Lexed = { readonly tokens: readonly Token[]; readonly end: number; readonly trims: boolean };

function lexExpression(text: string, start: number): Lexed | TemplateFault {
  const tokens: Token[] = [];
  const open: string[] = [];
  let at = start;
  for (;;) {
    const close = open.length === 0 ? /^(-?)\}\}/.exec(text.slice(at, at + 3)) : null;
    if (close !== null) {
      tokens.push({ kind: 'end', text: '', offset: at });
      return { tokens, end: at + close[0].length, trims: close[1] === '-' };
    }
    if (at >= text.length) return broken(text.slice(start), 'An expression is not closed with }}');
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(text)?.groups;
    const found = Object.entries(groups ?? {}).find(([, part]) => part !== undefined);
    const [kind, part] = found ?? [];
    if (kind === undefined || part === undefined) {
      return broken(
        text.slice(start),
        `The character ${JSON.stringify(text[at])} does not belong in an expression`,
      );
    }
    if (kind === 'operator') {
      const fault = balance(part, open, text.slice(start));
      if (fault !== undefined) return fault;
    }
    if (kind === 'string') {
      // Ansible doubles backslashes before Jinja reads them: what is written in quotes is taken as it stands.
      tokens.push({ kind, text: part.slice(1, -1), offset: at });
    } else if (kind === 'name' || kind === 'integer' || kind === 'float' || kind === 'operator') {
      tokens.push({ kind, text: part, offset: at });
    }
    at += part.length;
  }
}

const CLOSES: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

function balance(part: string, open: string[], source: string): TemplateFault | undefined {
  const closing = CLOSES[part];
  if (closing !== undefined) open.push(closing);
  else if (part === ')' || part === ']' || part === '}') {
    const expected = open.pop();
    if (expected !== part) return broken(source, `"${part}" closes nothing that was opened`);
  }
  return undefined;
}
