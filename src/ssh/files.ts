import type { Readable } from 'node:stream';

/**
 * Files of a host, by absolute path, with the rights of the user that commands run as. Symbolic links are shown,
 * replaced and removed as themselves; only reading follows them.
 *
 * Every operation may be repeated: writing replaces, making what is there and removing what is not are no errors.
 * @throws StateError (all) `ssh.file-missing`, `ssh.file-denied`, `ssh.file-too-large`, `ssh.file-failed`,
 * `ssh.path-invalid`, and what `Connection.run` throws
 */
export interface HostFiles {
  /** Undefined when nothing is there. */
  stat(path: string, options?: FileOptions): Promise<RemoteEntry | undefined>;
  /** What is in a folder, by name, without `.` and `..`; undefined when no folder is there. */
  list(folder: string, options?: FileOptions): Promise<RemoteEntry[] | undefined>;
  /** A small file whole. */
  read(path: string, options: FileOptions & { readonly limitBytes: number }): Promise<Buffer>;
  /** A file as a stream, which fails unless the file was read to its end. Read it or destroy it. */
  download(path: string, options?: FileOptions): Promise<Readable>;
  /**
   * Puts a file in place in one step: it is written beside its place, readable by nobody else, gets owner and mode,
   * goes to disk and is renamed. An interrupted write leaves the old file as it was.
   */
  write(path: string, content: Buffer | Readable, options: FileOptions & Ownership): Promise<void>;
  /** One folder; its parent must be there. Sets mode and owner of one that is there. */
  mkdir(path: string, options: FileOptions & Ownership): Promise<void>;
  /** Replaces a file that stands at `to`. */
  rename(from: string, to: string, options?: FileOptions): Promise<void>;
  /** A file, a link or an empty folder; with `recursive` a folder with all that is in it. */
  remove(path: string, options?: FileOptions & { readonly recursive?: boolean }): Promise<void>;
}

export interface FileOptions {
  readonly signal?: AbortSignal;
}

export interface Ownership {
  /** Permission bits, 0 to 0o7777. */
  readonly mode: number;
  /** Left as it comes when not given. */
  readonly uid?: number;
  readonly gid?: number;
}

export interface RemoteEntry {
  /** Last part of the path. */
  readonly name: string;
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'other';
  /** Bytes. */
  readonly size: number;
  /** Permission bits, without the type. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Whole seconds, in milliseconds since 1970. */
  readonly mtimeMs: number;
}
