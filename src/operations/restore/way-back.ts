import { StateError } from '../../core/errors.js';
import type { HostReport } from '../../engine/run-host.js';
import { TOOL } from '../../tool.js';
import type { RestoreOptions } from './restore.js';

/** The command that takes a restore back, with what the command line said of inventory and state. */
export function rollbackCommand(host: string, { repeat = [] }: Pick<RestoreOptions, 'repeat'>): string {
  return [TOOL.name, 'restore', '--rollback', host, ...repeat].join(' ');
}

/** A failed restore says what can be done next: go on, or back. A failed rollback is run again. */
export function withWayBack(
  report: HostReport,
  options: Pick<RestoreOptions, 'repeat'>,
  rollback: boolean,
): HostReport {
  const { error } = report;
  if (error === undefined) return report;
  const back = rollbackCommand(report.host, options);
  const next = rollback
    ? `put the cause right and run the rollback again, it goes on where it stopped: ${back}`
    : `${error.next ?? 'put the cause right and run the restore again: it goes on where it stopped'}; or take it back with: ${back}`;
  return { ...report, error: new StateError({ ...error.facts(), next }) };
}
