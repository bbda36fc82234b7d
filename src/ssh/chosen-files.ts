import type { Readable } from 'node:stream';
import type { SFTPWrapper } from 'ssh2';
import type { Connection } from './connection.js';
import { ExecFiles } from './exec-files.js';
import type { FileOptions, HostFiles, Ownership, RemoteEntry } from './files.js';
import { SftpFiles } from './sftp-files.js';

/** What the file rooms need of a connection. */
export interface FileConnection extends Pick<Connection, 'host' | 'run' | 'open'> {
  guard<T>(what: string, operation: Promise<T>, signal?: AbortSignal): Promise<T>;
}

/**
 * Decides at first use how a host's files are reached: by SFTP when the login user's rights do and the subsystem
 * opens, otherwise by commands.
 */
export class ChosenFiles implements HostFiles {
  readonly #connection: FileConnection;
  readonly #openSftp: () => Promise<SFTPWrapper | undefined>;
  #choice: Promise<HostFiles> | undefined;

  constructor(connection: FileConnection, openSftp: () => Promise<SFTPWrapper | undefined>) {
    this.#connection = connection;
    this.#openSftp = openSftp;
  }

  async stat(path: string, options?: FileOptions): Promise<RemoteEntry | undefined> {
    return (await this.#chosen()).stat(path, options);
  }

  async list(folder: string, options?: FileOptions): Promise<RemoteEntry[] | undefined> {
    return (await this.#chosen()).list(folder, options);
  }

  async read(path: string, options: FileOptions & { readonly limitBytes: number }): Promise<Buffer> {
    return (await this.#chosen()).read(path, options);
  }

  async download(path: string, options?: FileOptions): Promise<Readable> {
    return (await this.#chosen()).download(path, options);
  }

  async write(path: string, content: Buffer | Readable, options: FileOptions & Ownership): Promise<void> {
    return (await this.#chosen()).write(path, content, options);
  }

  async mkdir(path: string, options: FileOptions & Ownership): Promise<void> {
    return (await this.#chosen()).mkdir(path, options);
  }

  async rename(from: string, to: string, options?: FileOptions): Promise<void> {
    return (await this.#chosen()).rename(from, to, options);
  }

  async remove(path: string, options?: FileOptions & { readonly recursive?: boolean }): Promise<void> {
    return (await this.#chosen()).remove(path, options);
  }

  #chosen(): Promise<HostFiles> {
    this.#choice ??= this.#choose();
    return this.#choice;
  }

  async #choose(): Promise<HostFiles> {
    const byCommand = new ExecFiles(this.#connection);
    const session = await this.#openSftp();
    return session ? new SftpFiles(this.#connection, session, byCommand) : byCommand;
  }
}
