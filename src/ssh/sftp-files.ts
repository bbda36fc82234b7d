import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Attributes, FileEntryWithStats, SFTPWrapper } from 'ssh2';
import type SftpClient from 'ssh2-sftp-client';
import type { FileConnection } from './chosen-files.js';
import { temporaryBeside } from './exec-files.js';
import {
  type FileAction,
  fileTooLarge,
  isSftpMissing,
  requireAbsolute,
  sftpFailure,
} from './file-failures.js';
import { entryFromMode } from './file-types.js';
import type { FileOptions, HostFiles, Ownership, RemoteEntry } from './files.js';
import { attachSftpClient } from './sftp-client.js';

/**
 * Files by SFTP, on a session of the connection there is. What SFTP is slow at (long streams) goes through `bulk`.
 */
export class SftpFiles implements HostFiles {
  readonly #connection: FileConnection;
  readonly #session: SFTPWrapper;
  readonly #client: SftpClient;
  readonly #bulk: HostFiles;

  constructor(connection: FileConnection, session: SFTPWrapper, bulk: HostFiles) {
    this.#connection = connection;
    this.#session = session;
    this.#client = attachSftpClient(session);
    this.#bulk = bulk;
  }

  stat(path: string, options: FileOptions = {}): Promise<RemoteEntry | undefined> {
    return this.#do('stat', path, options, async () => this.#entry(path));
  }

  list(folder: string, options: FileOptions = {}): Promise<RemoteEntry[] | undefined> {
    return this.#do('list', folder, options, async () => {
      try {
        const found = await answer<FileEntryWithStats[]>((done) => this.#session.readdir(folder, done));
        return found
          .filter(({ filename }) => filename !== '.' && filename !== '..')
          .map(({ filename, attrs }) => entryOf(posix.join(folder, filename), attrs))
          .sort((a, b) => (a.name < b.name ? -1 : 1));
      } catch (error) {
        if (isSftpMissing(error)) return undefined;
        throw error;
      }
    });
  }

  read(path: string, options: FileOptions & { readonly limitBytes: number }): Promise<Buffer> {
    return this.#do('read', path, options, async (action) => {
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of this.#client.createReadStream(path)) {
        size += chunk.length;
        if (size > options.limitBytes) throw fileTooLarge(action, options.limitBytes);
        chunks.push(chunk);
      }
      return Buffer.concat(chunks);
    });
  }

  download(path: string, options?: FileOptions): Promise<Readable> {
    return this.#bulk.download(path, options);
  }

  write(path: string, content: Buffer | Readable, options: FileOptions & Ownership): Promise<void> {
    if (!Buffer.isBuffer(content) || content.length > SMALL) return this.#bulk.write(path, content, options);
    return this.#do('write', path, options, async () => {
      const temporary = temporaryBeside(path);
      try {
        const target = this.#client.createWriteStream(temporary, { flags: 'wx', mode: 0o600 });
        await pipeline(Readable.from([content]), target);
        await this.#own(temporary, options);
        await this.#client.chmod(temporary, options.mode);
        await this.#sync(temporary);
        await this.#client.posixRename(temporary, path);
      } catch (error) {
        await this.#client.delete(temporary, true).catch(() => undefined);
        throw error;
      }
    });
  }

  mkdir(path: string, options: FileOptions & Ownership): Promise<void> {
    return this.#do('make the folder', path, options, async () => {
      const there = await this.#entry(path);
      if (there?.type !== 'directory') {
        await outcome((done) => this.#session.mkdir(path, { mode: 0o700 }, done));
      }
      await this.#own(path, options);
      await this.#client.chmod(path, options.mode);
    });
  }

  rename(from: string, to: string, options: FileOptions = {}): Promise<void> {
    requireAbsolute(this.#action('rename to', to));
    return this.#do('rename', from, options, async () => {
      await this.#client.posixRename(from, to);
    });
  }

  remove(path: string, options: FileOptions & { readonly recursive?: boolean } = {}): Promise<void> {
    return this.#do('remove', path, options, () => this.#removeEntry(path, options.recursive === true));
  }

  async #removeEntry(path: string, recursive: boolean): Promise<void> {
    const entry = await this.#entry(path);
    if (!entry) return;
    if (entry.type !== 'directory') {
      await this.#client.delete(path, true);
      return;
    }
    if (recursive) {
      for (const { path: inner } of (await this.list(path)) ?? []) await this.#removeEntry(inner, true);
    }
    // The library's own recursion follows links out of the folder.
    await this.#client.rmdir(path);
  }

  async #entry(path: string): Promise<RemoteEntry | undefined> {
    try {
      return entryOf(path, await answer<Attributes>((done) => this.#session.lstat(path, done)));
    } catch (error) {
      if (isSftpMissing(error)) return undefined;
      throw error;
    }
  }

  async #own(path: string, { uid, gid }: Ownership): Promise<void> {
    if (uid === undefined && gid === undefined) return;
    const { uid: oldUid, gid: oldGid } = await answer<Attributes>((done) => this.#session.lstat(path, done));
    await outcome((done) => this.#session.chown(path, uid ?? oldUid, gid ?? oldGid, done));
  }

  /** An extension of OpenSSH; servers without it sync when they please. */
  async #sync(path: string): Promise<void> {
    const handle = await answer<Buffer>((done) => this.#session.open(path, 'r', done));
    await outcome((done) => this.#session.ext_openssh_fsync(handle, (error) => done(error))).catch(
      () => undefined,
    );
    await outcome((done) => this.#session.close(handle, done));
  }

  async #do<T>(
    verb: string,
    path: string,
    { signal }: FileOptions,
    work: (action: FileAction) => Promise<T>,
  ): Promise<T> {
    const action = this.#action(verb, path);
    requireAbsolute(action);
    signal?.throwIfAborted();
    try {
      return await this.#connection.guard(`${verb} ${path}`, work(action), signal);
    } catch (error) {
      throw sftpFailure(action, error);
    }
  }

  #action(verb: string, path: string): FileAction {
    return { host: this.#connection.host, verb, path };
  }
}

/** Above this a command is faster than SFTP's round trips. */
const SMALL = 256 * 1024;

function entryOf(path: string, { mode, size, uid, gid, mtime }: Attributes): RemoteEntry {
  return entryFromMode(posix.basename(path), path, mode, { size, uid, gid, mtimeMs: mtime * 1000 });
}

/** A callback's answer as a promise. */
function answer<T>(start: (done: (error: Error | undefined, result: T) => void) => void): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    start((error, result) => (error ? reject(error) : resolve(result)));
  });
}

function outcome(start: (done: (error?: Error | null) => void) => void): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    start((error) => (error ? reject(error) : resolve()));
  });
}
