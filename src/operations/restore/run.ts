import type { TargetKind } from '../../coolify/restore/target.js';
import { asStateError, StateError } from '../../core/errors.js';
import type { TaskOutcome } from '../../engine/events.js';
import { joinReports } from '../../engine/join-reports.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import type { Task } from '../../engine/task.js';
import type { Proof } from '../../state/manifest.js';
import type { RestoreContext } from './context.js';
import { consistencyOf } from './parts.js';
import type { RestoreOptions } from './restore.js';
import { withWayBack } from './way-back.js';

/** A step of a plan: what would change, and why. */
export type PlannedStep = TaskOutcome & { readonly why?: string };

/** What is put back, and onto what. */
export interface PlanSubject {
  readonly origin: string;
  readonly snapshot: string;
  readonly createdAt: string;
  /** Host that the snapshot was taken of. */
  readonly snapshotHost: string;
  readonly kind: TargetKind;
  /** Whether a restore is taken back. */
  readonly rollback: boolean;
}

/** What a restore is about to do on a host. */
export interface RestorePlan extends PlanSubject {
  readonly host: string;
  /** What target and snapshot are, one clause each. */
  readonly facts: readonly string[];
  /** What putting back a part means for the rest; empty for a whole restore. */
  readonly consistency: readonly string[];
  readonly steps: readonly PlannedStep[];
}

export interface RestoreReport extends HostReport {
  readonly plan?: RestorePlan;
  readonly proofs: readonly Proof[];
  /** Those of the snapshot, from before anything was touched. */
  readonly sourceProofs?: readonly Proof[];
  /** SHA-256 (hex) of the encrypted bytes, where they were read from a repository. */
  readonly ciphertext?: string;
}

/**
 * Looks, plans, asks and does. The same steps are asked for the plan and run after it; when the opening fails, or the plan
 * is only to be shown, nothing was touched.
 */
export async function runPhases(
  context: RestoreContext,
  openingTasks: readonly Task<RestoreContext>[],
  changes: () => readonly Task<RestoreContext>[],
  options: Pick<RestoreOptions, 'check' | 'signal' | 'emit' | 'confirm' | 'wants' | 'repeat'>,
): Promise<RestoreReport> {
  const { name } = context.config;
  const { signal, emit } = options;
  try {
    const opening = await runTasks(name, openingTasks, context, { check: false, signal, emit });
    const { sourceProofs, opened } = context;
    const source = {
      sourceProofs,
      ...(opened?.ciphertext !== undefined && { ciphertext: opened.ciphertext }),
    };
    if (opening.error !== undefined || context.subject === undefined)
      return { ...opening, proofs: [], ...source };
    const steps = changes();
    const planned = await runTasks(name, steps, context, {
      check: true,
      signal,
      emit: options.check ? emit : () => undefined,
    });
    const plan = planOf(context, context.subject, planned, steps, options);
    if (planned.error !== undefined || options.check)
      return { ...joinReports(opening, planned), plan, proofs: [] };
    const changing = planned.tasks.some(({ status }) => status === 'changed');
    const refusal = changing ? await refusalOf(plan, options) : undefined;
    if (refusal !== undefined)
      return { ...joinReports(opening, refused(planned, refusal)), plan, proofs: [] };
    const run = await runTasks(name, steps, context, { check: false, signal, emit });
    const report = context.touched ? withWayBack(run, options, context.subject.rollback) : run;
    return { ...joinReports(opening, report), plan, proofs: context.proofs, ...source };
  } finally {
    await context.close();
  }
}

function planOf(
  context: RestoreContext,
  subject: PlanSubject,
  { host, tasks }: HostReport,
  steps: readonly Task<RestoreContext>[],
  { wants }: Pick<RestoreOptions, 'wants'>,
): RestorePlan {
  const why = new Map(steps.map((step) => [step.name, step.why]));
  return {
    host,
    ...subject,
    facts: context.facts,
    consistency: subject.rollback ? [] : consistencyOf(wants),
    steps: tasks
      .filter(({ status }) => status === 'changed')
      .map((step) => {
        const reason = why.get(step.task);
        return { ...step, ...(reason !== undefined && { why: reason }) };
      }),
  };
}

/** Why a plan is not carried out; undefined when it was confirmed. What asking throws is this host's failure alone. */
async function refusalOf(
  plan: RestorePlan,
  { confirm }: Pick<RestoreOptions, 'confirm'>,
): Promise<StateError | undefined> {
  try {
    if (await confirm(plan)) return undefined;
    return new StateError({
      kind: 'interrupted',
      code: 'restore.not-confirmed',
      what: 'Nothing was changed',
      why: 'the restore was not confirmed',
      next: 'run it again and type the name of the host, or add --yes',
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
