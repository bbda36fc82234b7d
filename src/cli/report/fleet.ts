import { showDuration } from '../../core/duration.js';
import type { HostScore, Scorecard } from '../../fleet/report/scorecard.js';
import { wholeSeconds } from '../figures.js';
import { html, type Markup } from './markup.js';

/** All hosts of a fleet in one table, above what is told of each. */
export function fleetOverview({ hosts, totals }: Scorecard): Markup {
  return html`<section>
<h2>All hosts</h2>
<p>${totals.good} of ${totals.hosts} have a good snapshot, ${totals.proven} were proven by a drill, ${totals.overdue} are overdue.</p>
<div class="scroll" tabindex="0" role="region" aria-label="All hosts"><table>
<thead><tr><th scope="col">Host</th><th scope="col">Group</th><th scope="col">Last good</th><th scope="col">Last proven</th><th scope="col" class="number">Recovery</th><th scope="col">Overdue</th><th scope="col">Changed</th></tr></thead>
<tbody>${hosts.map(rowOf)}</tbody>
</table></div>
</section>
`;
}

function rowOf({ host, group, lastGood, lastProven, recovery, overdue, drift }: HostScore): Markup {
  return html`<tr data-host="${host}"><td>${host}</td><td>${group}</td><td class="${lastGood === undefined ? 'bad' : ''}">${readable(lastGood?.at)}</td><td>${readable(lastProven?.at)}</td><td class="number">${recovery === undefined ? '' : showDuration(recovery.seconds)}</td><td class="${overdue.length === 0 ? '' : 'bad'}">${overdue.join(', ')}</td><td class="long">${drift.join(', ')}</td></tr>`;
}

function readable(time: string | undefined): string {
  return time === undefined ? 'never' : wholeSeconds(time).replace('T', ' ').replace('Z', '');
}
