import { randomBytes } from 'node:crypto';
import { link, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { errnoOf, messageOf, StateError } from '../../core/errors.js';
import { makeFolders } from '../../core/folders.js';
import { type InventoryAnswers, renderInventory, withHost } from './inventory.js';

/** The file that an inventory is written to. */
export interface InventoryFile {
  /** Absolute. */
  readonly path: string;
  /** What stands there now; undefined for a new file. */
  readonly before: string | undefined;
}

/**
 * Finds the file that a first inventory goes to: `source` itself, or `hosts.yml` in the folder that it names. With `add`
 * it is the one YAML file of that folder.
 * @throws StateError `init.inventory-exists`, `init.inventory-choice`, `init.inventory-missing`
 */
export async function inventoryFile(source: string, add: boolean, cwd: string): Promise<InventoryFile> {
  const place = resolve(cwd, source);
  const isFile = /\.(ya?ml|json)$/.test(place) && !(await isFolder(place));
  const sources = isFile ? [] : await sourcesIn(place);
  if (!add) {
    const path = isFile ? place : join(place, 'hosts.yml');
    const there = isFile ? ((await textOf(place)) === undefined ? [] : [place]) : sources;
    if (there.length === 0) return { path, before: undefined };
    throw new StateError({
      kind: 'usage',
      code: 'init.inventory-exists',
      what: `There is an inventory already: ${there[0]}`,
      why: 'nothing that exists is written over',
      next: 'add the host to it with --add, or write another one with -i FILE',
    });
  }
  const [only, ...more] = isFile ? [place] : sources.filter((path) => /\.ya?ml$/.test(path));
  const chosen = [only, ...more].find((path) => path === join(place, 'hosts.yml')) ?? only;
  if (chosen === undefined || (more.length > 0 && chosen !== join(place, 'hosts.yml'))) {
    throw new StateError({
      kind: 'usage',
      code: chosen === undefined ? 'init.inventory-missing' : 'init.inventory-choice',
      what:
        chosen === undefined
          ? `There is no YAML inventory in ${place} to add to`
          : `It is not clear which file of ${place} the host is to be added to`,
      next: chosen === undefined ? 'leave out --add to write the first one' : 'name the file with -i',
    });
  }
  const before = await textOf(chosen);
  if (before !== undefined) return { path: chosen, before };
  throw new StateError({
    kind: 'usage',
    code: 'init.inventory-missing',
    what: `There is no inventory ${chosen} to add to`,
    next: 'leave out --add to write the first one',
  });
}

/** The text that the file is to have. */
export function inventoryText({ path, before }: InventoryFile, answers: InventoryAnswers): string {
  return before === undefined ? renderInventory(answers) : withHost(before, path, answers);
}

/**
 * Lets `use` load a text as if it stood at the file's place, so that what is checked is what will be written. Nothing
 * of it stays.
 */
export async function asCandidate<Result>(
  { path }: InventoryFile,
  text: string,
  use: (candidate: string) => Promise<Result>,
): Promise<Result> {
  const folder = dirname(path);
  const made = await makeFolders(folder);
  // Hidden files are no sources of a folder; a run that is killed leaves nothing that would be read.
  const candidate = join(folder, `.init-${randomBytes(6).toString('hex')}.yml`);
  try {
    await writeSynced(candidate, text);
    return await use(candidate);
  } finally {
    await rm(candidate, { force: true });
    // Only where it was made for this, and only while it is empty.
    for (
      let empty = made === undefined ? undefined : folder;
      empty !== undefined;
      empty = parentWithin(empty, made)
    ) {
      await rmdir(empty).catch(() => undefined);
    }
  }
}

/**
 * Puts the text in place in one step: a new file never replaces another, a host is added only to what was read before.
 * @throws StateError `init.inventory-exists`, `init.inventory-changed`, `init.inventory-unwritable`
 */
export async function writeInventory({ path, before }: InventoryFile, text: string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.init-${randomBytes(6).toString('hex')}.yml`);
  try {
    await makeFolders(folder);
    await writeSynced(temporary, text);
    if (before === undefined) await link(temporary, path);
    else if ((await textOf(path)) === before) await rename(temporary, path);
    else {
      throw new StateError({
        kind: 'failed',
        code: 'init.inventory-changed',
        what: `${path} was changed by somebody else meanwhile`,
        next: 'run this again',
      });
    }
  } catch (error) {
    if (error instanceof StateError) throw error;
    const exists = errnoOf(error) === 'EEXIST';
    throw new StateError({
      kind: exists ? 'usage' : 'failed',
      code: exists ? 'init.inventory-exists' : 'init.inventory-unwritable',
      what: exists ? `There is an inventory already: ${path}` : `${path} cannot be written`,
      why: exists ? 'nothing that exists is written over' : messageOf(error),
      next: exists ? 'add the host to it with --add' : 'check the space and the permissions of that folder',
      cause: error,
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function writeSynced(path: string, text: string): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Everything in a folder that commands would read as an inventory, as absolute paths. */
async function sourcesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  const ignored = /^\.|^(group_vars|host_vars)$|(~|\.(bak|orig|md|txt|rst|cfg|ini|retry|swp|pyc|pyo|rpm))$/;
  const files: string[] = [];
  for (const name of names.filter((one) => !ignored.test(one)).sort()) {
    const text = await textOf(join(folder, name)).catch(() => undefined);
    // A file that makes groups of variables names no host by itself.
    if (text !== undefined && !/^plugin:/m.test(text)) files.push(join(folder, name));
  }
  return files;
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'EISDIR') return undefined;
    throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  return await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

function parentWithin(folder: string, top: string | undefined): string | undefined {
  return top === undefined || folder === top ? undefined : dirname(folder);
}
