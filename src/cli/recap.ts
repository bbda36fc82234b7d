import { printable } from '../core/terminal-text.js';
import type { TaskStatus } from '../engine/events.js';
import type { HostReport } from '../engine/run-host.js';
import type { Proof } from '../state/manifest.js';
import { bytes, duration, table } from './figures.js';
import { type Column, fittingTable } from './fitting-table.js';
import { PLAIN, type Style, type Tone, tinted } from './live/style.js';
import { renderError } from './render-error.js';

/** What a line of the recap is made of. */
export type RecapReport = HostReport & {
  readonly proofs?: readonly Proof[];
  readonly generation?: { readonly bytes: number };
};

/** How much is told, and to whom. */
export interface RecapView {
  readonly debug?: boolean;
  readonly verbose?: number;
  readonly style?: Style;
  /** Columns of the terminal, if it is one. */
  readonly width?: number | undefined;
}

const COUNTS: readonly TaskStatus[] = ['ok', 'changed', 'skipped', 'failed', 'unreachable'];

/** What to do next first, then a line for each host. */
export function recap(reports: readonly RecapReport[], { width, ...detail }: RecapView): string {
  const errors = reports.flatMap(({ error }) => (error === undefined ? [] : [renderError(error, detail)]));
  const lines = recapLines(reports, width).map((line, index) => {
    const tone = toneOf(reports[index]);
    return tone === undefined ? line : tinted(line, tone, detail.style ?? PLAIN);
  });
  return [...errors, ...(errors.length > 0 ? [''] : []), ...lines].join('\n');
}

/** In a narrow window counts that are zero everywhere go first, then proofs and sizes. */
function recapLines(reports: readonly RecapReport[], width: number | undefined): string[] {
  const isZero = (status: TaskStatus): boolean => reports.every(({ recap: counts }) => counts[status] === 0);
  const columns: Column[] = [
    { title: '' },
    ...COUNTS.map((status) => (isZero(status) ? { title: '', dispensable: 3 } : { title: '' })),
    { title: '', dispensable: 2 },
    { title: '', dispensable: 1 },
    { title: '' },
  ];
  const rows = reports.map(({ host, recap: counts, milliseconds, proofs = [], generation }) => [
    printable(host),
    ...COUNTS.map((status) => `${status}=${counts[status]}`),
    proofs.length === 0 ? '' : `proofs=${proofs.filter(({ ok }) => ok).length}/${proofs.length}`,
    generation === undefined ? '' : bytes(generation.bytes),
    duration(milliseconds),
  ]);
  const [, ...lines] = fittingTable(columns, rows, width).text.split('\n');
  return lines;
}

function toneOf(report: RecapReport | undefined): Tone | undefined {
  if (report === undefined) return undefined;
  const { failed, unreachable, changed } = report.recap;
  if (report.error !== undefined || failed + unreachable > 0) return 'bad';
  return changed > 0 ? 'change' : 'good';
}

export function proofTable(proofs: readonly Proof[]): string {
  return table(proofs.map(({ name, ok, detail }) => [ok ? 'proven' : 'FAILED', name, printable(detail)]));
}
