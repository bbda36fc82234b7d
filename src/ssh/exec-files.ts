import { randomBytes } from 'node:crypto';
import { posix } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StateError } from '../core/errors.js';
import type { FileConnection } from './chosen-files.js';
import { type RemoteCommand, script } from './command.js';
import type { RunResult } from './connection.js';
import { type FileAction, fileFailure, fileTooLarge, isMissing, requireAbsolute } from './file-failures.js';
import { entryFromMode } from './file-types.js';
import type { FileOptions, HostFiles, Ownership, RemoteEntry } from './files.js';

/** Files by fixed POSIX scripts with coreutils' or busybox' tools: works under sudo and without SFTP. */
export class ExecFiles implements HostFiles {
  readonly #connection: FileConnection;

  constructor(connection: FileConnection) {
    this.#connection = connection;
  }

  async stat(path: string, options: FileOptions = {}): Promise<RemoteEntry | undefined> {
    const action = this.#action('stat', path);
    const { code, stdout, stderr } = await this.#try(action, script(STAT, path), options);
    if (code !== 0 && isMissing(stderr)) return undefined;
    if (code !== 0) throw fileFailure(action, stderr);
    const [entry] = entriesIn(stdout.toString('utf8'), posix.dirname(path));
    if (!entry) throw fileFailure(action, 'its answer makes no sense');
    return { ...entry, name: posix.basename(path), path };
  }

  async list(folder: string, options: FileOptions = {}): Promise<RemoteEntry[] | undefined> {
    const action = this.#action('list', folder);
    const { code, stdout, stderr } = await this.#try(action, script(LIST, folder), options);
    if (code !== 0 && isMissing(stderr)) return undefined;
    if (code !== 0) throw fileFailure(action, stderr);
    return entriesIn(stdout.toString('utf8'), folder).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  async read(
    path: string,
    { limitBytes, ...options }: FileOptions & { readonly limitBytes: number },
  ): Promise<Buffer> {
    const action = this.#action('read', path);
    try {
      const { code, stdout, stderr } = await this.#try(action, CAT(path), { ...options, limitBytes });
      if (code !== 0) throw fileFailure(action, stderr);
      return stdout;
    } catch (error) {
      if (error instanceof StateError && error.code === 'ssh.output-too-large')
        throw fileTooLarge(action, limitBytes);
      throw error;
    }
  }

  async download(path: string, options: FileOptions = {}): Promise<Readable> {
    const action = this.#action('read', path);
    requireAbsolute(action);
    const process = await this.#connection.open(CAT(path), options);
    process.stdin.end();
    async function* content(): AsyncGenerator<Buffer> {
      yield* process.stdout;
      const { code, stderr } = await process.done;
      if (code !== 0) throw fileFailure(action, stderr);
    }
    return Readable.from(content(), { objectMode: false, highWaterMark: 1024 * 1024 });
  }

  /**
   * The content goes first, by a command that does nothing else: one whose input breaks off cannot tell that from
   * its end. A second command, which knows how many bytes there must be, puts the file in place.
   */
  async write(
    path: string,
    content: Buffer | Readable,
    { mode, uid, gid, ...options }: FileOptions & Ownership,
  ): Promise<void> {
    const action = this.#action('write', path);
    requireAbsolute(action);
    const temporary = temporaryBeside(path);
    try {
      const size = await this.#upload(action, temporary, content, options);
      const place = script(PLACE, temporary, path, octal(mode), ownerOf({ uid, gid }), String(size));
      await this.#must(action, place, options);
    } catch (error) {
      await this.#connection.run(script('rm -f -- "$1"', temporary), { check: false }).catch(() => undefined);
      throw error;
    }
  }

  async mkdir(path: string, { mode, uid, gid, ...options }: FileOptions & Ownership): Promise<void> {
    const action = this.#action('make the folder', path);
    await this.#must(action, script(MKDIR, path, octal(mode), ownerOf({ uid, gid })), options);
  }

  async rename(from: string, to: string, options: FileOptions = {}): Promise<void> {
    requireAbsolute(this.#action('rename to', to));
    await this.#must(this.#action('rename', from), script('exec mv -fT -- "$1" "$2"', from, to), options);
  }

  async remove(
    path: string,
    { recursive = false, ...options }: FileOptions & { readonly recursive?: boolean } = {},
  ): Promise<void> {
    const action = this.#action('remove', path);
    await this.#must(action, script(recursive ? REMOVE_ALL : REMOVE, path), options);
  }

  async #upload(
    action: FileAction,
    temporary: string,
    content: Buffer | Readable,
    options: FileOptions,
  ): Promise<number> {
    const process = await this.#connection.open(script(RECEIVE, temporary), options);
    process.stdout.resume();
    let size = 0;
    async function* counted(source: Readable): AsyncGenerator<Buffer> {
      for await (const chunk of source) {
        size += chunk.length;
        yield chunk;
      }
    }
    const source = Buffer.isBuffer(content) ? Readable.from(pieces(content)) : content;
    const ended = process.done.then(({ code, stderr }) => {
      if (code !== 0) throw fileFailure(action, stderr);
    });
    // Whichever fails first; the host's reason comes before the broken pipe that follows from it.
    await Promise.all([ended, pipeline(source, counted, process.stdin)]);
    return size;
  }

  async #must(action: FileAction, command: RemoteCommand, options: FileOptions): Promise<void> {
    const { code, stderr } = await this.#try(action, command, options);
    if (code !== 0) throw fileFailure(action, stderr);
  }

