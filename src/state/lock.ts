import { randomBytes } from 'node:crypto';
import { type FileHandle, link, open, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { errnoOf, StateError } from '../core/errors.js';
import { FILE_MODE, makePrivateFolder } from './private-files.js';
import { writeFailure } from './write-failures.js';

const ownerSchema = z.object({
  pid: z.number().int().positive(),
  /** Start of the process in clock ticks since boot (`/proc/PID/stat`, field 22): a reused pid is told apart. */
  started: z.string(),
  machine: z.string(),
  /** In which the pid counts: that of a container is another one. Empty where the system has none, and in old locks. */
  pidNamespace: z.string().default(''),
  since: z.string(),
  command: z.string(),
  token: z.string(),
});
type Owner = z.infer<typeof ownerSchema>;

/**
 * What holds a lock shows that it lives by touching the file. Only where no pid can tell is that asked: between containers
 * that bear one host name. Milliseconds.
 */
const TOUCHED_EVERY = 10_000;
const DEAD_AFTER = 90_000;

/** One writer per host. Held until released; a dead owner's lock is taken over. */
export interface Lock extends AsyncDisposable {
  release(): Promise<void>;
}

/**
 * Takes the lock file at `path`, or says who holds it.
 *
 * The file appears complete in one step (`link` of a finished temporary file), so a half-written lock cannot
 * exist. A lock whose owner lived on this machine and is dead is removed; one of another machine is believed. In another
 * container of this machine's name it lives as long as it touches the file.
 * @throws StateError `state.locked` (kind `locked`), `state.disk-full`.
 */
export async function acquireLock(path: string, host: string, command: string): Promise<Lock> {
  await makePrivateFolder(dirname(path));
  const owner: Owner = {
    pid: process.pid,
    started: await processStart(process.pid),
    machine: hostname(),
    pidNamespace: await ownPidNamespace(),
    since: new Date().toISOString(),
    command,
    token: randomBytes(12).toString('hex'),
  };
  const temporary = join(dirname(path), `.lock-${owner.token}`);
  let file: FileHandle | undefined;
  let taken = false;
  try {
    file = await writeOwner(temporary, owner).catch((error: unknown) => {
      throw writeFailure(error, path);
    });
    for (let attempt = 0; attempt < 10; attempt++) {
      try {
        await link(temporary, path);
        await clearDeadFiles(dirname(path));
        taken = true;
        return heldLock(path, owner.token, file);
      } catch (error) {
        if (errnoOf(error) !== 'EEXIST') throw error;
      }
      await removeDeadLock(path, host);
    }
  } finally {
    if (!taken) await file?.close();
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
  return { command, pid, machine, since, alive: await isAlive(owner, path) };
}

async function writeOwner(path: string, owner: Owner): Promise<FileHandle> {
  const file = await open(path, 'wx', FILE_MODE);
  try {
    await file.writeFile(JSON.stringify(owner));
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** The file is touched by its handle: whatever its name is by then, it is the one that was made here. */
function heldLock(path: string, token: string, file: FileHandle): Lock {
  const touch = (): void => {
    const now = new Date();
    // A disk that is gone is noticed by whoever writes to it.
    file.utimes(now, now).catch(() => undefined);
  };
  const touching = setInterval(touch, TOUCHED_EVERY).unref();
  const release = async (): Promise<void> => {
    clearInterval(touching);
    await file.close();
    const holder = await readOwner(path);
    if (holder?.token === token) await rm(path, { force: true });
  };
  return { release, [Symbol.asyncDispose]: release };
}

async function removeDeadLock(path: string, host: string): Promise<void> {
  const owner = await readOwner(path);
  if (owner !== undefined && (await isAlive(owner, path))) {
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
  const turn = await takeTurn(`${path}.taking`);
  if (turn === undefined) {
    await sleep(20);
    return;
  }
  // A dead one has nobody else who removes it now, and keeps all others from making one: what is judged is what goes.
  try {
    if (await isDeadLock(path)) await rm(path, { force: true });
  } finally {
    await turn.close();
    await rm(`${path}.taking`, { force: true });
  }
}

/** One at a time removes dead locks. A run that died while it did keeps the others from it for a minute. */
async function takeTurn(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'wx', FILE_MODE);
  } catch (error) {
    if (errnoOf(error) !== 'EEXIST') throw writeFailure(error, path);
    if (await isOld(path, 60_000)) await rm(path, { force: true });
    return undefined;
  }
}

/** False where there is none. */
async function isDeadLock(path: string): Promise<boolean> {
  const content = await readFile(path, 'utf8').catch(ignoreMissing);
  if (content === undefined) return false;
  const owner = ownerOf(content);
  return owner === undefined || !(await isAlive(owner, path));
}

/** Removes what runs left that ended while they took a lock: no other moment does. */
async function clearDeadFiles(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\.lock-[0-9a-f]+$/.test(name)) continue;
    const path = join(folder, name);
    const owner = await readOwner(path);
    // One that says nothing was being written a moment ago, or was cut off by a power cut.
    const isDead = owner === undefined ? await isOld(path, 60_000) : !(await isAlive(owner, path));
    if (isDead) await rm(path, { force: true });
  }
}

async function isOld(path: string, milliseconds: number): Promise<boolean> {
  try {
    return Date.now() - (await stat(path)).mtimeMs > milliseconds;
  } catch (error) {
    ignoreMissing(error);
    return false;
  }
}

async function readOwner(path: string): Promise<Owner | undefined> {
  return ownerOf(await readFile(path, 'utf8').catch(() => ''));
}

function ownerOf(content: string): Owner | undefined {
  try {
    const parsed = ownerSchema.safeParse(JSON.parse(content));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** @param path of the file that says so */
async function isAlive(owner: Owner, path: string): Promise<boolean> {
  if (owner.machine !== hostname()) return true;
  const here = await ownPidNamespace();
  if (owner.pidNamespace !== '' && here !== '' && owner.pidNamespace !== here)
    return !(await isOld(path, DEAD_AFTER));
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    if (errnoOf(error) === 'ESRCH') return false;
  }
  return (await processStart(owner.pid)) === owner.started;
}

async function ownPidNamespace(): Promise<string> {
  return await readlink('/proc/self/ns/pid').catch(() => '');
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

function ignoreMissing(error: unknown): void {
  if (errnoOf(error) !== 'ENOENT') throw error;
}
