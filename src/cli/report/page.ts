import { showDuration } from '../../core/duration.js';
import type { HostHistory, ReportData } from '../../operations/report/data.js';
import { TOOL } from '../../tool.js';
import { bytes } from '../figures.js';
import { drillPlot, drillTable } from './drills.js';
import { durationPlot, historyPlot, sizePlot } from './history-plots.js';
import { html, Markup } from './markup.js';
import { readable, snapshotTable } from './snapshots.js';
import { STYLE } from './style.js';

/** A report as one file of HTML: no script, and nothing that would be fetched. */
export function reportPage({ writtenAt, hosts, errors }: ReportData, overview = html``): string {
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
${overview}${hosts.map((host) => hostSection(host, writtenAt))}
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
${historyPlot(history)}
<div class="plots">${sizePlot(history)}${durationPlot(history)}${drillPlot(history)}</div>
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
  const recovery = drills.find((drill) => drill.recovery !== undefined)?.recovery;
  const rows: readonly Figure[] = [
    { name: 'Snapshots', value: `${stored.length}` },
    { name: 'of which good', value: `${good.length}` },
    { name: 'Stored', value: bytes(stored.reduce((sum, { size = 0 }) => sum + size, 0)) },
    {
      name: 'Newest good',
      value: newest === 0 ? 'none' : `${showDuration((now.getTime() - newest) / 1000)} old`,
      allowed: limits.dataAge,
    },
    {
      name: 'Last drill',
      value: last === undefined ? 'never' : `${last.startedAt.slice(0, 10)} ${last.outcome}`,
    },
    {
      name: 'Last recovery',
      value: recovery === undefined ? 'not known' : showDuration(recovery.seconds),
      allowed: limits.recovery,
    },
  ];
  return html`<dl class="figures">${rows.map(({ name, value, allowed }) => html`<div><dt>${name}</dt><dd>${value}</dd>${allowed === undefined ? '' : html`<dd class="quiet">${showDuration(allowed)} allowed</dd>`}</div>`)}</dl>`;
}

/** A figure of a host, and the limit in seconds that the inventory sets for it. */
interface Figure {
  readonly name: string;
  readonly value: string;
  readonly allowed?: number | undefined;
}
