import { randomBytes } from 'node:crypto';
import { failedProofs } from '../../coolify/proofs.js';
import { openSource } from '../../coolify/restore/target.js';
import { StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { EventSink } from '../../engine/events.js';
import { type FailureBudget, failureLimit } from '../../engine/failure-budget.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { readTask, type Task } from '../../engine/task.js';
import type { Lock } from '../../state/lock.js';
import type { Proof } from '../../state/manifest.js';
import { openStateFolder, type StateFolder } from '../../state/state-folder.js';
import { repositoryTitle } from '../backup/upload.js';
import type { HostConfig } from '../hosts/host-config.js';
import { IdentityReader } from '../hosts/identity-reader.js';
import type { SampleSize } from '../snapshots/sample.js';
import { noRepository, type OpenedSnapshot, openSnapshot, type SnapshotChoice } from '../snapshots/source.js';
import { hostError } from './error.js';
import { proveSource, unprovenSnapshot } from './generation.js';
import { lacking, lookUp, narrow, type StoredChoice, type VerifyPlace } from './selection.js';
import { type DataCheck, type VerifiedSnapshot, verifyFound } from './snapshot.js';

/** What to verify: one snapshot, several by their ids, or all there are, as they are or a sample of them. */
export type VerifyChoice =
  | SnapshotChoice
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'all'; readonly sample?: { readonly size: SampleSize; readonly seed?: string } };

export interface VerifyOptions {
  readonly stateRoot: string;
  readonly from: VerifyChoice;
  /** Decrypt, and prove what is inside; otherwise the stored bytes are held against the sidecar, without a key. */
  readonly readData: boolean;
  readonly forks: number;
  /** How many hosts may fail before no further one is begun; without it all are tried. */
  readonly maxFailures?: FailureBudget | undefined;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface VerifyReport extends HostReport {
  /** Of all snapshots together. */
  readonly proofs: readonly Proof[];
  /** Every snapshot that was looked at, in every repository of the host. */
  readonly snapshots: readonly VerifiedSnapshot[];
}

/** Proves snapshots of each host without a target. A bad one does not stop the others. */
export async function verify(hosts: readonly HostConfig[], options: VerifyOptions): Promise<VerifyReport[]> {
  const state = await openStateFolder(options.stateRoot);
  const identities = new IdentityReader(options.passphrase);
  const limit = failureLimit(
    options.maxFailures,
    hosts,
    options.emit,
    ({ name }) => name,
    (report): VerifyReport => ({ ...report, proofs: [], snapshots: [] }),
  );
  const verifyHost = (host: HostConfig): Promise<VerifyReport> =>
    new VerifyRun(host, state, options, identities).report();
  return await runHosts(hosts, options.forks, verifyHost, limit);
}

class VerifyRun {
  readonly #snapshots: VerifiedSnapshot[] = [];
  /** Trouble that is of no single snapshot. */
  readonly #failures: StateError[] = [];
  readonly #places: VerifyPlace[] = [];
  #lock: Lock | undefined;
  #opened: OpenedSnapshot | undefined;

  constructor(
    readonly config: HostConfig,
    readonly state: StateFolder,
    readonly options: VerifyOptions,
    readonly identities: IdentityReader,
  ) {}

