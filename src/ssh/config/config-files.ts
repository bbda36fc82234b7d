import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { errnoOf, messageOf, StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { type ConfigLine, parseLine } from './line.js';
import { shownPath } from './place.js';

/** Reads files of ssh_config(5), each of them once. */
export class ConfigFiles {
  readonly #home: string;
  readonly #read = new Map<string, readonly ConfigLine[] | undefined>();

  constructor(home: string) {
    this.#home = home;
  }

  /**
   * The lines of a file; undefined when there is no such file. `private` refuses a file that others could have
   * written, as OpenSSH does with those it finds by itself.
   * @throws StateError `ssh-config.unreadable`, `ssh-config.permissions`, `ssh-config.invalid`
   */
  lines(
    path: string,
    { private: isPrivate }: { readonly private: boolean },
  ): readonly ConfigLine[] | undefined {
    const key = `${isPrivate ? 'private' : 'any'} ${path}`;
    if (!this.#read.has(key)) this.#read.set(key, this.#load(path, isPrivate));
    return this.#read.get(key);
  }

  #load(path: string, isPrivate: boolean): readonly ConfigLine[] | undefined {
    const shown = shownPath(path, this.#home);
    const text = contentOf(path, shown, isPrivate);
    return text?.split('\n').flatMap((line, index) => {
      const parsed = parseLine(line, { kind: 'file', file: shown, line: index + 1 });
      return parsed === undefined ? [] : [parsed];
    });
  }
}

function contentOf(path: string, shown: string, isPrivate: boolean): string | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { mode, uid, size } = fstatSync(file);
    const foreign = uid !== 0 && uid !== process.getuid?.();
    if (isPrivate && (foreign || (mode & 0o022) !== 0)) throw openToOthers(shown, foreign);
    if (size > LARGEST) throw new Error('it is too large for a configuration of ssh');
    return readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof StateError) throw error;
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw new StateError({
      kind: 'usage',
      code: 'ssh-config.unreadable',
      what: `The ssh configuration ${printable(shown)} cannot be read`,
      why: messageOf(error),
      next: 'make it readable, or name another file in coolify_ssh_config ("none" for no file)',
      cause: error,
    });
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function openToOthers(shown: string, foreign: boolean): StateError {
  return new StateError({
    kind: 'usage',
    code: 'ssh-config.permissions',
    what: `The ssh configuration ${printable(shown)} is not used, because others could have written it`,
    why: foreign ? 'it belongs to another user' : 'its group or everybody may write it',
    next: foreign ? `chown it: chown "$USER" ${printable(shown)}` : `chmod go-w ${printable(shown)}`,
  });
}

const LARGEST = 16 * 1024 * 1024;
