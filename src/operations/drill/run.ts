import { join } from 'node:path';
import { failedProofs } from '../../coolify/proofs.js';
import { showDuration } from '../../core/duration.js';
import { asStateError, type StateError } from '../../core/errors.js';
import type { EventSink } from '../../engine/events.js';
import { joinReports } from '../../engine/join-reports.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { readTask, type Task, workTask } from '../../engine/task.js';
import type { Endpoint } from '../../ssh/endpoint.js';
import type { HostConfig } from '../hosts/host-config.js';
import { type RestoreReport, restore } from '../restore/restore.js';
import type { DrillOptions, DrillReport } from './drill.js';
import { type Evidence, encodeEvidence } from './evidence.js';
import { ThrowawayHost } from './host.js';
import { notIsolated, proveIsolation } from './isolation.js';
import { removeDeadDrills } from './labels.js';
import { otherBytes, saysSomething, withLimits, withoutWayBack } from './outcome.js';
import { drillId, evidenceOf, RecoveryClock } from './record.js';
import { type DrillSubject, drillSubject } from './snapshot.js';
import { keepEvidence, signEvidence, storeEvidence } from './store.js';
import { shellInto } from './way-in.js';
import { openWorkplace } from './workplace.js';

/** One drill of one host, from the choice of the snapshot to the evidence. What it has started is gone when it ends. */
export class DrillRun {
  readonly #startedAt = new Date();
  readonly #id: string;
  readonly #clock = new RecoveryClock();
  #subject: DrillSubject | undefined;
  #host: ThrowawayHost | undefined;
  #endpoint: Endpoint | undefined;
  #isolation: Evidence['isolation'] = { guaranteed: false, before: [], after: [] };
  #restored: RestoreReport | undefined;
  #evidence: Evidence | undefined;
  #evidencePath: string | undefined;
  #stored: readonly string[] = [];

  constructor(
    readonly config: HostConfig,
    readonly options: DrillOptions,
  ) {
    this.#id = drillId(config.name, this.#startedAt);
  }

