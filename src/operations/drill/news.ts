import { showDuration } from '../../core/duration.js';
import type { News } from '../../notify/news.js';
import { leaveFigures, type RunLog, sentenceOf, withoutCause } from '../unattended/news.js';
import type { DrillReport } from './drill.js';

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

/** The figures of a drill for monitoring. */
export async function leaveDrillMetrics(
  folder: string | undefined,
  report: DrillReport,
  news: News,
  warn: (message: string) => void,
): Promise<void> {
  const { evidence } = report;
  const own = {
    snapshotBytes: evidence?.snapshot.size,
    recoverySeconds: evidence?.recovery?.seconds,
    dataAgeSeconds: evidence?.dataAge.seconds,
  };
  await leaveFigures(folder, report, news, own, warn);
}
