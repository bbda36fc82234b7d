import { showDuration } from '../../core/duration.js';
import { StateError } from '../../core/errors.js';
import type { HostReport } from '../../engine/run-host.js';
import type { RestoreReport } from '../restore/restore.js';
import type { Evidence } from './evidence.js';
import type { DrillSubject } from './snapshot.js';

/** How a drill is judged beyond the proofs, and what is advised after it. */

/** What could not be done for want of a key, a connection or an answer says nothing of the snapshot, and neither does Ctrl-C. */
export function saysSomething(error: StateError | undefined): boolean {
  return error === undefined || error.kind === 'proof' || error.kind === 'failed';
}

/** What a failed restore advises is of no use where the target is thrown away. */
export function withoutWayBack(report: RestoreReport, isMachine: boolean): HostReport {
  const { error } = report;
  if (error === undefined || isMachine || error.kind === 'interrupted') return report;
  const next =
    error.kind === 'proof'
      ? 'do not rely on this snapshot; drill another one (--from ID), and see what became of this one'
      : 'drill again with --keep to look into the host, and see docs/drill.md';
  return { ...report, error: new StateError({ ...error.facts(), next }) };
}

export function otherBytes(subject: DrillSubject | undefined, found: string | undefined): StateError {
  return new StateError({
    kind: 'proof',
    code: 'drill.other-bytes',
    what: 'What was restored is not what the sidecar of the snapshot describes',
    why: `SHA-256 ${found ?? 'unknown'} was read, ${subject?.snapshot.sidecar.sha256} is written there`,
    next: 'verify the snapshot: coolify-state verify --read-data',
  });
}

/** A drill that proved everything, but too late, has failed all the same. */
export function withLimits(report: HostReport, { outcome, recovery, dataAge }: Evidence): HostReport {
  if (report.error !== undefined || outcome !== 'late') return report;
  const reasons = [
    ...(recovery?.ok === false
      ? [`the recovery took ${showDuration(recovery.seconds)}, ${limitOf(recovery)} are allowed`]
      : []),
    ...(dataAge.ok
      ? []
      : [`the data is ${showDuration(dataAge.seconds)} old, ${limitOf(dataAge)} are allowed`]),
  ];
  const error = new StateError({
    kind: 'failed',
    code: 'drill.late',
    what: 'All was restored and proven, but not within the limits of the inventory',
    why: reasons.join('; '),
    next: 'back up more often or make the recovery faster; the limits are coolify_drill_max_rto and coolify_drill_max_rpo',
    host: report.host,
  });
  return { ...report, error };
}

function limitOf({ limitSeconds = 0 }: { readonly limitSeconds?: number | undefined }): string {
  return showDuration(limitSeconds);
}