  #try(
    action: FileAction,
    command: RemoteCommand,
    options: FileOptions & { readonly limitBytes?: number },
  ): Promise<RunResult> {
    requireAbsolute(action);
    return this.#connection.run(command, { ...options, check: false });
  }

  #action(verb: string, path: string): FileAction {
    return { host: this.#connection.host, verb, path };
  }
}

/** A private name in the same folder, no longer than file systems allow. */
export function temporaryBeside(path: string): string {
  const name = posix.basename(path).slice(0, 60);
  return posix.join(posix.dirname(path), `.${name}.coolify-state-${randomBytes(6).toString('hex')}`);
}

export function octal(mode: number): string {
  return (mode & 0o7777).toString(8).padStart(4, '0');
}

const CAT = (path: string): RemoteCommand => script('exec cat -- "$1"', path);

// Names cannot contain a slash: "./" before and "/" after one make it readable whatever else is in it.
const STAT = `exec stat -c '%f %s %u %g %Y ./x/' -- "$1"`;
const LIST = `if [ ! -d "$1" ]; then stat -- "$1" > /dev/null && echo 'No such file or directory' >&2; exit 1; fi
cd -- "$1" && exec find . -mindepth 1 -maxdepth 1 -exec stat -c '%f %s %u %g %Y %n/' -- {} +`;

// -C: never through something that stands there already.
const RECEIVE = `umask 077; set -C; exec cat > "$1"`;

const PLACE = `set -e
size=$(wc -c < "$1")
if [ "$size" -ne "$5" ]; then echo "only $size of $5 bytes arrived" >&2; exit 1; fi
if [ -n "$4" ]; then chown "$4" -- "$1"; fi
chmod "$3" -- "$1"
sync -- "$1" 2>/dev/null || :
mv -fT -- "$1" "$2"`;

const MKDIR = `set -e
if [ ! -d "$1" ]; then mkdir -m 0700 -- "$1"; fi
if [ -n "$3" ]; then chown "$3" -- "$1"; fi
chmod "$2" -- "$1"`;

const REMOVE = `if [ -d "$1" ] && [ ! -L "$1" ]; then exec rmdir -- "$1"; fi; exec rm -f -- "$1"`;
const REMOVE_ALL = `exec rm -rf -- "$1"`;

function ownerOf({ uid, gid }: { uid: number | undefined; gid: number | undefined }): string {
  if (uid === undefined) return gid === undefined ? '' : `:${gid}`;
  return gid === undefined ? String(uid) : `${uid}:${gid}`;
}

function entriesIn(text: string, folder: string): RemoteEntry[] {
  // Numbers have an end, so that no host can make this look at its answer again from each digit.
  const record = /([0-9a-f]{1,8}) (\d{1,20}) (\d{1,10}) (\d{1,10}) (-?\d{1,20}) \.\/([^/]+)\/\n/g;
  return Array.from(text.matchAll(record), ([, mode = '', size, uid, gid, seconds, name = '']) =>
    entryFromMode(name, posix.join(folder, name), Number.parseInt(mode, 16), {
      size: Number(size),
      uid: Number(uid),
      gid: Number(gid),
      mtimeMs: Number(seconds) * 1000,
    }),
  );
}

function* pieces(content: Buffer): Generator<Buffer> {
  for (let at = 0; at < content.length; at += PIECE) yield content.subarray(at, at + PIECE);
}

const PIECE = 256 * 1024;
