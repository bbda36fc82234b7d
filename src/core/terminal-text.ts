/**
 * Makes text from outside (a host, a file name, a server's message) safe to print: control characters and
 * bidirectional overrides become visible escapes, so that a host cannot write to the user's terminal.
 * Newlines and tabs survive when `multiline` is asked for.
 */
export function printable(
  text: string,
  { multiline = false }: { readonly multiline?: boolean } = {},
): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    if (multiline && (character === '\n' || character === '\t')) return character;
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The last `count` non-empty lines, for the `detail` of an error; of one that is longer than anybody reads, its beginning. */
export function lastLines(text: string, count = 8): string {
  return text
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .slice(-count)
    .map((line) => (line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)}…` : line))
    .join('\n');
}

const LONGEST_LINE = 1000;
