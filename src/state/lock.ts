import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { errnoOf, StateError } from '../core/errors.js';
import { FILE_MODE, makePrivateFolder } from './private-files.js';
import { writeFailure } from './write-failures.js';

const ownerSchema = z.object({
  pid: z.number().int().positive(),
  /** Start of the process in clock ticks since boot (`/proc/PID/stat`, field 22): a reused pid is told apart. */
  started: z.string(),
  machine: z.string(),
  since: z.string(),
  command: z.string(),
  token: z.string(),
});
type Owner = z.infer<typeof ownerSchema>;

/** One writer per host. Held until released; a dead owner's lock is taken over. */
export interface Lock extends AsyncDisposable {
  release(): Promise<void>;
}

/**
 * Takes the lock file at `path`, or says who holds it.
 *
 * The file appears complete in one step (`link` of a finished temporary file), so a half-written lock cannot
 * exist. A lock whose owner lived on this machine and is dead is removed; one of another machine is believed.
 * @throws StateError `state.locked` (kind `locked`), `state.disk-full`.
 */
export async function acquireLock(path: string, host: string, command: string): Promise<Lock> {
  await makePrivateFolder(dirname(path));
  const owner: Owner = {
    pid: process.pid,
    started: await processStart(process.pid),
    machine: hostname(),
    since: new Date().toISOString(),
    command,
    token: randomBytes(12).toString('hex'),
  };
  const temporary = join(dirname(path), `.lock-${owner.token}`);
  try {
    await writeFile(temporary, JSON.stringify(owner), { flag: 'wx', mode: FILE_MODE }).catch((error) => {
      throw writeFailure(error, path);
    });
    for (let attempt = 0; attempt < 5; attempt++) {
      try {
        await link(temporary, path);
        await clearDeadFiles(dirname(path));
        return heldLock(path, owner.token);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      await removeDeadLock(path, host);
    }
  } finally {
    await rm(temporary, { force: true });
  }
  throw new StateError({
    kind: 'locked',
    code: 'state.locked',
    what: `The state of ${host} is being locked by others`,
    why: 'several runs compete for it',
    host,
  });
}

/** Who holds a lock, for people who look. */
export interface LockHolder {
  readonly command: string;
  readonly pid: number;
  readonly machine: string;
  /** ISO 8601. */
  readonly since: string;
  /** False when that run is surely gone: the next one takes the lock over. */
  readonly alive: boolean;
}

/** Who holds the lock file at `path`; undefined when nobody does. Changes nothing. */
export async function lockHolder(path: string): Promise<LockHolder | undefined> {
  const owner = await readOwner(path);
  if (owner === undefined) return undefined;
  const { command, pid, machine, since } = owner;
  return { command, pid, machine, since, alive: await isAlive(owner) };
}

function heldLock(path: string, token: string): Lock {
  const release = async (): Promise<void> => {
    const holder = await readOwner(path);
    if (holder?.token === token) await rm(path, { force: true });
  };
  return { release, [Symbol.asyncDispose]: release };
}

async function removeDeadLock(path: string, host: string): Promise<void> {
  const before = await inode(path);
  if (before === undefined) return;
  const owner = await readOwner(path);
  if (owner !== undefined && (await isAlive(owner))) {
    throw new StateError({
      kind: 'locked',
      code: 'state.locked',
      what: `Another run works on ${host}`,
      why: `${owner.command} has held the lock since ${owner.since} as process ${owner.pid} on ${owner.machine}`,
      next:
        owner.machine === hostname()
          ? 'wait for it to end, or stop that process'
          : `if that run is surely gone, remove ${path}`,
      host,
    });
  }
  // Only the file that was judged may go: another run can have replaced it since. It is moved aside in one step,
  // looked at again, and put back (without overwriting a newer one) if it was not the one.
  const aside = `${path}.${randomBytes(6).toString('hex')}`;
  await rename(path, aside).catch(ignoreMissing);
  if ((await inode(aside)) !== before) await link(aside, path).catch(() => undefined);
  await rm(aside, { force: true });
}

/** Removes what runs left that ended while they took a lock: no other moment does. */
async function clearDeadFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\.lock-[0-9a-f]+$|\.lock\.[0-9a-f]{12}$/.test(name)) continue;
    const path = join(folder, name);
    const owner = await readOwner(path);
    // One that says nothing was being written a moment ago, or was cut off by a power cut.
    const isDead = owner === undefined ? await isOld(path) : !(await isAlive(owner));
    if (isDead) await rm(path, { force: true });
  }
}

async function isOld(path: string): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > 60_000;
  } catch (error) {
    ignoreMissing(error);
    return false;
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  try {
    const parsed = ownerSchema.safeParse(JSON.parse(await readFile(path, 'utf8')));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

async function isAlive(owner: Owner): Promise<boolean> {
  if (owner.machine !== hostname()) return true;
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
  }
  return (await processStart(owner.pid)) === owner.started;
}

/** Empty where the system has no `/proc`: then the pid alone decides. */
async function processStart(pid: number): Promise<string> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The command in parentheses may hold spaces; fields are counted after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  } catch {
    return '';
  }
}

async function inode(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    ignoreMissing(error);
    return undefined;
  }
}

function ignoreMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
