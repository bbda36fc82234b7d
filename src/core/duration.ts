const UNITS: ReadonlyMap<string, number> = new Map([
  ['d', 86_400],
  ['h', 3600],
  ['min', 60],
  ['s', 1],
]);

/**
 * Reads a length of time of whole units, the largest first: `1d`, `1h30min`, `90s`. Seconds; undefined for anything else. A
 * minute is `min`, because `m` means a month where lengths of time are restic's.
 */
export function parseDuration(text: string): number | undefined {
  const parts = [...text.trim().matchAll(/(\d{1,9})(d|h|min|s)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text.trim()) return undefined;
  let total = 0;
  let former = Number.POSITIVE_INFINITY;
  for (const [, count = '', unit = ''] of parts) {
    const size = UNITS.get(unit) ?? 0;
    if (size >= former) return undefined;
    former = size;
    total += Number(count) * size;
  }
  return total > 0 ? total : undefined;
}

/** Seconds as people read them, at most two units: `1d 2h`, `4min 10s`, `12s`. */
export function showDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  const parts: string[] = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    // Of a day and some seconds nobody wants the seconds.
    if (count > 0 || parts.length > 0) parts.push(`${count}${unit}`);
    if (parts.length === 2) break;
  }
  const shown = parts.filter((part) => !part.startsWith('0'));
  return shown.length === 0 ? '0s' : shown.join(' ');
}
