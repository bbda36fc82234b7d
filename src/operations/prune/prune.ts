import type { EventSink } from '../../engine/events.js';
import { type FailureBudget, failureLimit } from '../../engine/failure-budget.js';
import type { HostReport } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import type { Span } from '../../repository/retention/span.js';
import { openStateFolder } from '../../state/state-folder.js';
import type { HostConfig } from '../hosts/host-config.js';
import type { PrunedPlace, PrunePlan } from './plan.js';
import { PruneRun } from './run.js';

export interface PruneOptions {
  readonly stateRoot: string;
  readonly forks: number;
  /** How many hosts may fail before no further one is begun; without it all are tried. */
  readonly maxFailures?: FailureBudget | undefined;
  /** Only tell what would be removed. */
  readonly check: boolean;
  /** Leftovers of interrupted uploads are removed when they are older: a run that is at work has younger ones. */
  readonly leftoversOlderThan: Span;
  /** How long to wait for another run that works on the same snapshots, milliseconds; 0 by default. */
  readonly waitLock?: number | undefined;
  /** Asked once for each host that has something to remove, before anything is. */
  readonly confirm: (plan: PrunePlan) => Promise<boolean>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface PruneReport extends HostReport {
  /** The policy that was applied, as flags. */
  readonly policy: string;
  /** Every place that could be looked into. */
  readonly places: readonly PrunedPlace[];
}

/**
 * Removes what the policy of each host does not keep, on this machine and in its repositories, and what interrupted runs
 * left. Needs neither the host nor a key. Never throws for what happens to a host: its report says it.
 */
export async function prune(hosts: readonly HostConfig[], options: PruneOptions): Promise<PruneReport[]> {
  const state = await openStateFolder(options.stateRoot);
  const limit = failureLimit(
    options.maxFailures,
    hosts,
    options.emit,
    ({ name }) => name,
    (report): PruneReport => ({ ...report, policy: '', places: [] }),
  );
  return await runHosts(hosts, options.forks, (host) => new PruneRun(host, state, options).report(), limit);
}
