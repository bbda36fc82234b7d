import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { StateError } from '../../core/errors.js';
import { RUN_ID } from '../../core/run-id.js';
import type { EngineEvent } from '../../engine/events.js';
import type { Proof } from '../../state/manifest.js';
import { TOOL } from '../../tool.js';
import { FETCH_STEP } from '../restore/opening.js';
import type { RestoreReport } from '../restore/run.js';
import { boundedDetail, type Evidence } from './evidence.js';
import type { DrillSettings } from './settings.js';
import type { DrillSubject } from './snapshot.js';

/** Takes the time of a recovery by what its steps tell, as a person beside it would. */
export class RecoveryClock {
  #began: number | undefined;
  #installationMs = 0;
  #recoveredMs: number | undefined;

  take(event: EngineEvent): void {
    if (event.type === 'task-start' && event.task === FETCH_STEP) this.#began ??= performance.now();
    if (event.type === 'task-end' && event.task === INSTALL_STEP && event.status !== 'skipped')
      this.#installationMs += event.milliseconds;
  }

  /** All is proven. */
  stop(): void {
    if (this.#began !== undefined) this.#recoveredMs = performance.now() - this.#began;
  }

  /** Undefined when it did not come so far. */
  get recoverySeconds(): number | undefined {
    return this.#recoveredMs === undefined ? undefined : rounded(this.#recoveredMs - this.#installationMs);
  }

  get installationSeconds(): number | undefined {
    return this.#installationMs === 0 ? undefined : rounded(this.#installationMs);
  }
}

/** The step of a restore that is no part of the recovery time: see restore-steps.ts. */
const INSTALL_STEP = "run Coolify's installer";

/** All that a drill has come to know by its end. */
export interface DrillFacts {
  readonly id: string;
  readonly startedAt: Date;
  readonly finishedAt: Date;
  readonly subject: DrillSubject;
  readonly settings: DrillSettings;
  readonly target: Evidence['target'];
  readonly isolation: Evidence['isolation'];
  readonly restored: RestoreReport | undefined;
  /** SHA-256 of the encrypted bytes that were read. */
  readonly ciphertext: string | undefined;
  readonly clock: RecoveryClock;
  readonly preparationSeconds: number | undefined;
  readonly error: StateError | undefined;
}

/** The record of a drill. */
export function evidenceOf(facts: DrillFacts): Evidence {
  const { subject, settings, clock, restored, error, startedAt, ciphertext } = facts;
  const { snapshot } = subject;
  const { sidecar } = snapshot;
  const recovery = clock.recoverySeconds;
  const age = Math.max(0, rounded(startedAt.getTime() - sidecar.createdAt.getTime()));
  const dataAge = limited(age, settings.maxDataAgeSeconds);
  const figures = recovery === undefined ? undefined : limited(recovery, settings.maxRecoverySeconds);
  const late = !dataAge.ok || figures?.ok === false;
  return {
    type: 'coolify-state.drill',
    format: 1,
    tool: TOOL.version,
    drill: facts.id,
    run: RUN_ID,
    startedAt: startedAt.toISOString(),
    finishedAt: facts.finishedAt.toISOString(),
    outcome: error !== undefined ? 'failed' : late ? 'late' : 'passed',
    snapshot: {
      id: snapshot.id,
      host: snapshot.host,
      object: basename(snapshot.key),
      sha256: ciphertext ?? sidecar.sha256,
      read: ciphertext !== undefined,
      size: sidecar.size,
      createdAt: sidecar.createdAt.toISOString(),
      ...(sidecar.coolify !== undefined && { coolify: sidecar.coolify }),
      ...(sidecar.postgres !== undefined && { postgres: sidecar.postgres }),
      recipients: [...sidecar.recipients],
    },
    target: facts.target,
    isolation: {
      ...facts.isolation,
      before: bounded(facts.isolation.before),
      after: bounded(facts.isolation.after),
    },
    proofs: {
      snapshot: bounded([...(restored?.sourceProofs ?? []), ...proofOf(restored)]),
      restored: bounded(restored?.proofs ?? []),
    },
    ...(figures !== undefined && { recovery: figures }),
    dataAge,
    apart: {
      ...(clock.installationSeconds !== undefined && { installation: clock.installationSeconds }),
      ...(facts.preparationSeconds !== undefined && { preparation: facts.preparationSeconds }),
    },
    steps: (restored?.tasks ?? [])
      .filter(({ status }) => status !== 'skipped')
      .map(({ task, milliseconds }) => ({ name: task, seconds: rounded(milliseconds) }))
      .filter(({ seconds }) => seconds > 0),
    ...(error !== undefined && { failure: failureOf(error) }),
  };
}

/** A short name for a drill, by which its container is found as well. */
export function drillId(host: string, startedAt: Date): string {
  return createHash('sha256')
    .update(`${host} ${startedAt.toISOString()} ${process.pid}`)
    .digest('hex')
    .slice(0, 8);
}

/** A snapshot can break a reader before any proof is made: then that is the proof that failed, by the name of the error. */
function proofOf(restored: RestoreReport | undefined): Proof[] {
  const { error, sourceProofs = [], proofs = [] } = restored ?? {};
  if (error?.kind !== 'proof' || [...sourceProofs, ...proofs].some(({ ok }) => !ok)) return [];
  return [{ name: error.code, ok: false, detail: error.message }];
}

function failureOf({ kind, code, what, why }: StateError): NonNullable<Evidence['failure']> {
  return {
    kind,
    code,
    what: boundedDetail(what),
    ...(why !== undefined && { why: boundedDetail(why) }),
  };
}

function limited(seconds: number, limitSeconds: number | undefined): Evidence['dataAge'] {
  if (limitSeconds === undefined) return { seconds, ok: true };
  return { seconds, limitSeconds, ok: seconds <= limitSeconds };
}

function bounded(proofs: readonly Proof[]): Proof[] {
  return proofs.map(({ name, ok, detail }) => ({ name, ok, detail: boundedDetail(detail) }));
}

/** Seconds with one decimal. */
function rounded(milliseconds: number): number {
  return Math.round(milliseconds / 100) / 10;
}
