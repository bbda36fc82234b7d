import type { TargetKind } from '../coolify/target.js';
import { asStateError, StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import type { EventSink, TaskOutcome } from '../engine/events.js';
import { type HostReport, runTasks } from '../engine/run-host.js';
import { runHosts } from '../engine/run-hosts.js';
import type { Proof } from '../state/manifest.js';
import { openStateFolder, type StateFolder } from '../state/state-folder.js';
import type { HostConfig } from './host-config.js';
import { restoreChanges } from './restore-changes.js';
import { RestoreContext } from './restore-context.js';
import { restoreOpening } from './restore-opening.js';
import type { SnapshotChoice } from './snapshot-source.js';

/** What a restore is about to do on a host. */
export interface RestorePlan {
  readonly host: string;
  readonly origin: string;
  readonly snapshot: string;
  readonly createdAt: string;
  /** Host that the snapshot was taken of. */
  readonly snapshotHost: string;
  readonly kind: TargetKind;
  readonly steps: readonly TaskOutcome[];
}

export interface RestoreOptions {
  readonly stateRoot: string;
  readonly from: SnapshotChoice;
  readonly forks: number;
  readonly check: boolean;
  /** Keep what stands on an installed target as a safety generation first. */
  readonly safety: boolean;
  /** Which artifacts to put back. */
  readonly wants: (artifact: string) => boolean;
  /** Asked once for each host, before anything is changed. */
  readonly confirm: (plan: RestorePlan) => Promise<boolean>;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface RestoreReport extends HostReport {
  readonly plan?: RestorePlan;
  readonly proofs: readonly Proof[];
}

/** One restore: which host's snapshot goes onto which host. */
export interface RestoreJob {
  readonly target: HostConfig;
  /** Host whose snapshot it is; the target's own by default. */
  readonly snapshotHost: string;
}

/** Restores hosts, several at once. Never throws for what happens on a host: its report says it. */
export async function restore(
  jobs: readonly RestoreJob[],
  options: RestoreOptions,
): Promise<RestoreReport[]> {
  const state = await openStateFolder(options.stateRoot);
  return await runHosts(jobs, options.forks, (job) => restoreHost(job, state, options));
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
  const { signal, emit } = options;
  try {
    const opening = await runTasks(config.name, restoreOpening(job, options), context, {
      check: false,
      signal,
      emit,
    });
    if (opening.error !== undefined || context.opened === undefined) return { ...opening, proofs: [] };
    const steps = restoreChanges(config, options);
    const planned = await runTasks(config.name, steps, context, {
      check: true,
      signal,
      emit: options.check ? emit : () => undefined,
    });
    const plan = planOf(context, planned);
    if (planned.error !== undefined || options.check)
      return { ...joined(opening, planned), plan, proofs: [] };
    const changes = planned.tasks.some(({ status }) => status === 'changed');
    const refusal = changes ? await refusalOf(plan, options) : undefined;
    if (refusal !== undefined) return { ...joined(opening, refused(planned, refusal)), plan, proofs: [] };
    const run = await runTasks(config.name, steps, context, { check: false, signal, emit });
    return { ...joined(opening, run), plan, proofs: context.proofs };
  } finally {
    await context.close();
  }
}

function planOf(context: RestoreContext, { host, tasks }: HostReport): RestorePlan {
  const { opened } = context;
  if (opened === undefined) throw new Error('no snapshot was opened');
  const { manifest } = opened.generation;
  return {
    host,
    origin: opened.origin,
    snapshot: manifest.id,
    createdAt: manifest.createdAt,
    snapshotHost: manifest.host,
    kind: context.ready.kind,
    steps: tasks.filter(({ status }) => status === 'changed'),
  };
}

function joined(first: HostReport, second: HostReport): HostReport {
  const recap = { ...first.recap };
  for (const status of ['ok', 'changed', 'skipped', 'failed', 'unreachable'] as const)
    recap[status] += second.recap[status];
  return {
    ...second,
    recap,
    tasks: [...first.tasks, ...second.tasks],
    milliseconds: first.milliseconds + second.milliseconds,
  };
}

/** Why a plan is not carried out; undefined when it was confirmed. What asking throws is this host's failure alone. */
async function refusalOf(plan: RestorePlan, { confirm }: RestoreOptions): Promise<StateError | undefined> {
  try {
    if (await confirm(plan)) return undefined;
    return new StateError({
      kind: 'interrupted',
      code: 'restore.not-confirmed',
      what: 'Nothing was changed',
      why: 'the restore was not confirmed',
      host: plan.host,
    });
  } catch (error) {
    return asStateError(error, 'The restore could not be confirmed').onHost(plan.host);
  }
}

function refused(planned: HostReport, error: StateError): HostReport {
  return {
    ...planned,
    recap: { ok: 0, changed: 0, skipped: 0, failed: 0, unreachable: 0 },
    tasks: [],
    error,
  };
}
