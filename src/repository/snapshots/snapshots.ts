import type { Readable } from 'node:stream';
import { StateError } from '../../core/errors.js';
import { throwIfAborted } from '../failures.js';
import { mapConcurrently } from '../map-concurrently.js';
import type { Cancellable, Leftover, Repository, StoredObject } from '../repository.js';
import { chosenSnapshot } from './choice.js';
import { type ListedSnapshot, listSnapshots } from './listing.js';
import {
  type Compression,
  hostPrefix,
  parseSnapshotKey,
  sidecarKey,
  snapshotId,
  snapshotKey,
  timePrefix,
} from './names.js';
import {
  badSidecar,
  encodeSidecar,
  parseSidecar,
  SIDECAR_LIMIT,
  type Sidecar,
  type SidecarFacts,
} from './sidecar.js';
import { SidecarCache } from './sidecar-cache.js';
import { verifyStored } from './verify-stored.js';

/** A snapshot whose sidecar was read: the sidecar, or why there is none to rely on. */
export type DescribedSnapshot = ListedSnapshot &
  (
    | { readonly sidecar: Sidecar; readonly problem?: never }
    | { readonly sidecar?: never; readonly problem: StateError }
  );

/** A snapshot with a sidecar that agrees with it. */
export type GoodSnapshot = ListedSnapshot & { readonly sidecar: Sidecar };

export interface PublishOptions extends Cancellable {
  /** Bytes that the body has about, or at most. */
  readonly expectedSize?: number | undefined;
  /** `gzip` by default. Only the name depends on it. */
  readonly compression?: Compression | undefined;
  /**
   * Runs right before the sidecar is written, which makes a snapshot of what was stored; when it throws, none is made.
   * Made for `Lease.confirm`.
   */
  readonly beforeListed?: (() => Promise<void>) | undefined;
  /** Bytes stored, then bytes read back. */
  readonly onProgress?: ((step: 'store' | 'read-back', bytes: number) => void) | undefined;
}

/** What an interrupted run left: an upload that was never completed, or an object without a sidecar. */
export type SnapshotLeftover =
  | { readonly kind: 'upload'; readonly upload: Leftover; readonly since: Date }
  | { readonly kind: 'object'; readonly key: string; readonly size: number; readonly since: Date };

const SIDECARS_AT_ONCE = 48;

/**
 * The snapshots in a repository. A snapshot exists when its sidecar does: that is written last and once, after the object
 * was read back, and removed first. Closing the repository is left to whoever opened it.
 */
export class SnapshotRepository {
  readonly repository: Repository;

  constructor(repository: Repository) {
    this.repository = repository;
  }

  /**
   * Stores an encrypted archive as a snapshot: object, read back to its last byte, then the sidecar. `facts` is asked
   * when the body has been read. When it throws, no snapshot was made, and the object is removed again as far as the
   * store allows; a read back that does not agree is of kind `proof`.
   */
  async publish(
    host: string,
    createdAt: Date,
    body: Readable,
    facts: () => SidecarFacts,
    { signal, expectedSize, compression = 'gzip', beforeListed, onProgress }: PublishOptions = {},
  ): Promise<GoodSnapshot> {
    body.on('error', () => {});
    try {
      const key = await this.#freeKey(host, createdAt, compression, { signal });
      const stored = await this.repository.put(key, body, {
        signal,
        expectedSize,
        onProgress: (bytes) => onProgress?.('store', bytes),
      });
      try {
        await verifyStored(this.repository, key, stored, {
          signal,
          onProgress: (bytes) => onProgress?.('read-back', bytes),
        });
        throwIfAborted(signal);
        const content = encodeSidecar({ ...stored, createdAt }, facts());
        await beforeListed?.();
        await this.repository.putSmall(sidecarKey(key), content, { signal });
        await this.#verifySidecar(sidecarKey(key), content, { signal });
        return { ...listed(key, stored), sidecar: parseSidecar(sidecarKey(key), content) };
      } catch (error) {
        await this.#withdraw(stored);
        throw error;
      }
    } finally {
      body.destroy();
    }
  }

