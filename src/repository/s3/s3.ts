import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  type S3Client,
} from '@aws-sdk/client-s3';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { alreadyExists, badOffset, lockedUntil, notFound, throwIfAborted } from '../failures.js';
import { checkedKey, checkedPrefix, isKey } from '../keys.js';
import { sha256Of } from '../metered-stream.js';
import { readSmall } from '../read-small.js';
import type {
  Cancellable,
  GetOptions,
  Leftover,
  ObjectFacts,
  PutOptions,
  PutSmallOptions,
  Repository,
  StoredEntry,
  StoredObject,
} from '../repository.js';
import { s3Agents } from './agents.js';
import { abortable, s3Client } from './client.js';
import { storeTime } from './clock.js';
import { ResumedDownload } from './download.js';
import { isTransient, s3Failure } from './failures.js';
import { listedObjects, openUploads } from './listing.js';
import { openObject } from './open.js';
import { askedFeatures } from './put-parameters.js';
import { removeObject } from './removal.js';
import { answerOf } from './sentences.js';
import { type CheckedS3Settings, checkedS3Settings, type S3Settings } from './settings.js';
import { SmallReader } from './small-reader.js';
import { type UploadPlace, uploadSmall, uploadStream } from './upload.js';

/** A repository in an S3 bucket, under a path: AWS, Ceph RGW (Hetzner), and what speaks like them. */
export class S3Repository implements Repository {
  readonly location: string;
  readonly cacheFolder: string | undefined;
  readonly #settings: CheckedS3Settings;
  readonly #client: S3Client;
  readonly #smallReader: SmallReader | undefined;
  /** The path and a slash, or nothing. */
  readonly #prefix: string;
  /** Once it is known that the store refuses the second put of a key, no request asks first whether the key is free. */
  #decidesRaces: boolean | undefined;
  #requests = 0;

