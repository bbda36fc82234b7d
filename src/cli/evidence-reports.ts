import { printable } from '../core/terminal-text.js';
import type { HostReport } from '../engine/run-host.js';
import type { CheckedEvidence, EvidenceReport } from '../operations/verify/evidence.js';
import type { Proof } from '../state/manifest.js';
import { table, wholeSeconds } from './figures.js';
import { errorFacts } from './render-error.js';
import type { Invocation } from './run-command.js';
import { showReports } from './show-reports.js';

/** Shows the evidence of drills that was checked. @returns the exit status */
export function showEvidence(reports: readonly EvidenceReport[], invocation: Invocation): number {
  if (invocation.json) return showReports('verify', reports.map(withFacts), invocation);
  return showReports('verify', reports, invocation, ({ host, evidence }) =>
    evidence.length === 0
      ? []
      : [
          `\n${printable(host)}`,
          table([['ID', 'DRILLED', 'OUTCOME', 'EVIDENCE', 'WHERE'], ...evidence.map(rowOf)]),
        ],
  );
}

function rowOf({ id, at, outcome, signer, error, where }: CheckedEvidence): string[] {
  return [
    id,
    wholeSeconds(at),
    outcome === undefined ? '?' : outcome === 'passed' ? 'passed' : outcome.toUpperCase(),
    signer === undefined
      ? `NOT GENUINE: ${printable(error?.why ?? error?.what ?? '')}`
      : `genuine, signed by ${signer.principals} ${signer.fingerprint.slice(0, 15)}…`,
    printable(where),
  ];
}

function withFacts(report: EvidenceReport): HostReport & {
  readonly proofs: readonly Proof[];
  readonly snapshots: readonly object[];
  readonly evidence: readonly object[];
} {
  const evidence = report.evidence.map(({ error, ...rest }) => ({
    ...rest,
    ok: error === undefined,
    ...(error !== undefined && { error: errorFacts(error) }),
  }));
  return { ...report, proofs: [], snapshots: [], evidence };
}
