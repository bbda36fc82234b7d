import type { Readable } from 'node:stream';

/**
 * A place that keeps objects under keys: an S3 bucket with a path, or a plain directory. It knows nothing of what the
 * objects mean. Keys are relative to the repository, segments joined by `/` (see `checkedKey`).
 *
 * The contract, the same for every kind:
 * - **Written once.** `put` and `putSmall` never overwrite: an existing key is refused with `repository.exists` and stays
 *   as it was. There is no way to change an object, so a repository may be under an object lock. Of two writers of one
 *   key the store decides; a store that does not (Ceph RGW for objects in parts) is asked right before the end, which
 *   leaves a moment in which the later one would win. Keys of snapshots carry their time, and a host has one writer.
 * - **Entirely or not at all.** An object that can be seen is complete. When a put fails or its signal aborts, the promise
 *   is settled only after what had been stored is gone: no temporary file, no open multipart upload, no object. Only a
 *   process that was killed, or a store that could not be reached any more, leaves something for `leftovers`.
 * - **The body is always consumed or destroyed** by `put`, whatever the outcome. A stream from `get` belongs to the caller.
 * - **Retried inside**, with backoff and a bound: single requests that may be repeated, and a download that broke off
 *   (continued at the byte reached, of the same object or not at all). A body stream is read once, so a put as a whole is
 *   never repeated here.
 * - **Idempotent:** `remove`, `removeLeftover` and `close`. An object that is already gone is no error.
 * - **Errors** are `StateError` with `repository.*` codes, one sentence for each cause; an abort is `interrupted`; what the
 *   body stream itself threw passes unchanged when it is a `StateError`. No message holds a credential.
 */
export interface Repository {
  /** `s3://bucket/path` or `file:/dir`: for people, safe to print. */
  readonly location: string;

  /** Requests sent to the store so far, repetitions included. Absent where there are none, as in a directory. */
  readonly requests?: number | undefined;

  /** A private folder of this machine where what was read may be kept, so that it need not be read again. */
  readonly cacheFolder?: string | undefined;

  /** Asks the store for next to nothing, to learn whether it answers, exists and lets us in. Throws why not. */
  check(options?: Cancellable): Promise<void>;

  /** Stores a stream of unknown length. */
  put(key: string, body: Readable, options?: PutOptions): Promise<StoredObject>;

  /** Stores a few bytes (up to 5 MiB) with one request. */
  putSmall(key: string, content: Buffer, options?: PutSmallOptions): Promise<StoredObject>;

  /**
   * The object's bytes from `offset` (0) to its end. The stream ends only when all of them were delivered, otherwise it
   * fails. A missing key is `repository.not-found`.
   */
  get(key: string, options?: GetOptions): Promise<Readable>;

  /** A whole object of a few bytes: of one with more than `limit`, what came until that was known. Throws as `get` does. */
  getSmall(key: string, limit: number, options?: Cancellable): Promise<Buffer>;

  /** Size and time of an object, `undefined` when there is none. */
  stat(key: string, options?: Cancellable): Promise<ObjectFacts | undefined>;

  /** Every complete object whose key begins with `prefix`, in no particular order, however many there are. */
  list(prefix: string, options?: Cancellable): AsyncIterable<StoredEntry>;

  /** Removes an object. `repository.remove-denied` when the store keeps it (permission, object lock). */
  remove(key: string, options?: Cancellable): Promise<void>;

  /** The store's clock, the one by which `modified` is told; it may know whole seconds only. */
  now(options?: Cancellable): Promise<Date>;

  /**
   * Whether the store itself refuses the second of two writers of one key. Found out by an attempt to put `content` under
   * `key` once more, which has to be an object of the caller's own with just that content; asked once.
   */
  decidesRaces(key: string, content: Buffer, options?: Cancellable): Promise<boolean>;

  /** What interrupted writers left behind under `prefix`. A put that is running now appears here too: mind `startedAt`. */
  leftovers(prefix: string, options?: Cancellable): AsyncIterable<Leftover>;

  /** Removes one of them. */
  removeLeftover(leftover: Leftover, options?: Cancellable): Promise<void>;

  /** Gives connections back. Streams from `get` that are still open break. */
  close(): Promise<void>;
}

export interface Cancellable {
  readonly signal?: AbortSignal | undefined;
}

export interface PutOptions extends Cancellable {
  /** Bytes that the body has about, where that can be told: S3 takes an object in 10,000 parts at most. */
  readonly expectedSize?: number | undefined;
  /** Bytes taken from the body so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

export interface PutSmallOptions extends Cancellable {
  /** An object that is soon removed again: stored without a lock of its own, and in the store's default class. */
  readonly shortLived?: boolean | undefined;
}

export interface GetOptions extends Cancellable {
  /** First byte wanted, 0 by default; at most the object's size. */
  readonly offset?: number | undefined;
}

export interface ObjectFacts {
  /** Bytes. */
  readonly size: number;
  readonly modified: Date;
  /** The store's own version mark, if it has one. Not a checksum of ours. */
  readonly etag?: string;
}

export interface StoredEntry extends ObjectFacts {
  readonly key: string;
}

/** What was sent, as counted and hashed on the way. */
export interface StoredObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  /** SHA-256, hex. */
  readonly sha256: string;
  readonly etag?: string;
}

/** An interrupted upload: parts without an object, or a temporary file. */
export interface Leftover {
  /** The key it was to become; of a directory, that of the temporary file. */
  readonly key: string;
  /** How the store names it: upload id, or file name. */
  readonly id: string;
  readonly startedAt: Date;
}
