import { recipientsFrom } from '../../archive/recipient-sources.js';
import type { NamedRecipient } from '../../archive/recipients.js';
import { StateError } from '../../core/errors.js';
import type { Secret } from '../../core/secret.js';
import type { EventSink } from '../../engine/events.js';
import { type FailureBudget, failureLimit } from '../../engine/failure-budget.js';
import { type HostReport, runTasks } from '../../engine/run-host.js';
import { runHosts } from '../../engine/run-hosts.js';
import { readTask, type Task, type TaskReporter } from '../../engine/task.js';
import { type Lease, withLease } from '../../repository/lease/lease.js';
import { copySnapshot } from '../../repository/snapshots/copy-snapshot.js';
import type { DescribedSnapshot, GoodSnapshot } from '../../repository/snapshots/snapshots.js';
import type { Proof } from '../../state/manifest.js';
import { repositoryTitle } from '../backup/upload.js';
import type { HostConfig } from '../hosts/host-config.js';
import { IdentityReader } from '../hosts/identity-reader.js';
import { type FoundSnapshot, lookUp, type StoredChoice, type VerifyPlace } from '../verify/selection.js';
import { isFor, rekeyedAs, rekeySnapshot } from './rekey-snapshot.js';
import { noRepository } from './source.js';

export interface RekeyOptions {
  readonly which: StoredChoice;
  /** File with the identity that opens the snapshots as they are; that of the inventory by default. */
  readonly identityPath?: string | undefined;
  /** Remove the old snapshot once the new one is there and was read back. */
  readonly removeOld: boolean;
  readonly forks: number;
  readonly maxFailures?: FailureBudget | undefined;
  readonly check: boolean;
  readonly waitLock?: number | undefined;
  readonly passphrase?: (path: string) => Promise<Secret>;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
}

export interface RekeyedSnapshot {
  readonly id: string;
  /** The one it was made from. */
  readonly rekeyedFrom: string;
  readonly location: string;
  readonly recipients: readonly string[];
  /** Whether the old one is gone. */
  readonly removedOld: boolean;
}

export interface RekeyReport extends HostReport {
  readonly proofs: readonly Proof[];
  readonly rekeyed: readonly RekeyedSnapshot[];
}

/** Puts snapshots under headers for the recipients of today, as new snapshots. Their payloads stay as they are. */
export async function rekey(hosts: readonly HostConfig[], options: RekeyOptions): Promise<RekeyReport[]> {
  const identities = new IdentityReader(options.passphrase);
  const limit = failureLimit(
    options.maxFailures,
    hosts,
    options.emit,
    ({ name }) => name,
    (report): RekeyReport => ({ ...report, proofs: [], rekeyed: [] }),
  );
  const rekeyHost = (host: HostConfig): Promise<RekeyReport> =>
    new RekeyRun(host, options, identities).report();
  return await runHosts(hosts, options.forks, rekeyHost, limit);
}

class RekeyRun {
  readonly #places: VerifyPlace[] = [];
  readonly #rekeyed: RekeyedSnapshot[] = [];
  readonly #listed = new Map<VerifyPlace, readonly DescribedSnapshot[]>();
  #recipients: readonly NamedRecipient[] = [];

  constructor(
    readonly config: HostConfig,
    readonly options: RekeyOptions,
    readonly identities: IdentityReader,
  ) {}

