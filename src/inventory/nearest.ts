/**
 * The names most like `wanted`, best first: those within a third of its length in edits, or that begin with it.
 * @param limit at most so many
 */
export function nearestNames(wanted: string, names: Iterable<string>, limit = 3): string[] {
  const lower = wanted.toLowerCase();
  const allowed = Math.max(1, Math.floor(lower.length / 3));
  const scored: { readonly name: string; readonly score: number }[] = [];
  for (const name of new Set(names)) {
    const other = name.toLowerCase();
    const near = Math.abs(other.length - lower.length) <= allowed;
    const edits = near ? distance(lower, other) : Number.POSITIVE_INFINITY;
    if (edits <= allowed) scored.push({ name, score: edits });
    else if (lower.length > 1 && (other.startsWith(lower) || other.includes(`.${lower}`))) {
      scored.push({ name, score: allowed + 1 });
    }
  }
  const best = Math.min(...scored.map(({ score }) => score));
  return scored
    .filter(({ score }) => score <= best + 1)
    .sort((a, b) => a.score - b.score || (a.name < b.name ? -1 : 1))
    .slice(0, limit)
    .map(({ name }) => name);
}

/** Edits between two words; two neighbours that changed places count once (optimal string alignment). */
function distance(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let best = Math.min((last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (last[j - 1] ?? 0) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        best = Math.min(best, (before[j - 2] ?? 0) + 1);
      }
      row.push(best);
    }
    before = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
