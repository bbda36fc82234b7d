import { failureLimit } from '../../engine/failure-budget.js';
import { runHosts } from '../../engine/run-hosts.js';
import { openStateFolder, type StateFolder } from '../../state/state-folder.js';
import type { HostConfig } from '../hosts/host-config.js';
import { RestoreContext } from '../restore/context.js';
import { closeRecord } from '../restore/record.js';
import type { RestoreOptions } from '../restore/restore.js';
import { type RestoreReport, runPhases } from '../restore/run.js';
import { rollbackChanges } from './changes.js';
import { rollbackOpening } from './opening.js';

export type RollbackOptions = Pick<
  RestoreOptions,
  'stateRoot' | 'forks' | 'maxFailures' | 'check' | 'confirm' | 'signal' | 'emit' | 'repeat'
>;

/**
 * Takes the last restore of each host back: the target becomes again what it was before. Never throws for what happens on a
 * host: its report says it.
 */
export async function rollback(
  hosts: readonly HostConfig[],
  options: RollbackOptions,
): Promise<RestoreReport[]> {
  const state = await openStateFolder(options.stateRoot);
  const limit = failureLimit(
    options.maxFailures,
    hosts,
    options.emit,
    ({ name }) => name,
    (report): RestoreReport => ({ ...report, proofs: [] }),
  );
  return await runHosts(hosts, options.forks, (host) => rollbackHost(host, state, options), limit);
}

async function rollbackHost(
  config: HostConfig,
  state: StateFolder,
  options: RollbackOptions,
): Promise<RestoreReport> {
  const context = new RestoreContext(config, state);
  options.emit({ type: 'host-start', host: config.name });
  const report = await runPhases(context, rollbackOpening(config), () => rollbackChanges(context), {
    ...options,
    wants: () => true,
    emit: (event) => {
      if (event.type !== 'host-start' && event.type !== 'host-end') options.emit(event);
    },
  });
  if (report.error === undefined && context.touched)
    await closeRecord(context.folders, context.record?.id, 'rolled-back', report.proofs);
  options.emit({ type: 'host-end', host: config.name, recap: report.recap });
  return report;
}
