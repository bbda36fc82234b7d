import { randomBytes } from 'node:crypto';
import { readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf, StateError } from '../core/errors.js';
import { isSafeRelativePath, MANIFEST, type Manifest, parseManifest, renderManifest } from './manifest.js';
import {
  makePrivateFolder,
  PrivateFileWriter,
  replacePrivateFile,
  sealTree,
  syncFolder,
} from './private-files.js';

/** One complete, checked pull of a host: a folder with a manifest. Never changed once it exists. */
export interface Generation {
  readonly host: string;
  readonly folder: string;
  readonly manifest: Manifest;
}

/** A private folder that becomes the host's newest generation by `commit`, or vanishes by `discard`. */
export interface Staging {
  readonly folder: string;
  /** A writer for a new file below the folder. Missing folders are made. */
  create(path: string): PrivateFileWriter;
  /** Writes the manifest, syncs everything and puts the generation in place. */
  commit(manifest: Manifest): Promise<Generation>;
  discard(): Promise<void>;
}

/** How the ids of generations begin that a restore kept as its way back. */
export const WAY_BACK = 'safety-';

const STAGING = 'staging-';
const FETCHED = 'fetched-';
const DROPPED = 'dropped-';
const JOURNAL = 'commit.json';

/** What a commit is about to do, written before its first rename: a run that dies in between is finished later. */
const journalSchema = z.object({ staging: z.string(), previous: z.string().optional() });

/**
 * The generations of one host: the newest at `state/<host>`, those before it under
 * `state/.generations/<host>/<id>`. All changing calls need the host's lock.
 */
export class Generations {
  readonly host: string;
  readonly #current: string;
  readonly #folder: string;

  constructor(root: string, host: string) {
    if (!isSafeRelativePath(host) || host.includes('/') || host.startsWith('.')) {
      throw new StateError({
        kind: 'usage',
        code: 'state.host-name',
        what: `The host name ${JSON.stringify(host)} cannot be a folder of the state`,
        next: 'give the host a plain name in the inventory and put its address into ansible_host',
      });
    }
    this.host = host;
    this.#current = join(root, host);
    this.#folder = join(root, '.generations', host);
  }

  /** The newest generation, if there is a complete one. */
  async current(): Promise<Generation | undefined> {
    return await this.#read(this.#current);
  }

