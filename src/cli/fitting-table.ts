import { table } from './figures.js';

export interface Column {
  readonly title: string;
  /** May be left out where the terminal is too narrow: the higher the sooner. Without it: never. */
  readonly dispensable?: number;
}

/**
 * A table with its titles, narrow enough for so many columns of text where that can be had by leaving out what matters
 * least. A column without a single cell in it is left out anyway, if it may be. Without a width all is shown.
 */
export function fittingTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  width: number | undefined,
): { readonly text: string; readonly leftOut: readonly string[] } {
  const shown = new Set(columns.keys());
  for (const [index, { dispensable }] of columns.entries()) {
    if (dispensable !== undefined && rows.every((row) => (row[index] ?? '') === '')) shown.delete(index);
  }
  const leftOut: string[] = [];
  const render = (): string =>
    table(
      [columns.map(({ title }) => title), ...rows].map((row) => row.filter((_, index) => shown.has(index))),
    );
  let text = render();
  while (width !== undefined && widest(text) > width) {
    const [next] = [...shown]
      .flatMap((index) => {
        const { dispensable } = columns[index] ?? {};
        return dispensable === undefined ? [] : [{ index, dispensable }];
      })
      .sort((a, b) => b.dispensable - a.dispensable);
    if (next === undefined) break;
    shown.delete(next.index);
    leftOut.push(columns[next.index]?.title ?? '');
    text = render();
  }
  return { text, leftOut };
}

function widest(text: string): number {
  return Math.max(...text.split('\n').map((line) => [...line].length));
}