  /** All snapshots of a host, or of every host, newest first, told from names alone: one request for 1,000 objects. */
  async list(host?: string, { signal }: Cancellable = {}): Promise<ListedSnapshot[]> {
    const prefix = host === undefined ? '' : hostPrefix(host);
    return (await listSnapshots(this.repository.list(prefix, { signal }))).snapshots;
  }

  /** Reads a snapshot's sidecar. One that cannot be relied on is reported as `problem`; trouble with the store throws. */
  async describe(snapshot: ListedSnapshot, options: Cancellable = {}): Promise<DescribedSnapshot> {
    return this.#described(snapshot, () =>
      this.repository.getSmall(sidecarKey(snapshot.key), SIDECAR_LIMIT, options),
    );
  }

  async #described(snapshot: ListedSnapshot, read: () => Promise<Buffer>): Promise<DescribedSnapshot> {
    const key = sidecarKey(snapshot.key);
    try {
      const sidecar = parseSidecar(key, await read());
      if (snapshot.size === undefined) {
        throw new StateError({
          kind: 'proof',
          code: 'repository.object-missing',
          what: `The snapshot ${snapshot.key} is gone`,
          why: `only its sidecar is left in ${this.repository.location}`,
          next: 'choose another snapshot ("coolify-state snapshots"), and find out who removes objects there',
        });
      }
      if (snapshot.size !== sidecar.size) {
        throw badSidecar(
          key,
          'disagrees',
          `it says ${sidecar.size} bytes and the object has ${snapshot.size}`,
        );
      }
      return { ...snapshot, sidecar };
    } catch (error) {
      if (error instanceof StateError && error.kind === 'proof') return { ...snapshot, problem: error };
      throw error;
    }
  }

  /**
   * `list` and `describe` in one, some at a time; sidecars that were read before come from the repository's cache. What
   * another run removes meanwhile is not in it.
   */
  async listDescribed(host?: string, { signal }: Cancellable = {}): Promise<DescribedSnapshot[]> {
    const { repository } = this;
    const prefix = host === undefined ? '' : hostPrefix(host);
    const { snapshots, sidecars } = await listSnapshots(repository.list(prefix, { signal }));
    const cache = await SidecarCache.open(repository.cacheFolder, `${repository.location}/${prefix}`);
    const described = await mapConcurrently(snapshots, SIDECARS_AT_ONCE, async (snapshot) => {
      const etag = sidecars.get(snapshot.key)?.etag;
      const read = async () => {
        const content = await repository.getSmall(sidecarKey(snapshot.key), SIDECAR_LIMIT, { signal });
        cache.keep(etag, content);
        return content;
      };
      try {
        return [await this.#described(snapshot, async () => cache.find(etag) ?? read())];
      } catch (error) {
        if (error instanceof StateError && error.code === 'repository.not-found') return [];
        throw error;
      }
    });
    await cache.save();
    return described.flat();
  }

  /**
   * One snapshot of a host: `latest`, an id or its beginning (four digits at least), a time as in the name
   * (`20261124T101112Z`), or the object's file name. Throws `repository.no-snapshot`, `repository.ambiguous-snapshot`,
   * or what is wrong with the snapshot: an older one is never taken silently instead.
   */
  async find(host: string, wanted: string, { signal }: Cancellable = {}): Promise<GoodSnapshot> {
    const all = await this.list(host, { signal });
    const snapshot = chosenSnapshot(all, wanted, host, this.repository.location);
    const { sidecar, problem, ...rest } = await this.describe(snapshot, { signal });
    if (sidecar !== undefined) return { ...rest, sidecar };
    const older = all[all.indexOf(snapshot) + 1];
    throw older === undefined
      ? problem
      : new StateError({ ...problem.facts(), next: `Another snapshot of this host is ${older.id}` });
  }

  /** The encrypted archive. */
  async open(snapshot: ListedSnapshot, { signal }: Cancellable = {}): Promise<Readable> {
    return this.repository.get(snapshot.key, { signal });
  }

  /** Reads the whole object and holds it against the sidecar; needs no key. Throws an error of kind `proof`. */
  async verify(
    { key, sidecar }: GoodSnapshot,
    options: Cancellable & { readonly onProgress?: (bytes: number) => void } = {},
  ): Promise<void> {
    await verifyStored(this.repository, key, sidecar, options);
  }

  /**
   * Removes a snapshot: the sidecar first, so that none is left that is listed and broken; the object last, so that a
   * removal that was broken off leaves it behind as a leftover, by which all that is beside it is found again.
   */
  async remove({ key }: Pick<ListedSnapshot, 'key'>, { signal }: Cancellable = {}): Promise<void> {
    await this.repository.remove(sidecarKey(key), { signal });
    const beside: string[] = [];
    for await (const entry of this.repository.list(`${key}.`, { signal })) beside.push(entry.key);
    for (const other of beside) await this.repository.remove(other, { signal });
    await this.repository.remove(key, { signal });
  }

  /**
   * What interrupted runs left behind and is older than `before`: give it enough time, for a run that is storing a
   * snapshot at this moment looks the same.
   */
  async leftovers(before: Date, host?: string, { signal }: Cancellable = {}): Promise<SnapshotLeftover[]> {
    const prefix = host === undefined ? '' : hostPrefix(host);
    const found: SnapshotLeftover[] = [];
    for await (const upload of this.repository.leftovers(prefix, { signal })) {
      found.push({ kind: 'upload', upload, since: upload.startedAt });
    }
    const { incomplete } = await listSnapshots(this.repository.list(prefix, { signal }));
    for (const { key, size, modified } of incomplete) {
      found.push({ kind: 'object', key, size, since: modified });
    }
    return found.filter(({ since }) => since < before);
  }

  /** Removes one of them; what has become a snapshot meanwhile stays. */
  async removeLeftover(leftover: SnapshotLeftover, { signal }: Cancellable = {}): Promise<void> {
    if (leftover.kind === 'upload') await this.repository.removeLeftover(leftover.upload, { signal });
    else if ((await this.repository.stat(sidecarKey(leftover.key), { signal })) === undefined) {
      await this.remove(leftover, { signal });
    }
  }

  /**
   * A name of that second that nothing has yet, neither an object nor a sidecar: the one after the last, because one before
   * it may be that of a snapshot that was removed here and is still elsewhere.
   */
  async #freeKey(
    host: string,
    createdAt: Date,
    compression: Compression,
    options: Cancellable,
  ): Promise<string> {
    const taken = new Set<number>();
    for await (const { key } of this.repository.list(timePrefix(host, createdAt), options)) {
      const name = parseSnapshotKey(key.replace(/\.json$/, ''));
      if (name !== undefined) taken.add(name.ordinal);
    }
    const ordinal = Math.max(0, ...taken) + 1;
    return snapshotKey({ host, createdAt, ordinal, compression });
  }

  /** A store need not notice that a sidecar was damaged on its way; nobody could rely on the snapshot then. */
  async #verifySidecar(key: string, written: Buffer, options: Cancellable): Promise<void> {
    const found = await this.repository.getSmall(key, SIDECAR_LIMIT, options);
    if (!found.equals(written))
      throw badSidecar(key, 'disagrees', 'what was read back is not what was written');
  }

  /** Removes what was stored a moment ago, unless another writer has put something else there meanwhile. */
  async #withdraw({ key, etag }: StoredObject): Promise<void> {
    try {
      const now = await this.repository.stat(key);
      if (now === undefined || now.etag !== etag) return;
      await this.repository.remove(sidecarKey(key));
      await this.repository.remove(key);
    } catch {
      // What went wrong before is the news. Without a sidecar the object is a leftover, which `prune` finds.
    }
  }
}

function listed(key: string, stored: StoredObject): ListedSnapshot {
  const name = parseSnapshotKey(key);
  if (name === undefined) throw new TypeError(`${key} is not the key of a snapshot`);
  return { ...name, id: snapshotId(key), key, size: stored.size };
}
