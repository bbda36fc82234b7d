import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { cp, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DUMP_PATH } from '../../coolify/stored-paths.js';
import { StateError } from '../../core/errors.js';
import type { TaskReporter } from '../../engine/task.js';
import type { Generations } from '../../state/generations.js';
import { isFolder, openSnapshotFile } from './file.js';
import {
  adoptFolder,
  type LegacySettings,
  legacyWarning,
  notLegacyState,
  type OpenedLegacy,
  unpackLegacy,
} from './unpack-legacy.js';
import { findFolder } from './unpack-snapshot.js';

/**
 * Opens an archive of the replaced role, encrypted or not, or its folder `state/<host>`, of which a copy is made.
 *
 * @throws StateError `import.not-legacy` for what is a snapshot already, `restore.no-file`, and as `unpackLegacy`
 */
export async function openLegacy(
  path: string,
  settings: LegacySettings,
  scratch: Generations,
  reporter: TaskReporter,
): Promise<OpenedLegacy> {
  const { host } = settings;
  if (await isFolder(path)) return await copyFolder(path, settings, scratch, reporter);
  const file = await openSnapshotFile(path);
  if (file.head.subarray(0, 3).toString('latin1') === 'age') {
    file.body.destroy();
    throw new StateError({
      kind: 'usage',
      code: 'import.not-legacy',
      what: `${path} needs no import`,
      why: 'it is encrypted with age, as snapshots are',
      next: `coolify-state verify ${host} --from ${path}`,
    });
  }
  if (file.legacy) reporter.warn(legacyWarning(path, host));
  return await unpackLegacy(file, path, settings, scratch, reporter);
}

/** A folder `state/<host>` of the role. A copy is worked on, so that it stays as it is. */
async function copyFolder(
  path: string,
  settings: LegacySettings,
  scratch: Generations,
  reporter: TaskReporter,
): Promise<OpenedLegacy> {
  const folder = await scratch.fetchFolder();
  const close = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    const source = await findFolder(path, 'backups');
    if (source === undefined) throw notLegacyState(path);
    // Links are left behind: the role made none, and what they point to is not the host's state.
    await cp(source, folder, {
      recursive: true,
      filter: async (from) => {
        const found = await stat(from);
        return found.isFile() || found.isDirectory();
      },
    });
    const dump = join(folder, DUMP_PATH);
    const { mtime } = await stat(join(source, DUMP_PATH)).catch(() => stat(source));
    const sha256 = await hashOfFile(dump, reporter.signal);
    const adopted = await adoptFolder(folder, path, mtime, sha256, settings, reporter);
    return { ...adopted, sha256, origin: path, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function hashOfFile(path: string, signal: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { signal })) hash.update(chunk);
  } catch {
    // That there is no dump is told when it is looked for.
    signal.throwIfAborted();
  }
  return hash.digest('hex');
}
