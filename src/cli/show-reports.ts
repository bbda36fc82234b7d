import type { HostReport } from '../engine/run-host.js';
import type { Proof } from '../state/manifest.js';
import { proofTable, recap } from './recap.js';
import { exitStatusOf, type Invocation, reportFacts } from './run-command.js';

type ProvenReport = HostReport & { readonly proofs?: readonly Proof[] };

/**
 * Shows what became of the hosts of a command: proofs, what the command has to add, what to do next, a line for each host;
 * or the one summary of `--json`.
 * @returns the exit status
 */
export function showReports<Report extends ProvenReport>(
  command: string,
  reports: readonly Report[],
  { output, json, debug, verbose }: Invocation,
  more: (report: Report) => readonly string[] = () => [],
): number {
  if (json) {
    output.out(JSON.stringify({ type: 'summary', command, hosts: reports.map(reportFacts) }));
  } else {
    for (const report of reports) {
      const { host, proofs = [] } = report;
      if (proofs.length > 0) output.out(`\n${host}\n${proofTable(proofs)}`);
      for (const line of more(report)) output.out(line);
    }
    output.out(`\n${recap(reports, { debug, verbose })}`);
  }
  return exitStatusOf(reports);
}
