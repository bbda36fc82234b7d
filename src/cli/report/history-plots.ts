import { showDuration } from '../../core/duration.js';
import type { HostHistory } from '../../operations/report/data.js';
import type { SnapshotLine } from '../../operations/snapshots/list-snapshots.js';
import { bytes } from '../figures.js';
import { html, type Markup } from './markup.js';
import { bars, type TimelineRow, timeline } from './plots.js';
import { placeOf, proofsOf, readable } from './snapshots.js';

/** When there were snapshots and drills. */
export function historyPlot(history: HostHistory): Markup {
  const { host, lines, drills } = history;
  if (lines.length + drills.length === 0) return html``;
  return html`<figure>${timeline(rowsOf(history), `Snapshots and drills of ${host} over time`)}<figcaption>When snapshots and drills were made. A cross failed or is not to be relied on, a triangle was late.</figcaption></figure>`;
}

function rowsOf({ lines, drills }: HostHistory): TimelineRow[] {
  const places = [...new Set(lines.map(placeOf))].map((name) => ({
    name,
    points: lines.filter((line) => placeOf(line) === name).map(pointOf),
  }));
  if (drills.length === 0) return places;
  const points = drills.map(({ startedAt, outcome, snapshot }) => ({
    at: new Date(startedAt),
    kind: OUTCOMES[outcome],
    title: `drill of ${snapshot.id}, ${readable(startedAt)}: ${outcome}`,
  }));
  return [...places, { name: 'drills', points }];
}

const OUTCOMES = { passed: 'good', late: 'warn', failed: 'bad' } as const;

function pointOf(line: SnapshotLine): TimelineRow['points'][number] {
  const { id, createdAt, standing } = line;
  return {
    at: new Date(createdAt),
    kind: standing === 'good' || standing === 'aside' ? 'mark' : 'bad',
    title: `${id}, ${readable(createdAt)}, ${proofsOf(line)}`,
  };
}

/** How large the snapshots of the first repository are. */
export function sizePlot({ host, lines }: HostHistory): Markup {
  const [place] = lines.filter(({ kind }) => kind === 'snapshot').map(({ where }) => where);
  const values = lines
    .filter(({ kind, where, size }) => kind === 'snapshot' && where === place && size !== undefined)
    .map(({ createdAt, size = 0, id }) => ({
      at: new Date(createdAt),
      value: size,
      kind: 'mark' as const,
      title: `${id}: ${bytes(size)}`,
    }));
  if (values.length < 2) return html``;
  return html`<figure>${bars(values, { label: `Sizes of the snapshots of ${host}`, show: bytes })}<figcaption>Size as stored in ${place ?? ''}.</figcaption></figure>`;
}

export function durationPlot({ host, lines, backupSeconds }: HostHistory): Markup {
  const times = new Map(
    lines.filter(({ kind }) => kind === 'snapshot').map(({ id, createdAt }) => [id, createdAt]),
  );
  const values = [...times].flatMap(([id, createdAt]) => {
    const value = backupSeconds.get(id);
    return value === undefined
      ? []
      : [{ at: new Date(createdAt), value, kind: 'mark' as const, title: `${id}: ${showDuration(value)}` }];
  });
  if (values.length < 2) return html``;
  return html`<figure>${bars(values, { label: `Durations of the backups of ${host}`, show: showDuration })}<figcaption>How long backups took, from the moment of the data to the end of the upload.</figcaption></figure>`;
}
