import { access, constants, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoOf, StateError } from '../../core/errors.js';
import { openStateFolder, type StateFolder } from '../../state/state-folder.js';
import { bad, type Finding, fine, looking, warning } from '../hosts/finding.js';

const MIB = 1024 * 1024;
/** Less than this is no room for anything. */
const LEAST_FREE = 100 * MIB;
/** A backup keeps the new generation beside the old ones. */
const GENERATIONS_AHEAD = 3;

/** The state folder: whether it is private, unknown to git, and has room. Makes nothing that is not there. */
export async function checkStateFolder(
  root: string,
  signal: AbortSignal,
): Promise<{ readonly state: StateFolder | undefined; readonly findings: readonly Finding[] }> {
  let state: StateFolder | undefined;
  const findings = await looking('state.folder', signal, async () => {
    if (!(await exists(root))) {
      const above = await existingAbove(root);
      await access(above, constants.W_OK).catch(() => {
        throw unwritable(root, above);
      });
      return [
        fine('state.folder', `${root} does not exist yet; the first backup makes it, for its owner alone`),
      ];
    }
    state = await openStateFolder(root);
    await access(root, constants.W_OK).catch(() => {
      throw unwritable(root, root);
    });
    return [fine('state.folder', `${root} is private, and git does not know what is in it`)];
  });
  return {
    state,
    findings: [...findings, ...(await looking('state.space', signal, () => spaceFindings(root)))],
  };
}

/** What there is of a host in the state folder, and what is left of runs that died. */
export async function checkHostState(
  state: StateFolder,
  host: string,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  return await looking('state.generations', signal, async () => {
    const generations = state.generations(host);
    const all = await generations.all();
    const leftovers = await generations.leftovers();
    const holder = await state.holder(host);
    const [newest] = all;
    return [
      newest === undefined
        ? warning('state.generations', 'there is no backup of it on this machine yet', 'coolify-state backup')
        : fine(
            'state.generations',
            `${all.length} on this machine, the newest of ${newest.manifest.createdAt}`,
          ),
      ...(holder === undefined
        ? []
        : [
            holder.alive
              ? warning(
                  'state.lock',
                  `${holder.command} has worked on it since ${holder.since}, as process ${holder.pid} on ${holder.machine}`,
                  'wait for it to end; what is found here may change meanwhile',
                )
              : warning(
                  'state.lock',
                  `a run that died has left its lock (${holder.command})`,
                  'the next run takes it over',
                ),
          ]),
      // While a run is at work these are its own.
      ...(leftovers.length === 0 || holder?.alive === true
        ? []
        : [
            warning(
              'state.leftovers',
              `runs that died have left ${leftovers.length} unfinished folders`,
              'the next backup clears them',
            ),
          ]),
      ...spaceFor(
        newest?.manifest.files.reduce((sum, { size }) => sum + size, 0),
        await freeBytes(state.root),
      ),
    ];
  });
}

async function spaceFindings(root: string): Promise<Finding[]> {
  const free = await freeBytes(await existingAbove(root));
  const text = `${Math.floor(free / MIB)} MiB are free for ${root}`;
  if (free >= LEAST_FREE) return [fine('state.space', text)];
  return [
    bad(
      'state.space',
      new StateError({
        kind: 'failed',
        code: 'state.disk-full',
        what: text,
        next: 'free some space, or name another folder with --state-dir',
      }),
    ),
  ];
}

function spaceFor(size: number | undefined, free: number): Finding[] {
  if (size === undefined || free >= size * GENERATIONS_AHEAD) return [];
  return [
    warning(
      'state.space',
      `${Math.floor(free / MIB)} MiB are free, and one generation has ${Math.ceil(size / MIB)} MiB`,
      'free some space, or keep fewer: coolify_keep_generations',
    ),
  ];
}

async function freeBytes(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return bavail * bsize;
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

async function existingAbove(path: string): Promise<string> {
  let folder = path;
  while (!(await exists(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function unwritable(root: string, where: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'state.unwritable',
    what: `${root} cannot be written to`,
    why: `this user may not write in ${where}`,
    next: 'name another folder with --state-dir',
  });
}
