import { printable } from '../core/terminal-text.js';
import type { HostReport } from '../engine/run-host.js';
import type { Proof } from '../state/manifest.js';
import { tinted } from './live/style.js';
import { proofTable, recap } from './recap.js';
import { exitStatusOf, type Invocation, reportFacts } from './run-command.js';

type ProvenReport = HostReport & { readonly proofs?: readonly Proof[] };

/**
 * Shows what became of the hosts of a command: proofs, what the command has to add, what to do next, a line for each host;
 * or the one summary of `--json`, or lines of the log.
 * @returns the exit status
 */
export function showReports<Report extends ProvenReport>(
  command: string,
  reports: readonly Report[],
  invocation: Invocation,
  more: (report: Report) => readonly string[] = () => [],
): number {
  const { output, json, style, log } = invocation;
  if (json) {
    output.out(JSON.stringify({ type: 'summary', command, hosts: reports.map(reportFacts) }));
  } else if (log !== undefined) {
    for (const report of reports) log.report(report, report.proofs ?? [], more(report));
  } else {
    for (const report of reports) {
      const { host, proofs = [] } = report;
      if (proofs.length > 0)
        output.out(`\n${tinted(printable(host), 'strong', style)}\n${proofTable(proofs)}`);
      for (const line of more(report)) output.out(line);
    }
    output.out(`\n${recap(reports, invocation)}`);
  }
  return exitStatusOf(reports);
}
