import { createHash, randomUUID } from 'node:crypto';
import { constants } from 'node:fs';
import { open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolders } from '../../core/folders.js';

/** More than that is not read. Bytes; a sidecar has about two thousand. */
const LONGEST_FILE = 64 * 1024 * 1024;

/**
 * Sidecars that were read before, kept on this machine, because a listing reads all of them and none ever changes.
 *
 * Nothing in it has to be believed: what is found is held against the ETag that the store's listing tells for the object
 * today, which is the MD5 of its content. So the file may be changed or removed by anyone; at worst all is read again. A
 * store whose ETags are something else (encryption with AWS KMS) gets nothing cached.
 */
export class SidecarCache {
  readonly #path: string | undefined;
  /** By MD5, the content in base64: decoded only when it is asked for. */
  readonly #before: ReadonlyMap<string, string>;
  readonly #used = new Map<string, string>();
  #isNew = false;

  private constructor(path: string | undefined, before: ReadonlyMap<string, string>) {
    this.#path = path;
    this.#before = before;
  }

  /** `subject` tells caches in one folder apart. Without a folder nothing is kept. Never throws. */
  static async open(folder: string | undefined, subject: string): Promise<SidecarCache> {
    if (folder === undefined) return new SidecarCache(undefined, new Map());
    const name = createHash('sha256').update(subject).digest('hex').slice(0, 32);
    const path = join(folder, 'sidecars', name);
    return new SidecarCache(path, await linesOf(path));
  }

  /** What the object with this ETag holds, if it is known. */
  find(etag: string | undefined): Buffer | undefined {
    const md5 = md5Of(etag);
    const line = md5 === undefined ? undefined : this.#before.get(md5);
    if (md5 === undefined || line === undefined) return undefined;
    const content = Buffer.from(line, 'base64');
    if (hashOf(content) !== md5) return undefined;
    this.#used.set(md5, line);
    return content;
  }

  /** Remembers what was read. */
  keep(etag: string | undefined, content: Buffer): void {
    const md5 = md5Of(etag);
    if (md5 === undefined || hashOf(content) !== md5) return;
    this.#used.set(md5, content.toString('base64'));
    this.#isNew = true;
  }

  /** Writes down what was found and kept, and forgets the rest. Never throws: a full disk is no reason not to list. */
  async save(): Promise<void> {
    const isStale = this.#used.size * 2 < this.#before.size;
    if (this.#path === undefined || !(this.#isNew || isStale)) return;
    const temporary = `${this.#path}.${randomUUID()}`;
    try {
      await makeFolders(dirname(this.#path), 0o700);
      try {
        const file = await open(temporary, 'wx', 0o600);
        try {
          await file.writeFile([...this.#used].map(([md5, line]) => `${md5} ${line}\n`).join(''));
        } finally {
          await file.close();
        }
        await rename(temporary, this.#path);
      } catch (error) {
        await unlink(temporary);
        throw error;
      }
    } catch {
      // The next listing reads what this one did not keep.
    }
  }
}

async function linesOf(path: string): Promise<Map<string, string>> {
  const lines = new Map<string, string>();
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      const facts = await file.stat();
      if (!facts.isFile() || facts.size > LONGEST_FILE) return lines;
      for (const line of (await file.readFile('latin1')).split('\n')) {
        if (line.charAt(32) === ' ') lines.set(line.slice(0, 32), line.slice(33));
      }
    } finally {
      await file.close();
    }
  } catch {
    // There is none yet, or it cannot be read.
  }
  return lines;
}

/** The MD5 in an ETag, if it is one: of an object in parts it is not. */
function md5Of(etag: string | undefined): string | undefined {
  return /^"?([0-9a-f]{32})"?$/.exec(etag ?? '')?.[1];
}

function hashOf(content: Buffer): string {
  return createHash('md5').update(content).digest('hex');
}
