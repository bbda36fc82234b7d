import { failedProofs } from '../coolify/proofs.js';
import { showDuration } from '../core/duration.js';
import { asStateError } from '../core/errors.js';
import { writeMetrics } from '../notify/metrics.js';
import type { News } from '../notify/news.js';
import type { DrillReport } from './drill.js';
import { type RunLog, sentenceOf, withoutCause } from './unattended-news.js';

/** What is told of a drill that has ended. */
export function drillNews(report: DrillReport, log: RunLog): News {
  const { host, error, evidence, startedAt } = report;
  return {
    host,
    operation: 'drill',
    succeeded: error === undefined,
    exitStatus: error?.exitStatus ?? 0,
    startedAt,
    finishedAt: new Date(),
    summary:
      error !== undefined
        ? sentenceOf(error)
        : `restored and proven in ${showDuration(evidence?.recovery?.seconds ?? 0)}, the data was ${showDuration(evidence?.dataAge.seconds ?? 0)} old`,
    log: log.lines,
    report: withoutCause(report),
  };
}

/** The figures of a drill for monitoring. That they could not be written is a warning. */
export async function leaveDrillMetrics(
  folder: string | undefined,
  { host, proofs, milliseconds, evidence }: DrillReport,
  { succeeded, finishedAt, operation }: News,
  warn: (message: string) => void,
): Promise<void> {
  if (folder === undefined) return;
  try {
    await writeMetrics(folder, {
      host,
      operation,
      succeeded,
      finishedAt,
      durationSeconds: milliseconds / 1000,
      snapshotBytes: evidence?.snapshot.size,
      proofs: proofs.length,
      failedProofs: failedProofs(proofs).length,
      recoverySeconds: evidence?.recovery?.seconds,
      dataAgeSeconds: evidence?.dataAge.seconds,
    });
  } catch (error) {
    warn(`The metrics could not be written: ${asStateError(error, 'writing failed').message}`);
  }
}
