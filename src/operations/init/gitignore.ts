import { appendFile, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { errnoOf, messageOf, StateError } from '../../core/errors.js';

/**
 * Makes git ignore the state folder, by a line in the `.gitignore` of the working directory. A file that is there gets
 * the line added at its end.
 * @returns the file if it was written; undefined when it says so already, or the folder lies elsewhere
 * @throws StateError `init.gitignore`
 */
export async function ignoreState(cwd: string, stateFolder: string): Promise<string | undefined> {
  const file = join(cwd, '.gitignore');
  try {
    const before = await readFile(file, 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return '';
      throw error;
    });
    const added = ignoreLines(before, relative(cwd, stateFolder));
    if (added === '') return undefined;
    await appendFile(file, added);
    return file;
  } catch (error) {
    throw new StateError({
      kind: 'failed',
      code: 'init.gitignore',
      what: `${file} cannot be written`,
      why: messageOf(error),
      next: `make git ignore ${stateFolder} by hand: it will hold the secrets of your hosts`,
      cause: error,
    });
  }
}

/** What has to be added to the text of a `.gitignore`; empty when nothing has. `folder` is relative to the file. */
export function ignoreLines(text: string, folder: string): string {
  if (folder === '' || folder === '..' || folder.startsWith(`..${sep}`) || folder.startsWith(sep)) return '';
  const path = folder.split(sep).join('/');
  const same = new Set([path, `/${path}`, `${path}/`, `/${path}/`, `/${path}/*`, `${path}/*`]);
  if (text.split(/\r?\n/).some((line) => same.has(line.trim()))) return '';
  const separator = text === '' || text.endsWith('\n') ? '' : '\n';
  return `${separator}# What was pulled from hosts: secrets.\n/${escaped(path)}/\n`;
}

/** What gitignore would take for a pattern stands for itself. */
function escaped(path: string): string {
  return path.replace(/[\\*?[\]!# ]/g, '\\$&');
}
