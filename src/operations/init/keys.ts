import { open, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { newKeyPair } from '../../archive/new-key-pair.js';
import { recipientsFromFile } from '../../archive/recipients.js';
import { errnoOf, messageOf, StateError } from '../../core/errors.js';
import { makeFolders } from '../../core/folders.js';

/** A public key that snapshots can be encrypted to. */
export interface KeyCandidate {
  /** Absolute path of the `.pub` file. */
  readonly path: string;
  readonly type: string;
  readonly fingerprint: string;
}

/** The names that ssh makes by itself, the better one first. */
const USUAL = ['id_ed25519.pub', 'id_rsa.pub'];

/** The public keys in a folder (`~/.ssh`) that age can encrypt to, the usual ones first. */
export async function keyCandidates(folder: string): Promise<KeyCandidate[]> {
  const names = await readdir(folder).catch(() => []);
  const rank = (name: string): number => (USUAL.includes(name) ? USUAL.indexOf(name) : USUAL.length);
  const candidates: KeyCandidate[] = [];
  for (const name of names
    .filter((one) => one.endsWith('.pub'))
    .sort((a, b) => rank(a) - rank(b) || a.localeCompare(b))) {
    const path = join(folder, name);
    // A key of a kind that age cannot encrypt to is no candidate, and neither is a file that is no key.
    const [first, ...more] = await recipientsFromFile(path).catch(() => []);
    if (first !== undefined && more.length === 0)
      candidates.push({ path, type: first.type, fingerprint: first.fingerprint });
  }
  return candidates;
}

/**
 * Makes a key pair: `path` (0600, without a passphrase, so that a restore needs nobody) and `path.pub`. Nothing that
 * exists is touched.
 * @returns its fingerprint
 * @throws StateError `init.key-exists`, `init.key-unwritable`
 */
export async function makeKeyPair(path: string, comment: string): Promise<string> {
  const { privateText, publicLine, fingerprint } = newKeyPair(comment);
  await makeFolders(dirname(path), 0o700).catch((error: unknown) => {
    throw unwritable(path, error);
  });
  await writeNew(path, privateText.reveal(), 0o600);
  try {
    await writeNew(`${path}.pub`, `${publicLine}\n`, 0o644);
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  }
  return fingerprint;
}

async function writeNew(path: string, text: string, mode: number): Promise<void> {
  try {
    const handle = await open(path, 'wx', mode);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unwritable(path, error);
  }
}

function unwritable(path: string, error: unknown): StateError {
  if (errnoOf(error) === 'EEXIST') {
    return new StateError({
      kind: 'usage',
      code: 'init.key-exists',
      what: `${path} exists already, and is not written over`,
      next: `name another file with --new-key, or take that key with --encryption-key ${path}`,
    });
  }
  return new StateError({
    kind: 'failed',
    code: 'init.key-unwritable',
    what: `The new key cannot be written to ${path}`,
    why: messageOf(error),
    next: 'name another file with --new-key',
    cause: error,
  });
}
