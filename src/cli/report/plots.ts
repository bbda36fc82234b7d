import { html, type Markup } from './markup.js';

/** A moment on a time axis. */
export interface TimedValue {
  readonly at: Date;
  /** Not negative. */
  readonly value: number;
  readonly kind: 'mark' | 'good' | 'warn' | 'bad';
  /** What it is, in words: the plot's tooltip. */
  readonly title: string;
}

/** A row of a timeline. */
export interface TimelineRow {
  readonly name: string;
  readonly points: readonly Omit<TimedValue, 'value'>[];
}

const WIDTH = 720;
const LEFT = 8;
const RIGHT = 8;

/** What happened when, a row for each place. What failed has another shape, not another colour alone. */
export function timeline(rows: readonly TimelineRow[], label: string): Markup {
  const times = rows.flatMap(({ points }) => points.map(({ at }) => at.getTime()));
  const scale = timeScale(times);
  const height = rows.length * ROW + AXIS;
  const drawn = rows.map(({ name, points }, index) => {
    const y = index * ROW + 30;
    return html`<text x="${LEFT}" y="${y - 14}">${name}</text><line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}"/>${points.map((point) => shape(scale(point.at.getTime()), y, point))}`;
  });
  return html`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${label}">${drawn}${timeAxis(times, scale, height)}</svg>`;
}

const ROW = 38;
const AXIS = 28;

function shape(x: number, y: number, { kind, title }: Omit<TimedValue, 'value'>): Markup {
  const at = x.toFixed(1);
  const said = html`<title>${title}</title>`;
  if (kind === 'bad') {
    const cross = `M${(x - 5).toFixed(1)} ${y - 7}l5 5 5 -5 2 2 -5 5 5 5 -2 2 -5 -5 -5 5 -2 -2 5 -5 -5 -5z`;
    return html`<path class="bad" d="${cross}">${said}</path>`;
  }
  if (kind === 'warn') return html`<path class="warn" d="M${at} ${y - 6}l6 11h-12z">${said}</path>`;
  return html`<circle class="${kind}" cx="${at}" cy="${y}" r="4.5">${said}</circle>`;
}

/** Values over time as bars; a limit as a line. */
export function bars(
  values: readonly TimedValue[],
  {
    label,
    show,
    limit,
  }: {
    readonly label: string;
    readonly show: (value: number) => string;
    readonly limit?: number | undefined;
  },
): Markup {
  const times = values.map(({ at }) => at.getTime());
  const scale = timeScale(times, 10);
  const top = Math.max(...values.map(({ value }) => value), limit ?? 0, Number.MIN_VALUE);
  const height = (value: number): number => (value / top) * PLOT;
  const base = PLOT + HEAD;
  const width = Math.max(2, Math.min(14, (WIDTH - LEFT - RIGHT) / Math.max(values.length, 1) - 2));
  const drawn = values.map(({ at, value, kind, title }) => {
    const tall = Math.max(1, height(value));
    const x = scale(at.getTime()) - width / 2;
    return html`<rect class="${kind}" x="${x.toFixed(1)}" y="${(base - tall).toFixed(1)}" width="${width.toFixed(1)}" height="${tall.toFixed(1)}"><title>${title}</title></rect>`;
  });
  const limited =
    limit === undefined
      ? ''
      : html`<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${(base - height(limit)).toFixed(1)}" y2="${(base - height(limit)).toFixed(1)}"/>`;
  return html`<svg viewBox="0 0 ${WIDTH} ${base + AXIS}" role="img" aria-label="${label}"><text x="${LEFT}" y="17">${show(top)}</text><line class="axis" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${base}" y2="${base}"/>${drawn}${limited}${timeAxis(times, scale, base + AXIS)}</svg>`;
}

const PLOT = 90;
const HEAD = 24;

/** Milliseconds to pixels. One moment alone stands in the middle. */
function timeScale(times: readonly number[], margin = 6): (time: number) => number {
  const first = Math.min(...times);
  const last = Math.max(...times);
  const [from, to] = [LEFT + margin, WIDTH - RIGHT - margin];
  if (times.length === 0 || first === last) return () => (from + to) / 2;
  return (time) => from + ((time - first) / (last - first)) * (to - from);
}

function timeAxis(times: readonly number[], scale: (time: number) => number, height: number): Markup {
  if (times.length === 0) return html``;
  const ends = [...new Set([Math.min(...times), Math.max(...times)])];
  return html`${ends.map((time, index) => {
    const anchor = ends.length === 1 ? 'middle' : index === 0 ? 'start' : 'end';
    const x = ends.length === 1 ? scale(time) : index === 0 ? LEFT : WIDTH - RIGHT;
    return html`<text x="${x.toFixed(1)}" y="${height - 6}" text-anchor="${anchor}">${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}</text>`;
  })}`;
}
