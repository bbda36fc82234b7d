import { printable } from '../core/terminal-text.js';
import type { HostReport } from '../engine/run-host.js';
import type { Proof } from '../state/manifest.js';
import { duration, table } from './figures.js';
import { type ErrorDetail, renderError } from './render-error.js';

/** What to do next first, then a line for each host. */
export function recap(reports: readonly HostReport[], detail: ErrorDetail): string {
  const errors = reports.flatMap(({ error }) => (error === undefined ? [] : [renderError(error, detail)]));
  const rows = reports.map(({ host, recap: counts, milliseconds }) => [
    printable(host),
    `ok=${counts.ok}`,
    `changed=${counts.changed}`,
    `skipped=${counts.skipped}`,
    `failed=${counts.failed}`,
    `unreachable=${counts.unreachable}`,
    duration(milliseconds),
  ]);
  return [...errors, ...(errors.length > 0 ? [''] : []), table(rows)].join('\n');
}

export function proofTable(proofs: readonly Proof[]): string {
  return table(proofs.map(({ name, ok, detail }) => [ok ? 'proven' : 'FAILED', name, printable(detail)]));
}
