import { showDuration } from '../../core/duration.js';
import type { HostHistory, ReportData } from '../../operations/report/data.js';
import type { SnapshotLine } from '../../operations/snapshots/list-snapshots.js';
import { TOOL } from '../../tool.js';
import { bytes, wholeSeconds } from '../figures.js';
import { drillPlot, drillTable } from './drills.js';
import { html, Markup } from './markup.js';
import { bars, timeline } from './plots.js';
import { STYLE } from './style.js';

/** A report as one file of HTML: no script, and nothing that would be fetched. */
export function reportPage({ writtenAt, hosts, errors }: ReportData): string {
  const attention = hosts.reduce((sum, host) => sum + host.attention.length, 0);
  const time = readable(writtenAt.toISOString());
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>Coolify backups, ${time}</title>
<style>${new Markup(STYLE)}</style>
</head>
<body>
<header>
<h1>Coolify backups</h1>
<p class="quiet">${time} (all times UTC), ${hosts.length} ${hosts.length === 1 ? 'host' : 'hosts'}</p>
<p>${attention === 0 && errors.length === 0 ? html`<strong class="good">Nothing needs attention.</strong>` : html`<strong class="bad">${attention} ${attention === 1 ? 'thing needs' : 'things need'} attention.</strong>`}</p>
</header>
<main>
${hosts.map((host) => hostSection(host, writtenAt))}
</main>
<footer><p>Written by coolify-state ${TOOL.version}. What is said of drills is what their evidence says; "coolify-state verify --evidence" checks who has signed it.</p></footer>
</body>
</html>
`;
  return page.text;
}

function hostSection(history: HostHistory, now: Date): Markup {
  const { host, lines, drills } = history;
  return html`<section>
<h2>${host}</h2>
${attentionList(history)}
${figures(history, now)}
${lines.length + drills.length === 0 ? '' : html`<figure>${timeline(rowsOf(history), `Snapshots and drills of ${host} over time`)}<figcaption>When snapshots and drills were made. A cross failed or is not to be relied on, a triangle was late.</figcaption></figure>`}
${sizePlot(history)}
${durationPlot(history)}
${drillPlot(history)}
${lines.length === 0 ? '' : html`<h3>Snapshots and generations</h3>${snapshotTable(history)}`}
${drills.length === 0 ? '' : html`<h3>Drills</h3>${drillTable(history)}`}
</section>
`;
}

function attentionList({ attention }: HostHistory): Markup {
  if (attention.length === 0) return html`<p class="good">Nothing needs attention.</p>`;
  return html`<ul class="attention">${attention.map(({ grave, what, next }) => html`<li class="${grave ? 'grave' : 'mild'}"><strong>${what}.</strong> <code>${next}</code></li>`)}</ul>`;
}

function figures({ lines, drills, limits }: HostHistory, now: Date): Markup {
  const stored = lines.filter(({ kind }) => kind === 'snapshot');
  const good = stored.filter(({ standing }) => standing === 'good');
  const newest = good.reduce((latest, { createdAt }) => Math.max(latest, Date.parse(createdAt)), 0);
  const [last] = drills;
  const rows: readonly (readonly [string, string])[] = [
    ['Snapshots', `${stored.length}`],
    ['of which good', `${good.length}`],
    ['Stored', bytes(stored.reduce((sum, { size = 0 }) => sum + size, 0))],
    ['Newest good', newest === 0 ? 'none' : `${showDuration((now.getTime() - newest) / 1000)} old`],
    ['Last drill', last === undefined ? 'never' : `${last.startedAt.slice(0, 10)} ${last.outcome}`],
    ['Recovery', last?.recovery === undefined ? 'not known' : showDuration(last.recovery.seconds)],
    ...(limits.recovery === undefined ? [] : [['Recovery allowed', showDuration(limits.recovery)] as const]),
    ...(limits.dataAge === undefined ? [] : [['Age allowed', showDuration(limits.dataAge)] as const]),
  ];
  return html`<dl class="figures">${rows.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function rowsOf({ lines, drills }: HostHistory): Parameters<typeof timeline>[0] {
  const places = [...new Set(lines.map(placeOf))];
  return [
    ...places.map((name) => ({
      name,
      points: lines
        .filter((line) => placeOf(line) === name)
        .map((line) => ({
          at: new Date(line.createdAt),
          kind: line.standing === 'good' || line.standing === 'aside' ? ('mark' as const) : ('bad' as const),
          title: `${line.id}, ${readable(line.createdAt)}, ${proofsOf(line)}`,
        })),
    })),
    ...(drills.length === 0
      ? []
      : [
          {
            name: 'drills',
            points: drills.map(({ startedAt, outcome, snapshot }) => ({
              at: new Date(startedAt),
              kind:
                outcome === 'failed'
                  ? ('bad' as const)
                  : outcome === 'late'
                    ? ('warn' as const)
                    : ('good' as const),
              title: `drill of ${snapshot.id}, ${readable(startedAt)}: ${outcome}`,
            })),
          },
        ]),
  ];
}

/** Generations of this machine are one row, whatever folders they stand in. */
function placeOf({ kind, where }: SnapshotLine): string {
  return kind === 'generation' ? 'on this machine' : where;
}

function sizePlot({ host, lines }: HostHistory): Markup {
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

function durationPlot({ host, lines, backupSeconds }: HostHistory): Markup {
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

function snapshotTable({ host, lines }: HostHistory): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Snapshots of ${host}"><table>
<thead><tr><th scope="col">Id</th><th scope="col">Taken</th><th scope="col" class="number">Size</th><th scope="col">Coolify</th><th scope="col">Proofs</th><th scope="col">Kept</th><th scope="col">Drilled</th><th scope="col">Where</th></tr></thead>
<tbody>${lines.map((line) => html`<tr data-id="${line.id}" data-where="${line.where}" data-created="${line.createdAt}" data-size="${line.size ?? ''}"><td><code>${line.id}</code></td><td>${readable(line.createdAt)}</td><td class="number">${line.size === undefined ? 'gone' : bytes(line.size)}</td><td>${line.coolify ?? ''}</td><td class="${proofsOf(line) === 'proven' ? 'good' : line.standing === 'aside' ? 'quiet' : 'bad'}">${proofsOf(line)}</td><td>${keptOf(line)}</td><td>${line.drill === undefined ? 'never' : html`<span class="${line.drill.passed ? 'good' : 'bad'}">${line.drill.at.slice(0, 10)} ${line.drill.passed ? 'passed' : 'failed'}</span>`}</td><td class="long">${line.where}</td></tr>`)}</tbody>
</table></div>`;
}

function proofsOf({ standing, problem }: SnapshotLine): string {
  if (standing === 'good') return 'proven';
  if (standing === 'aside') return 'way back of a restore';
  return problem ?? (standing === 'missing' ? 'the object is gone' : 'not proven');
}

function keptOf({ retention }: SnapshotLine): string {
  if (retention === undefined) return 'no policy';
  const { keep, until, reasons } = retention;
  if (!keep) return `no: ${reasons[0] ?? ''}`;
  if (until === 'always') return 'always';
  return until === undefined ? (reasons[0] ?? 'yes') : `until ${until.slice(0, 10)}`;
}

/** `2026-11-25 00:42:30` */
function readable(time: string): string {
  return wholeSeconds(time).replace('T', ' ').replace('Z', '');
}
