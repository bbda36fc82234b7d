import { constants } from 'node:fs';
import { access, lstat, open, opendir, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { errnoOf, StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { abortFailure, alreadyExists, badOffset, notFound, throwIfAborted } from '../failures.js';
import { checkedKey, checkedPrefix, isKey, TEMPORARY_PREFIX } from '../keys.js';
import { readSmall } from '../read-small.js';
import type {
  Cancellable,
  GetOptions,
  Leftover,
  ObjectFacts,
  PutOptions,
  Repository,
  StoredEntry,
  StoredObject,
} from '../repository.js';
import { sourceOf } from '../source-stream.js';
import { directoryFailure } from './failures.js';
import { stampOfNewFile, syncFolder, writeNewFile } from './new-file.js';
import { filesBelow } from './walk.js';

const CHUNK = 256 * 1024;

/**
 * A repository in a folder: every object is a file under its key, 0600, in folders that are 0700. The folder is made by
 * the first put. Symbolic links and other things in it are not objects.
 */
export class DirectoryRepository implements Repository {
  readonly location: string;
  readonly #root: string;

  /** `place` is a path, or a `file:` URL (`file:///dir`, `file:/dir`, `file:dir`). */
  constructor(place: string) {
    this.#root = rootOf(place);
    this.location = printable(`file:${this.#root}`);
  }

  async check(): Promise<void> {
    for (let folder = this.#root; ; folder = dirname(folder)) {
      try {
        await (await opendir(folder)).close();
        await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
        return;
      } catch (error) {
        // A folder that is not there yet is made later; then it is its parent that has to let us.
        if (errnoOf(error) !== 'ENOENT' || dirname(folder) === folder)
          throw this.#failure(error, 'Could not work');
      }
    }
  }

  async put(key: string, body: Readable, { signal, onProgress }: PutOptions = {}): Promise<StoredObject> {
    const source = sourceOf(body, key, signal);
    try {
      throwIfAborted(signal);
      const path = this.#pathOf(key);
      // Known early, so that nothing is written for nothing; the link at the end is what decides.
      if ((await this.stat(key)) !== undefined) throw alreadyExists(this.location, key);
      return { key, ...(await writeNewFile(path, source, { signal, onProgress })) };
    } catch (error) {
      throw this.#putFailure(error, key, signal);
    } finally {
      body.destroy();
    }
  }

  async putSmall(key: string, content: Buffer, { signal }: Cancellable = {}): Promise<StoredObject> {
    return this.put(key, Readable.from([content]), { signal });
  }

  async get(key: string, { offset = 0, signal }: GetOptions = {}): Promise<Readable> {
    throwIfAborted(signal);
    try {
      const file = await open(this.#pathOf(key), constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const facts = await file.stat();
        if (!facts.isFile()) throw notFound(this.location, key);
        if (offset > facts.size) throw badOffset(this.location, key, offset, facts.size);
        return explained(file.createReadStream({ start: offset, highWaterMark: CHUNK, signal }), (error) =>
          signal?.aborted === true ? abortFailure(signal) : this.#failure(error, `Could not read ${key}`),
        );
      } catch (error) {
        await file.close();
        throw error;
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') throw notFound(this.location, key, error);
      throw this.#failure(error, `Could not read ${key}`);
    }
  }

  async getSmall(key: string, limit: number, { signal }: Cancellable = {}): Promise<Buffer> {
    return readSmall(this, key, limit, { signal });
  }

  async stat(key: string, { signal }: Cancellable = {}): Promise<ObjectFacts | undefined> {
    throwIfAborted(signal);
    try {
      const facts = await lstat(this.#pathOf(key));
      return facts.isFile() ? { size: facts.size, modified: facts.mtime } : undefined;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw this.#failure(error, `Could not look at ${key}`);
    }
  }

  async *list(prefix: string, { signal }: Cancellable = {}): AsyncIterable<StoredEntry> {
    for await (const file of this.#files(prefix, signal)) {
      if (isKey(file.key)) yield { key: file.key, size: file.size, modified: file.modified };
    }
  }

  async remove(key: string, { signal }: Cancellable = {}): Promise<void> {
    throwIfAborted(signal);
    const path = this.#pathOf(key);
    try {
      await unlink(path);
      await syncFolder(dirname(path));
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return;
      throw this.#removeFailure(error, key);
    }
  }

  /** On a network mount it is the server that stamps files: so a file tells the time. */
  async now({ signal }: Cancellable = {}): Promise<Date> {
    throwIfAborted(signal);
    try {
      return await stampOfNewFile(this.#root);
    } catch (error) {
      throw this.#failure(error, 'Could not tell the time');
    }
  }

  /** A link to a name that is taken fails, on every file system. */
  async decidesRaces(): Promise<boolean> {
    return true;
  }

  async *leftovers(prefix: string, { signal }: Cancellable = {}): AsyncIterable<Leftover> {
    for await (const file of this.#files(prefix, signal)) {
      const name = file.key.slice(file.key.lastIndexOf('/') + 1);
      if (name.startsWith(TEMPORARY_PREFIX)) yield { key: file.key, id: name, startedAt: file.modified };
    }
  }

  async removeLeftover({ key, id }: Leftover, { signal }: Cancellable = {}): Promise<void> {
    throwIfAborted(signal);
    const folder = key.slice(0, Math.max(0, key.lastIndexOf('/')));
    const isOurs = id.startsWith(TEMPORARY_PREFIX) && !id.includes('/') && key.endsWith(id);
    if (!isOurs) throw notFound(this.location, printable(key));
    try {
      await unlink(join(folder === '' ? this.#root : this.#pathOf(folder), id));
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT') throw this.#removeFailure(error, key);
    }
  }

  async close(): Promise<void> {}

  #pathOf(key: string): string {
    return join(this.#root, checkedKey(key));
  }

  async *#files(prefix: string, signal: AbortSignal | undefined) {
    try {
      yield* filesBelow(this.#root, checkedPrefix(prefix), signal);
    } catch (error) {
      if (signal?.aborted === true) throw abortFailure(signal);
      throw this.#failure(error, 'Could not list what is');
    }
  }

  #failure(error: unknown, what: string): StateError {
    return directoryFailure(error, what, this.location);
  }

  #putFailure(error: unknown, key: string, signal: AbortSignal | undefined): StateError {
    if (signal?.aborted === true) return abortFailure(signal);
    if (errnoOf(error) === 'EEXIST') return alreadyExists(this.location, key, error);
    return this.#failure(error, `Could not store ${key}`);
  }

  #removeFailure(error: unknown, key: string): StateError {
    const failure = this.#failure(error, `Could not remove ${key}`);
    if (failure.code !== 'repository.access-denied') return failure;
    return new StateError({ ...failure.facts(), code: 'repository.remove-denied' });
  }
}

/** The same bytes; what breaks the stream becomes an error that says why. Destroying it closes the file. */
function explained(stream: Readable, explain: (error: unknown) => StateError): Readable {
  const chunks = async function* () {
    try {
      yield* stream;
    } catch (error) {
      throw explain(error);
    }
  };
  const readable = Readable.from(chunks(), { objectMode: false, highWaterMark: 4 * CHUNK });
  // Before the first read nobody iterates yet, and nobody would listen.
  stream.on('error', () => {});
  readable.once('close', () => stream.destroy());
  return readable;
}

function rootOf(place: string): string {
  if (place.startsWith('file://')) return resolve(fileURLToPath(place));
  return resolve(place.startsWith('file:') ? place.slice('file:'.length) : place);
}
