import { execFile } from 'node:child_process';
import { chmod, readdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { StateError } from '../core/errors.js';
import { Generations } from './generations.js';
import { acquireLock, type Lock, type LockHolder, lockHolder } from './lock.js';
import { FOLDER_MODE, makePrivateFolder } from './private-files.js';

const run = promisify(execFile);

/** The folder that holds the state of all hosts: private to its owner, unknown to git. */
export interface StateFolder {
  readonly root: string;
  generations(host: string): Generations;
  /** @throws StateError `state.locked` */
  lock(host: string, command: string): Promise<Lock>;
  /** Who works on a host at this moment. */
  holder(host: string): Promise<LockHolder | undefined>;
}

/**
 * Opens (or makes) the state folder.
 * @throws StateError `state.readable-by-others`, `state.tracked-by-git` (kind `usage`): secrets would leak.
 */
export async function openStateFolder(path: string): Promise<StateFolder> {
  const root = resolve(path);
  await makePrivateFolder(root);
  await refuseOpenFolder(root);
  await refuseTrackedFolder(root);
  return {
    root,
    generations: (host) => new Generations(root, host),
    lock: (host, command) => acquireLock(join(root, '.locks', `${host}.lock`), host, command),
    holder: (host) => lockHolder(join(root, '.locks', `${host}.lock`)),
  };
}

async function refuseOpenFolder(root: string): Promise<void> {
  const { mode } = await stat(root);
  if ((mode & 0o077) === 0) return;
  // A fresh clone's folder holds nothing but the README; git cannot record its mode, so it is set here.
  const held = (await readdir(root)).filter((name) => name !== 'README.md' && name !== '.gitignore');
  if (held.length === 0) {
    await chmod(root, FOLDER_MODE);
    return;
  }
  throw new StateError({
    kind: 'usage',
    code: 'state.readable-by-others',
    what: `Other users of this machine can look into ${root}`,
    why: `its mode is ${(mode & 0o777).toString(8).padStart(4, '0')} and it holds the secrets of your hosts`,
    next: `chmod -R go= ${root}`,
  });
}

async function refuseTrackedFolder(root: string): Promise<void> {
  const tracked = await git(root, ['ls-files', '--', '.']);
  const secret = tracked
    ?.split('\n')
    .filter((name) => name !== '' && name !== 'README.md' && name !== '.gitignore');
  if (secret !== undefined && secret.length > 0) {
    throw new StateError({
      kind: 'usage',
      code: 'state.tracked-by-git',
      what: `git tracks files in ${root}`,
      why: `${secret.length} of them, for example ${secret[0]}; they may hold secrets`,
      next: `git rm -r --cached ${root}, and treat what was committed as known to others`,
    });
  }
  if (tracked !== undefined && !(await isIgnored(root))) {
    throw new StateError({
      kind: 'usage',
      code: 'state.tracked-by-git',
      what: `${root} lies in a git repository that does not ignore it`,
      why: 'the next "git add" would take the secrets of your hosts along',
      next: 'add the folder to .gitignore',
    });
  }
}

async function isIgnored(root: string): Promise<boolean> {
  return (await git(root, ['check-ignore', '-q', '--', join(root, 'any-host')])) !== undefined;
}

/** Output of git, or undefined where there is no git, no repository, or it says no. */
async function git(folder: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run('git', ['-C', folder, ...args])).stdout;
  } catch {
    return undefined;
  }
}