  /** All generations, newest first. A folder without a usable manifest is not one. */
  async all(): Promise<Generation[]> {
    const older: Generation[] = [];
    for (const name of await namesIn(this.#folder)) {
      if (isScratch(name)) continue;
      const generation = await this.#read(join(this.#folder, name)).catch(() => undefined);
      if (generation !== undefined) older.push(generation);
    }
    older.sort((a, b) => b.manifest.createdAt.localeCompare(a.manifest.createdAt));
    const current = await this.current().catch(() => undefined);
    return current === undefined ? older : [current, ...older];
  }

  /** Finishes or undoes a commit that died, and clears what dead runs left behind. Needs the lock. */
  async recover(): Promise<void> {
    await this.settle();
    for (const path of await this.leftovers()) await rm(path, { recursive: true, force: true });
  }

  /** Finishes or undoes a commit that died. Needs the lock. */
  async settle(): Promise<void> {
    const journal = await this.#journal();
    if (journal !== undefined) {
      const staged = join(this.#folder, journal.staging);
      if (!(await exists(this.#current)) && (await exists(staged))) {
        // The former generation was already moved away and the new one was complete and synced: go forward.
        await rename(staged, this.#current);
        await syncFolder(join(this.#current, '..'));
      }
      await rm(join(this.#folder, JOURNAL), { force: true });
    }
  }

  /**
   * What dead runs left behind, by path: all that `recover` would clear. Only with the lock it is certain that no run
   * is at work in one of them.
   */
  async leftovers(): Promise<string[]> {
    const journal = await this.#journal();
    const next = journal !== undefined && !(await exists(this.#current)) ? journal.staging : undefined;
    const names = (await namesIn(this.#folder)).filter((name) => isScratch(name) && name !== next);
    return names.sort().map((name) => join(this.#folder, name));
  }

  /** Removes one of them. Needs the lock. */
  async removeLeftover(path: string): Promise<void> {
    if (!(await this.leftovers()).includes(path)) return;
    await rm(path, { recursive: true, force: true });
  }

  /** Folders that are kept and are no generation: what the replaced role left, or one whose manifest is damaged. */
  async unusable(): Promise<string[]> {
    const folders: string[] = [];
    for (const name of (await namesIn(this.#folder)).sort()) {
      const folder = join(this.#folder, name);
      if (isScratch(name) || name === JOURNAL) continue;
      if ((await this.#read(folder).catch(() => undefined)) === undefined) folders.push(folder);
    }
    return folders;
  }

  /** An empty private folder for a pull. Needs the lock. */
  async stage(): Promise<Staging> {
    const name = `${STAGING}${randomBytes(6).toString('hex')}`;
    const folder = join(this.#folder, name);
    await makePrivateFolder(folder);
    return {
      folder,
      create: (path) => {
        if (!isSafeRelativePath(path))
          throw new Error(`not a path inside a generation: ${JSON.stringify(path)}`);
        return new PrivateFileWriter(join(folder, path));
      },
      commit: (manifest) => this.#commit(name, manifest),
      discard: () => rm(folder, { recursive: true, force: true }),
    };
  }

  /** An empty private folder for the files of a fetched snapshot; the caller removes it. Needs the lock. */
  async fetchFolder(): Promise<string> {
    const folder = join(this.#folder, `${FETCHED}${randomBytes(6).toString('hex')}`);
    await makePrivateFolder(folder);
    return folder;
  }

  /** Removes the folder for older generations where there are none: whoever only looked leaves nothing. Needs the lock. */
  async tidy(): Promise<void> {
    await rmdir(this.#folder).catch((error: unknown) => {
      if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(errnoOf(error) ?? '')) throw error;
    });
  }

  /** Keeps a generation that must not become the newest one (a restore's way back). Needs the lock. */
  async keepAside(staging: Staging, manifest: Manifest): Promise<Generation> {
    await writeManifest(staging.folder, manifest);
    const folder = join(this.#folder, manifest.id);
    await rename(staging.folder, folder);
    await syncFolder(this.#folder);
    return { host: this.host, folder, manifest };
  }

  /**
   * The oldest generations beyond `keep` (the newest counts). The way back of the last restore is none of them: only whoever
   * prunes, or restores again, can say that it is not needed any more.
   */
  async surplus(keep: number): Promise<readonly Generation[]> {
    const all = await this.all();
    const wayBack = all.find(({ manifest }) => manifest.id.startsWith(WAY_BACK));
    return all.filter((generation) => generation !== wayBack).slice(Math.max(1, keep));
  }

  /** Removes those beyond `keep`. Needs the lock. */
  async rotate(keep: number): Promise<readonly Generation[]> {
    const surplus = await this.surplus(keep);
    for (const generation of surplus) await this.remove(generation);
    return surplus;
  }

  /**
   * Removes a generation; never the newest one, which is `state/<host>`. It loses its name first, so that a removal that
   * is broken off leaves no half of a generation. Needs the lock.
   */
  async remove({ folder }: Generation): Promise<void> {
    if (folder === this.#current) throw new Error('the current generation is not for removal');
    const doomed = join(this.#folder, `${DROPPED}${randomBytes(6).toString('hex')}`);
    await rename(folder, doomed);
    await syncFolder(this.#folder);
    await rm(doomed, { recursive: true, force: true });
  }

  async #commit(stagingName: string, manifest: Manifest): Promise<Generation> {
    const staged = join(this.#folder, stagingName);
    await writeManifest(staged, manifest);
    const previous = (await exists(this.#current)) ? await this.#nameForPrevious() : undefined;
    await replacePrivateFile(
      join(this.#folder, JOURNAL),
      JSON.stringify({ staging: stagingName, ...(previous !== undefined && { previous }) }),
    );
    if (previous !== undefined) await rename(this.#current, join(this.#folder, previous));
    await rename(staged, this.#current);
    await syncFolder(join(this.#current, '..'));
    await syncFolder(this.#folder);
    await rm(join(this.#folder, JOURNAL), { force: true });
    return { host: this.host, folder: this.#current, manifest };
  }

  /** State that the replaced role left has no manifest: it is kept all the same, under a name that says so. */
  async #nameForPrevious(): Promise<string> {
    const previous = await this.current().catch(() => undefined);
    const name = previous?.manifest.id ?? `unverified-${new Date().toISOString().replace(/[:.]/g, '-')}`;
    return (await exists(join(this.#folder, name))) ? `${name}-${randomBytes(3).toString('hex')}` : name;
  }

  async #read(folder: string): Promise<Generation | undefined> {
    let text: string;
    try {
      text = await readFile(join(folder, MANIFEST), 'utf8');
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined;
      throw error;
    }
    return { host: this.host, folder, manifest: parseManifest(text, folder) };
  }

  async #journal(): Promise<z.infer<typeof journalSchema> | undefined> {
    try {
      return journalSchema.parse(JSON.parse(await readFile(join(this.#folder, JOURNAL), 'utf8')));
    } catch {
      return undefined;
    }
  }
}

/** Names of what is only there while a run works. */
function isScratch(name: string): boolean {
  return [STAGING, FETCHED, DROPPED].some((start) => name.startsWith(start)) || name.endsWith('.tmp');
}

async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  await replacePrivateFile(join(folder, MANIFEST), renderManifest(manifest));
  await sealTree(folder);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return false;
    throw error;
  }
}
