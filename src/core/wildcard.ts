/**
 * Whether a text fits a pattern of OpenSSH: `*` for any characters, `?` for one. Walks through both once for each `*`: as an
 * expression, many of them on a text that nearly fits would not end.
 */
export function fitsWildcard(pattern: string, text: string): boolean {
  let at = 0;
  let inText = 0;
  // Where the last `*` stands, and how far what it stands for reaches.
  let star = -1;
  let covered = 0;
  while (inText < text.length) {
    if (pattern[at] === '*') {
      star = at++;
      covered = inText;
    } else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === text[inText])) {
      at++;
      inText++;
    } else if (star >= 0) {
      at = star + 1;
      inText = ++covered;
    } else return false;
  }
  while (pattern[at] === '*') at++;
  return at === pattern.length;
}
