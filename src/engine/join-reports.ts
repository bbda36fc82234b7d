import type { HostReport } from './run-host.js';

/** Two runs on a host as one: tasks and counts of both, and the first error that there was. */
export function joinReports(first: HostReport, second: HostReport): HostReport {
  const recap = { ...first.recap };
  for (const status of ['ok', 'changed', 'skipped', 'failed', 'unreachable'] as const)
    recap[status] += second.recap[status];
  const error = first.error ?? second.error;
  return {
    host: first.host,
    recap,
    tasks: [...first.tasks, ...second.tasks],
    milliseconds: first.milliseconds + second.milliseconds,
    ...(error !== undefined && { error }),
  };
}