  /** Never throws: the report says what went wrong. */
  async report(): Promise<DrillReport> {
    const { name } = this.config;
    try {
      await using workplace = await openWorkplace(this.options.stateRoot, this.#id);
      return await this.#drilled(workplace.folder);
    } catch (thrown) {
      const error = asStateError(thrown, 'The drill could not be carried out').onHost(name);
      return this.#finished({ host: name, recap: FAILED, tasks: [], error, milliseconds: 0 });
    }
  }

  async #drilled(folder: string): Promise<DrillReport> {
    let report: HostReport;
    try {
      report = await this.#tasks(this.#opening(folder));
      if (report.error === undefined) {
        this.#restored = await this.#restore(folder);
        report = joinReports(report, withoutWayBack(this.#restored, this.options.target !== undefined));
        if (report.error === undefined) report = joinReports(report, await this.#tasks(this.#closing()));
      }
    } finally {
      await this.#tearDown();
    }
    if (this.#restored !== undefined && saysSomething(report.error) && this.#subject !== undefined) {
      this.#evidence = this.#recorded(this.#subject, report.error);
      report = joinReports(report, await this.#tasks(this.#recording(this.#subject, this.#evidence)));
      report = withLimits(report, this.#evidence);
    }
    return this.#finished(report);
  }

  #tasks(tasks: readonly Task<DrillRun>[]): Promise<HostReport> {
    const { signal, emit } = this.options;
    return runTasks(this.config.name, tasks, this, { check: false, signal, emit: withoutEnds(emit) });
  }

  /** Up to the moment before anything secret is copied. */
  #opening(folder: string): Task<DrillRun>[] {
    const choose = readTask<DrillRun>('choose the snapshot', async (_run, reporter) => {
      this.#subject = await drillSubject(this.config, this.options.from, reporter);
      const { id, createdAt } = this.#subject.snapshot;
      const age = showDuration((this.#startedAt.getTime() - createdAt.getTime()) / 1000);
      return `${id}, ${age} old, in ${this.#subject.location}`;
    });
    if (this.options.target !== undefined) return [choose];
    return [
      choose,
      workTask('remove what dead drills left', async (_run, { signal }) => {
        const removed = await removeDeadDrills(signal);
        return removed.length === 0 ? 'there was nothing' : removed.join(', ');
      }),
      workTask('prepare a host', (_run, reporter) => this.#throwaway(folder).prepare(reporter)),
      workTask('start the throwaway host', async (_run, reporter) => {
        const said = await this.#throwaway(folder).start(reporter);
        this.#endpoint = await this.#throwaway(folder).endpoint(reporter);
        return said;
      }),
      workTask('prove that nothing gets out', async (_run, { signal }) => {
        const proofs = await proveIsolation(this.#throwaway(folder).container, signal);
        const failed = failedProofs(proofs);
        this.#isolation = { ...this.#isolation, guaranteed: failed.length === 0, before: proofs };
        if (failed.length > 0) throw notIsolated(failed);
        return proofs.map(({ name }) => name).join(', ');
      }),
    ];
  }

  /** What can only be seen when the instance is up. */
  #closing(): Task<DrillRun>[] {
    return [
      readTask('see that just these bytes were restored', () => {
        const { ciphertext } = this.#restored ?? {};
        const wanted = this.#subject?.snapshot.sidecar.sha256;
        if (ciphertext !== wanted) throw otherBytes(this.#subject, ciphertext);
        return Promise.resolve(`SHA-256 ${wanted}`);
      }),
      ...(this.#host === undefined ? [] : [this.#provenAgain(this.#host.container)]),
    ];
  }

  #provenAgain(container: string): Task<DrillRun> {
    return workTask('prove again that nothing gets out', async (_run, { signal }) => {
      const proofs = await proveIsolation(container, signal);
      const failed = failedProofs(proofs);
      this.#isolation = { ...this.#isolation, guaranteed: failed.length === 0, after: proofs };
      if (failed.length > 0) throw notIsolated(failed);
      return proofs.map(({ name }) => name).join(', ');
    });
  }

  async #restore(folder: string): Promise<RestoreReport> {
    const { target, signal, passphrase, confirm } = this.options;
    const emit: EventSink = (event) => {
      this.#clock.take(event);
      withoutEnds(this.options.emit)(event);
    };
    const { place, snapshot } = this.#subject ?? missing('the snapshot');
    const stateRoot = target === undefined ? join(folder, 'state') : this.options.stateRoot;
    const where = target ?? throwawayConfig(this.config, this.#endpoint ?? missing('the way in'));
    const [report] = await restore(
      [
        {
          target: { ...where, repositories: [place], identityPath: this.config.identityPath },
          snapshotHost: this.config.name,
        },
      ],
      {
        stateRoot,
        from: { kind: 'id', id: snapshot.id },
        forks: 1,
        check: false,
        safety: target !== undefined,
        // It is held still and, in a container, reaches nobody; the original is not to be asked, as a drill leaves it alone.
        secondBrain: 'ignore',
        hold: true,
        offline: target === undefined,
        wants: () => true,
        confirm: target === undefined ? () => Promise.resolve(true) : confirm,
        ...(passphrase !== undefined && { passphrase }),
        signal,
        emit,
      },
    );
    if (report === undefined) throw new Error('one host gives one report');
    if (report.error === undefined) this.#clock.stop();
    return report;
  }

  #recorded(subject: DrillSubject, error: StateError | undefined): Evidence {
    const { target, bare } = this.options;
    const host = this.#host;
    return evidenceOf({
      id: this.#id,
      startedAt: this.#startedAt,
      finishedAt: new Date(),
      subject,
      settings: this.config.drill,
      target: {
        kind: target === undefined ? 'container' : 'machine',
        name: target?.name ?? host?.container ?? '',
        began: (this.#restored?.plan?.kind ?? (bare ? 'bare' : 'installed')) === 'bare' ? 'bare' : 'prepared',
        ...(host?.image !== undefined && { image: host.image.name, imageId: host.image.id }),
        ...(host?.engine !== undefined && { engine: host.engine }),
      },
      isolation: this.#isolation,
      restored: this.#restored,
      ciphertext: this.#restored?.ciphertext,
      clock: this.#clock,
      preparationSeconds: host?.template?.installSeconds,
      error,
    });
  }

  #recording(subject: DrillSubject, evidence: Evidence): Task<DrillRun>[] {
    const { stateRoot, evidenceFolder, store, passphrase } = this.options;
    const at = this.#startedAt;
    return [
      workTask('write the evidence', async (_run, reporter) => {
        const { evidenceKeyPath } = this.config.drill;
        const signed = await signEvidence(encodeEvidence(evidence), evidenceKeyPath, passphrase);
        this.#evidencePath = await keepEvidence(signed, {
          stateRoot,
          folder: evidenceFolder,
          host: this.config.name,
          object: subject.snapshot.key,
          at,
        });
        if (store) {
          this.#stored = await storeEvidence(signed, this.config.repositories, subject, at, reporter);
        }
        const places = [this.#evidencePath, ...this.#stored].join(', ');
        return `${signed.signature === undefined ? 'not signed (no coolify_evidence_key_path)' : 'signed'}: ${places}`;
      }),
    ];
  }

  /** Also when the drill was interrupted: its signal is over by then. */
  async #tearDown(): Promise<void> {
    const host = this.#host;
    if (host === undefined || this.options.keep) return;
    const task = workTask<DrillRun>('remove the throwaway host', async () => {
      await host.remove();
      return host.container;
    });
    await runTasks(this.config.name, [task], this, {
      check: false,
      signal: new AbortController().signal,
      emit: withoutEnds(this.options.emit),
    });
  }

  #throwaway(folder: string): ThrowawayHost {
    this.#host ??= new ThrowawayHost({
      id: this.#id,
      config: this.config,
      subject: this.#subject ?? missing('the snapshot'),
      folder,
      bare: this.options.bare,
      refresh: this.options.refresh,
      keep: this.options.keep,
    });
    return this.#host;
  }

  #finished(report: HostReport): DrillReport {
    const { sourceProofs = [], proofs: restoredProofs = [] } = this.#restored ?? {};
    // The restored instance proves the same of itself, where it came so far.
    const proofs = restoredProofs.length > 0 ? restoredProofs : sourceProofs;
    const container = this.#host?.container;
    return {
      ...report,
      host: this.config.name,
      startedAt: this.#startedAt,
      proofs: [...this.#isolation.before, ...proofs],
      ...(this.#evidence !== undefined && { evidence: this.#evidence }),
      ...(this.#evidencePath !== undefined && { evidencePath: this.#evidencePath }),
      stored: this.#stored,
      ...(this.options.keep &&
        container !== undefined && { kept: { container, shell: shellInto(container) } }),
    };
  }
}

const FAILED = { ok: 0, changed: 0, skipped: 0, failed: 1, unreachable: 0 };

function missing(what: string): never {
  throw new Error(`${what} was used before it was there`);
}

/** The parts of a drill are one run to whoever watches. */
function withoutEnds(emit: EventSink): EventSink {
  return (event) => {
    if (event.type !== 'host-start' && event.type !== 'host-end') emit(event);
  };
}

/** The host's settings for a container, and none of those by which the real host is reached. */
function throwawayConfig(config: HostConfig, endpoint: Endpoint): HostConfig {
  const { name, layout, keepGenerations, extraPaths, dumpCompression, compression } = config;
  const { recipients, identityPath, repositories, keep, unattended, drill, fleet } = config;
  return {
    ...{ name, endpoint, layout, keepGenerations, extraPaths, dumpCompression, compression },
    ...{ recipients, identityPath, repositories, keep, unattended, drill, fleet },
  };
}
