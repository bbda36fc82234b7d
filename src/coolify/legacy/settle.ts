import { join } from 'node:path';
import { StateError } from '../../core/errors.js';
import type { EnvFile } from '../env-file.js';
import { keyFilesOf } from '../key-folder.js';
import type { ManagedKey } from '../managed-keys.js';
import { failedProofs, judge, type KeyFile, type Verdict } from '../proofs.js';
import { readKeyArchive } from '../restore/managed-keys.js';
import { APP_KEY_PATH, AUTHORIZED_KEYS_PATH, ENV_PATH, KEY_ARCHIVE_PATH } from '../stored-paths.js';
import { type LegacyEnv, legacyEnv } from './env.js';
import { putFile, putKeyArchive, sizeOf } from './files.js';
import type { OpenedDump } from './key.js';

const COUNTED = 'which nobody counted when the archive was made';

/** Writes the file APP_KEY, and the `.env` that belongs to the dump where it is not the saved one. */
export async function settleEnv(
  folder: string,
  saved: EnvFile | undefined,
  dump: OpenedDump,
  saidVersion: string | undefined,
  notes: string[],
): Promise<LegacyEnv> {
  const settled = legacyEnv(saved, dump, saidVersion);
  notes.push(...settled.notes);
  await putFile(folder, APP_KEY_PATH, Buffer.from(dump.ring.current.text.reveal().trim()));
  const text = settled.env.toString();
  if (text !== saved?.toString()) await putFile(folder, ENV_PATH, Buffer.from(`${text.trimEnd()}\n`));
  return settled;
}

/** Judges, and makes the archive of key files anew where it does not fit: the rows are what Coolify itself goes by. */
export async function settleKeys(
  folder: string,
  { ring, evidence }: OpenedDump,
  modified: Date,
  notes: string[],
  signal: AbortSignal,
): Promise<{ verdict: Verdict; keys: readonly ManagedKey[] }> {
  const counts = new Map(
    evidence.summary.tables.map(({ schema, name, rows }) => [`${schema}.${name}`, rows]),
  );
  const judged = (keyFiles: readonly KeyFile[]): Verdict =>
    judge({ ring, dump: evidence, rowCounts: counts, keyFiles, authorizedKeys: undefined, counted: COUNTED });
  const files = await readKeyFiles(join(folder, KEY_ARCHIVE_PATH), signal);
  const verdict = judged(files ?? []);
  const failed = failedProofs(verdict.proofs).filter(({ name }) => name !== 'key-files');
  if (failed.length > 0) {
    throw new StateError({
      kind: 'proof',
      code: 'legacy.unproven',
      what: `The old archive cannot be restored (${failed.map(({ name }) => name).join(', ')})`,
      why: failed.map(({ detail }) => detail).join('; '),
      next: failed.some(({ name }) => name === 'app-key')
        ? 'values may need a key of APP_PREVIOUS_KEYS that is not in the archive: unpack it, write that line into backups/coolify/.env, and import the folder'
        : 'look for an older archive; nothing was made of this one',
    });
  }
  if (files !== undefined && failedProofs(verdict.proofs).length === 0)
    return { verdict, keys: verdict.keys };
  const why =
    files === undefined ? 'it is not in it or cannot be read' : 'its keys are not those of the dump';
  notes.push(`the archive of key files was made anew from the rows of the dump, because ${why}`);
  await putKeyArchive(folder, verdict.keys, modified);
  const again = judged((await readKeyFiles(join(folder, KEY_ARCHIVE_PATH), signal)) ?? []);
  return { verdict: again, keys: again.keys };
}

async function readKeyFiles(path: string, signal: AbortSignal): Promise<KeyFile[] | undefined> {
  try {
    return keyFilesOf(await readKeyArchive(path, signal));
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** The role did not save authorized_keys. A restore merges it, so that the lines Coolify needs are enough. */
export async function settleAuthorizedKeys(
  folder: string,
  { evidence }: OpenedDump,
  keys: readonly ManagedKey[],
  notes: string[],
): Promise<void> {
  if ((await sizeOf(join(folder, AUTHORIZED_KEYS_PATH))) !== undefined) return;
  const local = keys.filter(({ row }) => evidence.localKeyIds.includes(row.id));
  const lines = [...new Set(local.map(({ publicLine }) => `${publicLine} coolify\n`))];
  notes.push(
    `authorized_keys was not in it: the new one holds ${lines.length} keys with which Coolify reaches its own host`,
  );
  await putFile(folder, AUTHORIZED_KEYS_PATH, Buffer.from(lines.join('')));
}