  async report(): Promise<RekeyReport> {
    const { check, signal, emit } = this.options;
    try {
      const report = await runTasks(this.config.name, this.#tasks(), this, { check, signal, emit });
      return { ...report, proofs: [], rekeyed: this.#rekeyed };
    } finally {
      for (const { repository } of this.#places) await repository.close();
    }
  }

  *#tasks(): Generator<Task<RekeyRun>> {
    const { name, repositories, recipients } = this.config;
    if (repositories.length === 0) {
      yield readTask('find the repository', () => Promise.reject(noRepository(name)));
      return;
    }
    yield readTask('read the recipients', async () => {
      this.#recipients = await recipientsFrom(recipients);
      return this.#recipients.map(({ fingerprint }) => fingerprint).join(', ');
    });
    for (const settings of repositories) {
      yield {
        ...readTask(`look into ${repositoryTitle(settings)}`, async (_run, { signal }) => {
          const place = await lookUp(settings, name, this.options.which, signal);
          this.#places.push(place);
          return `${place.found.length} in ${place.repository.location}`;
        }),
        independent: true,
      };
    }
    for (const place of this.#places) {
      // Oldest first, so that the newest snapshot stays the newest.
      for (const found of [...place.found].reverse()) yield this.#rekeying(place, found);
    }
  }

  #rekeying(place: VerifyPlace, found: FoundSnapshot): Task<RekeyRun> {
    const id = found.snapshot === undefined ? found.wanted : found.snapshot.id;
    const { location } = place.repository;
    return {
      name: `rekey ${id} in ${location}`,
      kind: 'change',
      independent: true,
      inspect: async (_run, { signal }) => {
        const snapshot = usable(found);
        if (isFor(snapshot, this.#recipients)) return { unchanged: 'is for these recipients already' };
        const known = await this.#known(place, snapshot, signal);
        if (known !== undefined && !this.options.removeOld) return { unchanged: `is there as ${known.id}` };
        const removal = this.options.removeOld ? ', and remove it' : '';
        const what =
          known === undefined
            ? `store it anew for ${this.#recipients.length} recipients`
            : `keep ${known.id}`;
        return { summary: `${what}${removal}` };
      },
      apply: (_run, reporter) => this.#rekey(place, usable(found), reporter),
    };
  }

  async #rekey(place: VerifyPlace, snapshot: GoodSnapshot, reporter: TaskReporter): Promise<string> {
    const { name } = this.config;
    const { waitLock = 0, removeOld } = this.options;
    const { repository } = place;
    const work = async (lease: Lease): Promise<string> => {
      const known = await this.#known(place, snapshot, lease.signal);
      const made = known ?? (await this.#make(place, snapshot, lease, reporter));
      this.#listed.set(place, [...(this.#listed.get(place) ?? []), made]);
      const removedOld = removeOld && (await this.#removeOld(place, snapshot, made, lease, reporter));
      this.#rekeyed.push({
        id: made.id,
        rekeyedFrom: snapshot.id,
        location: repository.location,
        recipients: this.#recipients.map(({ fingerprint }) => fingerprint),
        removedOld,
      });
      return `as ${made.id}, read back${removedOld ? '; the old one is removed' : ''}`;
    };
    return await withLease(repository, name, 'rekey', reporter.signal, work, {
      wait: waitLock,
      onWait: ({ message }) => reporter.line(`waiting: ${message}`),
    });
  }

  /** Only once the new one was read to its end again; a store that keeps the old one is told, not an error. */
  async #removeOld(
    { snapshots }: VerifyPlace,
    old: GoodSnapshot,
    made: DescribedSnapshot,
    lease: Lease,
    { warn }: TaskReporter,
  ): Promise<boolean> {
    await snapshots.verify(usable({ snapshot: made }), { signal: lease.signal });
    await lease.confirm();
    try {
      await snapshots.remove(old, { signal: lease.signal });
      return true;
    } catch (error) {
      if (!(error instanceof StateError) || error.code !== 'repository.remove-denied') throw error;
      warn(`${old.id} stays, because the store keeps it: ${error.message}`);
      return false;
    }
  }

  /**
   * What another repository of the host has of it already is copied: the same snapshot under the same name is the same
   * bytes everywhere, and two headers for one file key never are.
   */
  async #make(
    place: VerifyPlace,
    snapshot: GoodSnapshot,
    lease: Lease,
    reporter: TaskReporter,
  ): Promise<DescribedSnapshot> {
    for (const other of this.#places) {
      const made = other === place ? undefined : await this.#known(other, snapshot, lease.signal);
      if (made === undefined) continue;
      await copySnapshot(other.repository, place.repository, made.key, {
        signal: lease.signal,
        beforeListed: () => lease.confirm(),
      });
      return made;
    }
    const identities = await this.identities.of(this.options.identityPath ?? this.config.identityPath);
    const keys = { identities, recipients: this.#recipients };
    return await rekeySnapshot(place.snapshots, snapshot, keys, lease, reporter);
  }

  async #known(
    place: VerifyPlace,
    snapshot: DescribedSnapshot,
    signal: AbortSignal,
  ): Promise<DescribedSnapshot | undefined> {
    const listed =
      this.#listed.get(place) ?? (await place.snapshots.listDescribed(this.config.name, { signal }));
    this.#listed.set(place, listed);
    return rekeyedAs(snapshot, listed, this.#recipients);
  }
}

/** @throws StateError what is wrong with it */
function usable(found: FoundSnapshot): GoodSnapshot {
  if (found.snapshot === undefined) throw found.error;
  const { sidecar, problem, ...rest } = found.snapshot;
  if (sidecar === undefined) throw problem;
  return { ...rest, sidecar };
}
