import type { NewerCoolify } from '../../coolify/restore/preflight.js';
import type { Secret } from '../../core/secret.js';
import type { EventSink } from '../../engine/events.js';
import { type FailureBudget, failureLimit } from '../../engine/failure-budget.js';
import { runHosts } from '../../engine/run-hosts.js';
import { openStateFolder, type StateFolder } from '../../state/state-folder.js';
import type { HostConfig } from '../hosts/host-config.js';
import type { SnapshotChoice } from '../snapshots/source.js';
import { restoreChanges } from './changes.js';
import { RestoreContext } from './context.js';
import { restoreOpening } from './opening.js';
import { closeRecord } from './record.js';
import { type RestorePlan, type RestoreReport, runPhases } from './run.js';
import type { SecondBrain } from './second-brain.js';

export interface RestoreOptions {
  readonly stateRoot: string;
  readonly from: SnapshotChoice;
  readonly forks: number;
  /** How many hosts may fail before no further one is begun; without it all are tried. */
  readonly maxFailures?: FailureBudget | undefined;
  readonly check: boolean;
  /** Keep what stands on an installed target as a safety generation first. */
  readonly safety: boolean;
  /** What is done where a newer Coolify stands than the snapshot's: refused by default. */
  readonly newer?: NewerCoolify;
  /** What is done about an original that still works elsewhere: refused by default. */
  readonly secondBrain?: SecondBrain;
  /** What is restored stays held still: queue and scheduler remain off when all is proven. */
  readonly hold?: boolean;
  /** The target reaches no network: its containers are made anew from the images it has, without Coolify's installer. */
  readonly offline?: boolean;
  /** Options that a command in a message has to repeat, such as those of inventory and state. */
  readonly repeat?: readonly string[];
  /** Which artifacts to put back. */
  readonly wants: (artifact: string) => boolean;
  /** Asked once for each host, before anything is changed. */
  readonly confirm: (plan: RestorePlan) => Promise<boolean>;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export type { RestorePlan, RestoreReport } from './run.js';

/** One restore: which host's snapshot goes onto which host. */
export interface RestoreJob {
  readonly target: HostConfig;
  /** Host whose snapshot it is; the target's own by default. */
  readonly snapshotHost: string;
  /** That host, where it is another one of the inventory than the target. */
  readonly original?: HostConfig;
}

/** Restores hosts, several at once. Never throws for what happens on a host: its report says it. */
export async function restore(
  jobs: readonly RestoreJob[],
  options: RestoreOptions,
): Promise<RestoreReport[]> {
  const state = await openStateFolder(options.stateRoot);
  const limit = failureLimit(
    options.maxFailures,
    jobs,
    options.emit,
    ({ target }) => target.name,
    (report): RestoreReport => ({ ...report, proofs: [] }),
  );
  return await runHosts(jobs, options.forks, (job) => restoreHost(job, state, options), limit);
}

async function restoreHost(
  job: RestoreJob,
  state: StateFolder,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const { target: config } = job;
  const context = new RestoreContext(config, state);
  // The phases of a restore are one run to whoever watches.
  const emit: EventSink = (event) => {
    if (event.type !== 'host-start' && event.type !== 'host-end') options.emit(event);
  };
  options.emit({ type: 'host-start', host: config.name });
  const report = await phasesOf(job, context, { ...options, emit });
  options.emit({ type: 'host-end', host: config.name, recap: report.recap });
  return report;
}

async function phasesOf(
  job: RestoreJob,
  context: RestoreContext,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const { target: config } = job;
  const report = await runPhases(
    context,
    restoreOpening(job, options),
    () => restoreChanges(config, options),
    options,
  );
  const { folders, touched, completed, target } = context;
  const failed = report.error !== undefined && touched && report.proofs.length > 0;
  if (failed) await closeRecord(folders, target?.notes.restore, 'unproven', report.proofs);
  else if (completed && report.error === undefined)
    await closeRecord(folders, target?.notes.restore, 'complete', report.proofs);
  return report;
}
