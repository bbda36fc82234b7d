import type { HostHistory } from '../../operations/report/data.js';
import type { SnapshotLine } from '../../operations/snapshots/list-snapshots.js';
import { bytes, wholeSeconds } from '../figures.js';
import { type Content, html, type Markup } from './markup.js';

/** Every line of `snapshots`, by place. The first columns are those that a phone has room for. */
export function snapshotTable({ host, lines }: HostHistory): Markup {
  const places = [...new Set(lines.map(placeOf))];
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Snapshots of ${host}"><table>
<thead><tr>${COLUMNS.map((title) => html`<th scope="col"${title === 'Size' ? html` class="number"` : ''}>${title}</th>`)}</tr></thead>
${places.map((place) => html`<tbody><tr><th scope="rowgroup" colspan="${COLUMNS.length}">${place}</th></tr>${lines.filter((line) => placeOf(line) === place).map(rowOf)}</tbody>`)}
</table></div>`;
}

const COLUMNS = ['Id', 'Taken', 'Proofs', 'Size', 'Drilled', 'Kept', 'Coolify'];

/** Generations of this machine are one place, whatever folders they stand in. */
export function placeOf({ kind, where }: SnapshotLine): string {
  return kind === 'generation' ? 'on this machine' : where;
}

export function proofsOf({ standing, problem }: SnapshotLine): string {
  switch (standing) {
    case 'good':
      return 'proven';
    case 'aside':
      return 'way back of a restore';
    case 'missing':
      return 'gone';
    default:
      return problem ?? 'not proven';
  }
}

/** `2026-11-25 00:42:30` */
export function readable(time: string): string {
  return wholeSeconds(time).replace('T', ' ').replace('Z', '');
}

function rowOf(line: SnapshotLine): Markup {
  const { id, where, createdAt, size, standing, coolify = '' } = line;
  const look = standing === 'good' ? 'good' : standing === 'aside' ? 'quiet' : 'bad';
  return html`<tr data-id="${id}" data-where="${where}" data-created="${createdAt}" data-size="${size ?? ''}"><td><code>${id}</code></td><td>${readable(createdAt)}</td><td class="${wrapOf(proofsOf(line))} ${look}">${proofsOf(line)}</td><td class="number">${size === undefined ? '' : bytes(size)}</td><td>${drilledOf(line)}</td><td class="${wrapOf(keptOf(line))}">${keptOf(line)}</td><td>${coolify}</td></tr>`;
}

/** Short text stays in one line. */
function wrapOf(text: string): 'wrap' | 'line' {
  return text.length > SHORT ? 'wrap' : 'line';
}

const SHORT = 24;

function drilledOf({ drill }: SnapshotLine): Content {
  if (drill === undefined) return 'never';
  return html`<span class="${drill.passed ? 'good' : 'bad'}">${drill.at.slice(0, 10)} ${drill.passed ? 'passed' : 'failed'}</span>`;
}

function keptOf({ retention }: SnapshotLine): string {
  if (retention === undefined) return 'no policy';
  const { keep, until, reasons } = retention;
  if (!keep) return `no: ${reasons[0] ?? ''}`;
  if (until === 'always') return 'always';
  return until === undefined ? (reasons[0] ?? 'yes') : `until ${until.slice(0, 10)}`;
}
