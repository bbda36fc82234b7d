import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '../core/errors.js';
import { makePrivateFolder, PrivateFileWriter, replacePrivateFile, sealTree } from './private-files.js';

const RECORD = 'record.json';
const TIME = /^restore-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-/;

/**
 * What was kept of restores of one host, at `state/.restores/<host>/<id>/`: a record, and files as they were before. Ids begin
 * with the time, so that their order is that of the restores. All changing calls need the host's lock.
 */
export class RestoreFolders {
  readonly #root: string;
  readonly #folder: string;

  constructor(root: string, host: string) {
    this.#root = join(root, '.restores');
    this.#folder = join(this.#root, host);
  }

  /** Ids of all complete records, newest first. */
  async ids(): Promise<string[]> {
    let names: string[];
    try {
      names = await readdir(this.#folder);
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return [];
      throw error;
    }
    return names
      .filter((name) => /^restore-/.test(name))
      .sort()
      .reverse();
  }

  /** The id of a restore that begins: after all others, also where a clock was put back since. */
  async nextId(at: Date): Promise<string> {
    const [, ...parts] = TIME.exec((await this.ids())[0] ?? '') ?? [];
    const [year = 0, month = 1, day, hour, minute, second = 0] = parts.map(Number);
    const next = parts.length === 0 ? 0 : Date.UTC(year, month - 1, day, hour, minute, second + 1);
    return RestoreFolders.newId(new Date(Math.max(at.getTime(), next)));
  }

  static newId(at: Date): string {
    const time = at.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
    return `restore-${time}-${randomBytes(3).toString('hex')}`;
  }

  /** A writer for a new file of a restore. */
  create(id: string, name: string): PrivateFileWriter {
    return new PrivateFileWriter(join(this.#folder, id, name));
  }

  path(id: string, name: string): string {
    return join(this.#folder, id, name);
  }

  /** Writes the record in one step; a folder without one is no record. */
  async write(id: string, record: string): Promise<void> {
    const folder = join(this.#folder, id);
    await makePrivateFolder(folder);
    await replacePrivateFile(join(folder, RECORD), record);
    await sealTree(folder);
  }

  /** The text of a record; undefined when there is none. */
  async read(id: string): Promise<string | undefined> {
    try {
      return await readFile(join(this.#folder, id, RECORD), 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    }
  }

  /** Removes the oldest records beyond `keep`. */
  async rotate(keep: number): Promise<void> {
    for (const id of (await this.ids()).slice(Math.max(1, keep))) {
      await rm(join(this.#folder, id), { recursive: true, force: true });
    }
  }

  async remove(id: string): Promise<void> {
    await rm(join(this.#folder, id), { recursive: true, force: true });
  }
}
