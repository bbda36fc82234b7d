/**
 * Splits a line into words as Python's `shlex` does with comments on: quotes group, a backslash escapes outside of
 * single quotes, and `#` begins a comment anywhere outside of quotes, even in the middle of a word.
 * @returns undefined when a quote or a backslash is left open
 */
export function shellWords(line: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: '"' | "'" | undefined;
  for (let at = 0; at < line.length; at++) {
    const character = line[at] ?? '';
    if (quote === undefined) {
      if (character === '#') break;
      if (/[ \t\r\n]/.test(character)) {
        if (word !== undefined) words.push(word);
        word = undefined;
      } else if (character === '"' || character === "'") {
        quote = character;
        word ??= '';
      } else if (character === '\\') {
        const next = line[++at];
        if (next === undefined) return undefined;
        word = (word ?? '') + next;
      } else word = (word ?? '') + character;
    } else if (character === quote) {
      quote = undefined;
    } else if (character === '\\' && quote === '"') {
      const next = line[++at];
      if (next === undefined) return undefined;
      word += next === '"' || next === '\\' ? next : `\\${next}`;
    } else word += character;
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
