/**
 * Splits a text into words as a POSIX shell does, and Python's `shlex.split`: quotes group, and a backslash escapes
 * outside of single quotes. Nothing is expanded, and nothing is a comment.
 * @returns undefined when a quote or a backslash is left open
 */
export function shellWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote === '' && /[ \t\r\n]/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (quote === '' && (character === '"' || character === "'")) {
      quote = character;
      word ??= '';
    } else if (character === quote) {
      quote = '';
    } else if (character === '\\' && quote !== "'") {
      const next = text[++at];
      if (next === undefined) return undefined;
      const kept = quote === '"' && next !== '"' && next !== '\\' ? '\\' : '';
      word = (word ?? '') + kept + next;
    } else {
      word = (word ?? '') + character;
    }
  }
  if (quote !== '') return undefined;
  if (word !== undefined) words.push(word);
  return words;
}
