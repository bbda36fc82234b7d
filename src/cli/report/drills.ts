import { showDuration } from '../../core/duration.js';
import type { Evidence } from '../../operations/drill/evidence.js';
import type { HostHistory } from '../../operations/report/data.js';
import { html, type Markup } from './markup.js';
import { bars } from './plots.js';

/** How long recoveries took, against the limit of the inventory. Nothing for a single one. */
export function drillPlot({ host, drills, limits }: HostHistory): Markup {
  const values = drills.flatMap(({ startedAt, recovery, snapshot }) =>
    recovery === undefined
      ? []
      : [
          {
            at: new Date(startedAt),
            value: recovery.seconds,
            kind: recovery.ok ? ('good' as const) : ('warn' as const),
            title: `drill of ${snapshot.id}: ${showDuration(recovery.seconds)}`,
          },
        ],
  );
  if (values.length < 2) return html``;
  const limit = limits.recovery;
  return html`<figure>${bars(values, { label: `Recovery times in drills of ${host}`, show: showDuration, limit })}<figcaption>How long a recovery took in drills${limit === undefined ? '' : `; the line is the limit, ${showDuration(limit)}`}.</figcaption></figure>`;
}

/** Every drill with its times; its proofs fold out below. */
export function drillTable({ host, drills }: HostHistory): Markup {
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Drills of ${host}"><table>
<thead><tr><th scope="col">Drilled</th><th scope="col">Outcome</th><th scope="col" class="number">Recovery</th><th scope="col" class="number">Age of the data</th><th scope="col">Snapshot</th><th scope="col">Cut off</th></tr></thead>
<tbody>${drills.map(rowOf)}</tbody>
</table></div>`;
}

const LOOK: Readonly<Record<Evidence['outcome'], string>> = { passed: 'good', late: 'warn', failed: 'bad' };

function rowOf(drill: Evidence): Markup {
  const { startedAt, snapshot, outcome, recovery, dataAge, isolation } = drill;
  return html`<tr data-drill="${drill.drill}"><td>${startedAt.slice(0, 19).replace('T', ' ')}</td><td class="${LOOK[outcome]}">${outcome}</td><td class="number">${recovery === undefined ? '' : showDuration(recovery.seconds)}</td><td class="number">${showDuration(dataAge.seconds)}</td><td><code>${snapshot.id}</code></td><td>${isolation.guaranteed ? 'proven' : 'no'}</td></tr><tr class="more"><td colspan="6">${proofsOf(drill)}</td></tr>`;
}

function proofsOf({ proofs, isolation, failure }: Evidence): Markup {
  const all = [...isolation.before, ...proofs.snapshot, ...proofs.restored, ...isolation.after];
  const failed = all.filter(({ ok }) => !ok);
  const title =
    failed.length === 0
      ? `${all.length} proven`
      : `${failed.map(({ name }) => name).join(', ')} failed, ${all.length - failed.length} proven`;
  return html`<details${failed.length > 0 ? html` open` : ''}><summary>${title}</summary>${failure === undefined ? '' : html`<p class="bad">${failure.what}${failure.why === undefined ? '' : `: ${failure.why}`}</p>`}<ul>${all.map(({ name, ok, detail }) => html`<li><span class="${ok ? 'good' : 'bad'}">${ok ? 'proven' : 'FAILED'}</span> ${name}: ${detail}</li>`)}</ul></details>`;
}
