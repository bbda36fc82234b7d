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

/*
 * Plots are as wide as the page leaves them room: what lies on the time axis is placed in percent, so that neither marks nor
 * text shrink on a phone.
 */

/** What happened when, a row for each place. What failed has another shape, not another colour alone. */
export function timeline(rows: readonly TimelineRow[], label: string): Markup {
  const times = rows.flatMap(({ points }) => points.map(({ at }) => at.getTime()));
  const scale = timeScale(times);
  const drawn = rows.map(
    ({ name, points }) =>
      html`<p class="lane">${name}</p><svg class="timeline" height="18" role="img" aria-label="${label}: ${name}"><line class="axis" x1="0" x2="100%" y1="9" y2="9"/>${points.map((point) => shape(scale(point.at.getTime()), point))}</svg>`,
  );
  return html`<div class="plot">${drawn}${timeAxis(times)}</div>`;
}

function shape(percent: number, { kind, title }: Omit<TimedValue, 'value'>): Markup {
  const at = percent.toFixed(2);
  const said = html`<title>${title}</title>`;
  if (kind === 'bad') return html`<svg x="${at}%" y="9"><path class="bad" d="${CROSS}">${said}</path></svg>`;
  if (kind === 'warn')
    return html`<svg x="${at}%" y="9"><path class="warn" d="${TRIANGLE}">${said}</path></svg>`;
  return html`<circle class="${kind}" cx="${at}%" cy="9" r="4.5">${said}</circle>`;
}

/** Around the origin. */
const CROSS = 'M-5 -7l5 5 5-5 2 2-5 5 5 5-2 2-5-5-5 5-2-2 5-5-5-5z';
const TRIANGLE = 'M0 -6l6 11h-12z';

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
  const scale = timeScale(times, WIDEST_BAR / 2);
  const top = Math.max(...values.map(({ value }) => value), limit ?? 0, Number.MIN_VALUE);
  const height = (value: number): number => (value / top) * PLOT;
  const width = barWidth(times.map(scale));
  const drawn = values.map(({ at, value, kind, title }) => {
    const tall = Math.max(1, height(value));
    const x = scale(at.getTime()) - width / 2;
    return html`<rect class="${kind}" x="${x.toFixed(2)}%" y="${(BASE - tall).toFixed(1)}" width="${width.toFixed(2)}%" height="${tall.toFixed(1)}"><title>${title}</title></rect>`;
  });
  const y = limit === undefined ? undefined : (BASE - height(limit)).toFixed(1);
  const limited = y === undefined ? '' : html`<line class="limit" x1="0" x2="100%" y1="${y}" y2="${y}"/>`;
  return html`<div class="plot"><svg class="bars" height="${BASE + 1}" role="img" aria-label="${label}"><text x="0" y="12">${show(top)}</text><line class="axis" x1="0" x2="100%" y1="${BASE}" y2="${BASE}"/>${drawn}${limited}</svg>${timeAxis(times)}</div>`;
}

const PLOT = 90;
const BASE = PLOT + 20;
const WIDEST_BAR = 3;
const NARROWEST_BAR = 0.4;

/** As wide as the closest two leave room, in percent. */
function barWidth(places: readonly number[]): number {
  const sorted = [...places].sort((a, b) => a - b);
  const gaps = sorted.slice(1).map((place, index) => place - (sorted[index] ?? 0));
  return Math.max(NARROWEST_BAR, Math.min(WIDEST_BAR, ...gaps.map((gap) => gap * 0.75)));
}

/** Milliseconds to percent. One moment alone stands in the middle. */
function timeScale(times: readonly number[], margin = 0): (time: number) => number {
  const first = Math.min(...times);
  const last = Math.max(...times);
  if (times.length === 0 || first === last) return () => 50;
  return (time) => margin + ((time - first) / (last - first)) * (100 - 2 * margin);
}

function timeAxis(times: readonly number[]): Markup {
  if (times.length === 0) return html``;
  const ends = [...new Set([Math.min(...times), Math.max(...times)])];
  return html`<p class="ends">${ends.map((time) => html`<span>${new Date(time).toISOString().slice(0, 16).replace('T', ' ')}</span>`)}</p>`;
}