  /** `ca`: certificates (PEM) to trust as well. Throws `repository.settings`. Opens no connection yet. */
  constructor(settings: S3Settings, ca?: string) {
    this.#settings = checkedS3Settings(settings, ca);
    const agents = s3Agents(this.#settings);
    const onRequest = (): void => {
      this.#requests++;
    };
    this.#client = s3Client(this.#settings, agents, onRequest);
    this.#smallReader = SmallReader.for(this.#client, this.#settings, agents, onRequest);
    const { bucket, path } = this.#settings;
    this.#prefix = path === '' ? '' : `${path}/`;
    this.cacheFolder = this.#settings.cacheFolder;
    this.location = printable(`s3://${bucket}${path === '' ? '' : `/${path}`}`);
  }

  get requests(): number {
    return this.#requests;
  }

  async check({ signal }: Cancellable = {}): Promise<void> {
    try {
      const first = { ...this.#bucket(), Prefix: this.#prefix, MaxKeys: 1 };
      await this.#client.send(new ListObjectsV2Command(first), abortable(signal));
    } catch (error) {
      throw this.#failure(error, 'Could not work', { signal });
    }
  }

  async put(key: string, body: Readable, options: PutOptions = {}): Promise<StoredObject> {
    const { signal } = options;
    body.on('error', () => {});
    try {
      const place = this.#place(key, signal);
      if (!place.decidesRaces) await place.refuseExisting();
      return { key, ...(await uploadStream(place, body, options)) };
    } catch (error) {
      throw this.#putFailure(error, key, signal);
    } finally {
      body.destroy();
    }
  }

  async putSmall(key: string, content: Buffer, options: PutSmallOptions = {}): Promise<StoredObject> {
    const { signal } = options;
    try {
      const place = this.#place(key, signal);
      if (!place.decidesRaces) await place.refuseExisting();
      const { etag } = await uploadSmall(place, content, options);
      return { key, size: content.length, sha256: sha256Of(content), ...(etag !== undefined && { etag }) };
    } catch (error) {
      throw this.#putFailure(error, key, signal);
    }
  }

  async get(key: string, { offset = 0, signal }: GetOptions = {}): Promise<Readable> {
    const failure = (error: unknown) => this.#failure(error, `Could not read ${key}`, { key, signal });
    try {
      const target = { ...this.#bucket(), Key: this.#objectKey(key) };
      const first = await openObject(this.#client, target, { from: offset, signal });
      const size = offset + first.length;
      return new ResumedDownload({
        body: first.body,
        from: offset,
        size,
        reopen: async (from) => {
          const again = await openObject(this.#client, target, { from, etag: first.etag, signal });
          if (from + again.length === size) return again.body;
          again.body.destroy();
          throw this.#changed(key);
        },
        maxAttempts: this.#settings.maxAttempts,
        mayRetry: (error) => isTransient(failure(error)),
        failure: (error) => (answerOf(error).status === 412 ? this.#changed(key) : failure(error)),
        signal,
      });
    } catch (error) {
      if (answerOf(error).status !== 416) throw failure(error);
      const facts = await this.stat(key, { signal });
      if (facts === undefined) throw notFound(this.location, key, error);
      if (facts.size === offset) return Readable.from([]);
      throw badOffset(this.location, key, offset, facts.size);
    }
  }

  async getSmall(key: string, limit: number, { signal }: Cancellable = {}): Promise<Buffer> {
    throwIfAborted(signal);
    const content = await this.#smallReader?.read(this.#objectKey(key), limit, signal);
    return content ?? (await readSmall(this, key, limit, { signal }));
  }

  async stat(key: string, { signal }: Cancellable = {}): Promise<ObjectFacts | undefined> {
    try {
      const target = { ...this.#bucket(), Key: this.#objectKey(key) };
      const head = await this.#client.send(new HeadObjectCommand(target), abortable(signal));
      return factsOf(head.ContentLength, head.LastModified, head.ETag);
    } catch (error) {
      if (answerOf(error).status === 404) return undefined;
      throw this.#failure(error, `Could not look at ${key}`, { key, signal });
    }
  }

  async *list(prefix: string, { signal }: Cancellable = {}): AsyncIterable<StoredEntry> {
    const place = { ...this.#bucket(), Prefix: this.#prefix + checkedPrefix(prefix) };
    try {
      for await (const { Key, Size, LastModified, ETag } of listedObjects(this.#client, place, signal)) {
        const key = this.#relative(Key);
        if (key !== undefined) yield { key, ...factsOf(Size, LastModified, ETag) };
      }
    } catch (error) {
      throw this.#failure(error, 'Could not list what is', { signal });
    }
  }

  async remove(key: string, { signal }: Cancellable = {}): Promise<void> {
    try {
      const kept = await removeObject(this.#client, this.#settings, this.#objectKey(key), signal);
      if (kept !== undefined) throw lockedUntil(this.location, key, kept.lockedUntil);
    } catch (error) {
      throw this.#failure(error, `Could not remove ${key}`, { key, signal, removing: true });
    }
  }

  async now({ signal }: Cancellable = {}): Promise<Date> {
    try {
      // Nothing is there: only the answer's head is wanted.
      return await storeTime(this.#client, { ...this.#bucket(), Prefix: `${this.#prefix}.now/` }, signal);
    } catch (error) {
      throw this.#failure(error, 'Could not tell the time', { signal });
    }
  }

  async decidesRaces(key: string, content: Buffer, { signal }: Cancellable = {}): Promise<boolean> {
    if (!this.#settings.conditionalWrites) return false;
    if (this.#decidesRaces !== undefined) return this.#decidesRaces;
    try {
      await uploadSmall(this.#place(key, signal), content, { signal, shortLived: true });
      this.#decidesRaces = false;
    } catch (error) {
      const failure = this.#putFailure(error, key, signal);
      if (failure.code !== 'repository.exists') throw failure;
      this.#decidesRaces = true;
    }
    return this.#decidesRaces;
  }

  async *leftovers(prefix: string, { signal }: Cancellable = {}): AsyncIterable<Leftover> {
    const place = { ...this.#bucket(), Prefix: this.#prefix + checkedPrefix(prefix) };
    try {
      for await (const { Key, UploadId, Initiated } of openUploads(this.#client, place, signal)) {
        const key = this.#relative(Key);
        if (key !== undefined && UploadId !== undefined) {
          yield { key, id: UploadId, startedAt: Initiated ?? new Date(0) };
        }
      }
    } catch (error) {
      throw this.#failure(error, 'Could not list the open uploads', { signal });
    }
  }

  async removeLeftover({ key, id }: Leftover, { signal }: Cancellable = {}): Promise<void> {
    try {
      const target = { ...this.#bucket(), Key: this.#objectKey(key), UploadId: id };
      await this.#client.send(new AbortMultipartUploadCommand(target), abortable(signal));
    } catch (error) {
      if (answerOf(error).name === 'NoSuchUpload') return;
      throw this.#failure(error, `Could not remove the upload of ${key}`, { signal, removing: true });
    }
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }

  #bucket() {
    return { Bucket: this.#settings.bucket };
  }

  #objectKey(key: string): string {
    return this.#prefix + checkedKey(key);
  }

  #place(key: string, signal: AbortSignal | undefined): UploadPlace {
    return {
      client: this.#client,
      settings: this.#settings,
      objectKey: this.#objectKey(key),
      decidesRaces: this.#decidesRaces === true,
      refuseExisting: () => this.#refuseExisting(key, signal),
    };
  }

  /** The key without our path, unless it is not one of ours: folder markers, names that no path may have. */
  #relative(objectKey: string | undefined): string | undefined {
    if (objectKey === undefined || !objectKey.startsWith(this.#prefix)) return undefined;
    const key = objectKey.slice(this.#prefix.length);
    return isKey(key) ? key : undefined;
  }

  /** Spares an upload that could only be refused. Whether the name is free decides the store, at the end. */
  async #refuseExisting(key: string, signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    try {
      if ((await this.stat(key, { signal })) !== undefined) throw alreadyExists(this.location, key);
    } catch (error) {
      // An answer to HEAD has no body to say why. The request to come has.
      if (error instanceof StateError && error.code === 'repository.access-denied') return;
      throw error;
    }
  }

  #changed(key: string): StateError {
    return new StateError({
      kind: 'failed',
      code: 'repository.object-changed',
      what: `Could not go on reading ${key} in ${this.location}`,
      why: 'the object was replaced meanwhile, although nothing in a repository is ever rewritten',
      next: 'Find out who else writes to this place',
    });
  }

  #putFailure(error: unknown, key: string, signal: AbortSignal | undefined): StateError {
    return this.#failure(error, `Could not store ${key}`, {
      key,
      signal,
      asked: askedFeatures(this.#settings),
    });
  }

  #failure(
    error: unknown,
    what: string,
    about: { asked?: readonly string[]; key?: string; removing?: boolean; signal: AbortSignal | undefined },
  ): StateError {
    const { bucket, endpoint = 'AWS' } = this.#settings;
    return s3Failure(error, { what, location: this.location, bucket, endpoint, ...about });
  }
}

function factsOf(
  size: number | undefined,
  modified: Date | undefined,
  etag: string | undefined,
): ObjectFacts {
  return { size: size ?? 0, modified: modified ?? new Date(0), ...(etag !== undefined && { etag }) };
}