  async report(): Promise<VerifyReport> {
    const { signal, emit } = this.options;
    try {
      const report = await runTasks(this.config.name, await this.#tasks(), this, {
        check: false,
        signal,
        emit,
      });
      const { error: first, ...rest } = report;
      const error = hostError(this.config.name, first, this.#failures, this.#snapshots);
      return {
        ...rest,
        ...(error !== undefined && { error }),
        proofs: this.#snapshots.flatMap(({ proofs }) => proofs),
        snapshots: this.#snapshots,
      };
    } finally {
      await this.#opened?.close();
      for (const { repository } of this.#places) await repository.close();
      await this.#lock?.release();
    }
  }

  async #tasks(): Promise<Iterable<Task<VerifyRun>>> {
    const { from, readData } = this.options;
    if (from.kind === 'local' || from.kind === 'file') return this.#localTasks(from);
    if (readData && from.kind === 'id' && (await this.#isKeptHere(from.id))) return this.#localTasks(from);
    const sample = from.kind === 'all' ? from.sample : undefined;
    if (sample === undefined) return this.#storedTasks(from.kind === 'all' ? { kind: 'all' } : from);
    const { size, seed = randomBytes(4).toString('hex') } = sample;
    return this.#storedTasks({ kind: 'all', sample: { size, seed } });
  }

  /** Snapshots of the repositories: which ones there are is known when they have been looked up. */
  *#storedTasks(choice: StoredChoice): Generator<Task<VerifyRun>> {
    const { config, options } = this;
    if (config.repositories.length === 0) {
      yield readTask('find the repository', () => Promise.reject(noRepository(config.name)));
      return;
    }
    if (options.readData) yield this.#lockTask();
    for (const settings of config.repositories) {
      yield {
        ...readTask(`look into ${repositoryTitle(settings)}`, async (_run, { signal }) => {
          const place = await lookUp(settings, config.name, choice, signal).catch((error: unknown) => {
            if (error instanceof StateError) this.#failures.push(error);
            throw error;
          });
          this.#places.push(place);
          return `${place.found.length} in ${place.repository.location}`;
        }),
        independent: true,
      };
    }
    yield readTask('choose', (_run, { warn }) => {
      for (const message of lacking(this.#places, choice)) warn(message);
      const nothing = this.#places.length > 0 && this.#places.every(({ found }) => found.length === 0);
      return nothing ? Promise.reject(noSnapshots(config.name)) : Promise.resolve(this.#toldOf(choice));
    });
    const data = options.readData ? this.#dataCheck() : undefined;
    for (const place of narrow(this.#places, choice)) {
      for (const found of place.found) {
        const id = found.snapshot === undefined ? found.wanted : found.snapshot.id;
        yield {
          ...readTask(`verify ${id} in ${place.repository.location}`, async (_run, reporter) => {
            const verified = await verifyFound(place, found, data, reporter);
            this.#snapshots.push(verified);
            if (verified.error !== undefined) throw verified.error;
            return verified.proofs.map(({ name }) => name).join(', ');
          }),
          independent: true,
        };
      }
    }
  }

  /** A generation of this machine, or a file: always everything in it. */
  #localTasks(from: SnapshotChoice): Task<VerifyRun>[] {
    const { config, options } = this;
    const generations = this.state.generations(config.name);
    return [
      this.#lockTask(),
      readTask('fetch the snapshot', async (_run, reporter) => {
        const { name: host, repositories, identityPath } = config;
        const { passphrase } = options;
        this.#opened = await openSnapshot(
          from,
          { host, repositories, identityPath, ...(passphrase !== undefined && { passphrase }) },
          { kept: generations, scratch: generations },
          reporter,
        );
        return this.#opened.origin;
      }),
      readTask('prove the snapshot', async (_run, reporter) => {
        if (this.#opened === undefined) throw new Error('no snapshot was opened');
        const { generation, origin } = this.#opened;
        const source = await openSource(generation);
        const { proofs, warnings } = await proveSource(source, reporter.signal);
        for (const warning of warnings) reporter.warn(warning);
        const failed = failedProofs(proofs);
        const error = failed.length > 0 ? unprovenSnapshot(origin, failed) : undefined;
        const { id, createdAt, files } = generation.manifest;
        const size = files.reduce((sum, file) => sum + file.size, 0);
        const facts = { id, where: origin, createdAt, size, checked: 'data' } as const;
        this.#snapshots.push({ ...facts, proofs, ...(error !== undefined && { error }) });
        if (error !== undefined) throw error;
        return proofs.map(({ name }) => name).join(', ');
      }),
    ];
  }

  /** What is fetched is unpacked below the state folder, which has one writer. */
  #lockTask(): Task<VerifyRun> {
    return readTask('lock the state', async () => {
      this.#lock = await this.state.lock(this.config.name, 'coolify-state verify');
      await this.state.generations(this.config.name).recover();
      return undefined;
    });
  }

  #dataCheck(): DataCheck {
    const { name, identityPath } = this.config;
    return {
      keys: { host: name, identities: () => this.identities.of(identityPath) },
      scratch: this.state.generations(name),
      known: new Map(),
    };
  }

  #toldOf(choice: StoredChoice): string {
    const count = narrow(this.#places, choice).reduce((sum, { found }) => sum + found.length, 0);
    const sampled = choice.kind === 'all' && choice.sample !== undefined;
    return sampled ? `${count} in the sample, --seed ${choice.sample?.seed}` : `${count} to verify`;
  }

  async #isKeptHere(id: string): Promise<boolean> {
    const all = await this.state.generations(this.config.name).all();
    return all.some(({ manifest }) => manifest.id === id);
  }
}

/** Nothing was proven where there is nothing. */
function noSnapshots(host: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'repository.no-snapshot',
    what: `There is no snapshot of ${host} in its repositories`,
    next: `make one with: coolify-state backup ${host}`,
    host,
  });
}
