import { type ConfigPlace, configFault } from './place.js';

/** One line of ssh_config(5), or one `-o` of a command line. */
export interface ConfigLine {
  readonly place: ConfigPlace;
  /** In lower case. */
  readonly keyword: string;
  /** What follows the keyword, as it is written. */
  readonly argument: string;
  /** The same in words: quotes and escapes are undone, a comment is cut off. */
  readonly words: readonly string[];
  /** The whole line. */
  readonly text: string;
}

/**
 * Reads a line as OpenSSH does: `Keyword argument`, `keyword=argument`, quotes, `#` before a word.
 * @returns undefined for a blank line and a comment
 * @throws StateError `ssh-config.invalid`
 */
export function parseLine(text: string, place: ConfigPlace): ConfigLine | undefined {
  const line = text.replace(/^[ \t\r\n]+|(?<![ \t\r\n\f])[ \t\r\n\f]+$/g, '');
  if (line === '' || line.startsWith('#')) return undefined;
  const head = cutWord(line);
  if (head === undefined) throw invalid(text, place, 'a quote is not closed');
  const argument = head.rest ?? '';
  if (argument === '') throw invalid(text, place, `${head.word} has no argument`);
  const words = splitWords(argument);
  if (words === undefined) throw invalid(text, place, 'a quote is not closed');
  return { place, keyword: head.word.toLowerCase(), argument, words, text };
}

/** A line made of its parts, for what does not come from a file. */
export function madeLine(keyword: string, words: readonly string[], place: ConfigPlace): ConfigLine {
  const argument = words.map(quoted).join(' ');
  return { place, keyword: keyword.toLowerCase(), argument, words, text: `${keyword} ${argument}` };
}

/**
 * The first word of a text and what follows it. Blanks end a word, or one `=`; quotes hold it together.
 * @returns undefined when a quote is not closed
 */
export function cutWord(text: string): { word: string; rest: string | undefined } | undefined {
  const at = text.search(/[ \t\r\n"=]/);
  if (at < 0) return { word: text, rest: undefined };
  if (text[at] === '"') {
    const end = text.indexOf('"', at + 1);
    if (end < 0) return undefined;
    const word = text.slice(0, at) + text.slice(at + 1, end);
    return { word, rest: text.slice(end + 1).replace(/^[ \t\r\n]+/, '') };
  }
  const separator = text[at] === '=' ? /^=[ \t\r\n]*/ : /^[ \t\r\n]+(?:=[ \t\r\n]*)?/;
  return { word: text.slice(0, at), rest: text.slice(at).replace(separator, '') };
}

/**
 * Words with quotes (`"` and `'`) and escapes undone; `#` at the beginning of a word ends the line.
 * @returns undefined when a quote is not closed
 */
export function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    const next = text[at + 1] ?? '';
    if (quote === '' && (character === ' ' || character === '\t')) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === '' && word === undefined && character === '#') {
      break;
    } else if (character === '\\' && escapes(next, quote)) {
      word = (word ?? '') + next;
      at++;
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === quote) {
      quote = '';
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}

/** A word as it can be written in a line, so that `splitWords` gives it back. */
export function quoted(word: string): string {
  if (/^[^\s"'\\#=]+$/.test(word)) return word;
  return `"${word.replace(/["'\\]/g, '\\$&')}"`;
}

function escapes(next: string, quote: string): boolean {
  return next === '"' || next === "'" || next === '\\' || (quote === '' && next === ' ');
}

function invalid(text: string, place: ConfigPlace, what: string): Error {
  return configFault({ code: 'invalid', place, text, what });
}
