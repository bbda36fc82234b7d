/**
 * Whether a text fits a pattern with `*` (any characters) and `?` (exactly one), letter case told apart (PATTERNS in
 * ssh_config(5)). Takes no more than pattern times text, whatever the pattern.
 */
export function matchesPattern(text: string, pattern: string): boolean {
  let at = 0;
  let inPattern = 0;
  let star = -1;
  let starAt = 0;
  while (at < text.length) {
    const wanted = pattern[inPattern];
    if (wanted === '*') {
      star = inPattern++;
      starAt = at;
    } else if (wanted !== undefined && (wanted === '?' || wanted === text[at])) {
      inPattern++;
      at++;
    } else if (star >= 0) {
      inPattern = star + 1;
      at = ++starAt;
    } else return false;
  }
  return /^\**$/.test(pattern.slice(inPattern));
}

/** Whether a text fits a comma list of patterns; one that fits after `!` decides against it, wherever it stands. */
export function matchesList(text: string, list: string): boolean {
  let matched = false;
  for (const part of list.split(',')) {
    const negated = part.startsWith('!');
    if (!matchesPattern(text, negated ? part.slice(1) : part)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** The same for names of hosts, whose letter case does not count. */
export function matchesHostList(host: string, list: string): boolean {
  return matchesList(host.toLowerCase(), list.toLowerCase());
}
