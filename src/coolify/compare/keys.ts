import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sshFingerprint } from '../../core/ssh-fingerprint.js';
import type { KeyEntry } from '../key-folder.js';
import { authorizedBlobs } from '../managed-keys.js';
import { readKeyArchive } from '../restore/managed-keys.js';
import type { Source } from '../restore/target.js';
import { AUTHORIZED_KEYS_PATH, KEY_ARCHIVE_PATH } from '../stored-paths.js';
import { compareFiles, type Difference, differencesOf, placeDetails } from './difference.js';

/** Coolify's key files one by one, under the names that the keys bear in the UI. */
export async function compareManagedKeys(
  before: Source,
  after: Source,
  signal: AbortSignal,
): Promise<Difference[]> {
  return differencesOf(await keyFiles(before, signal), await keyFiles(after, signal), (was, is) => {
    const told = [
      ...(was.content.equals(is.content) ? [] : ['another key']),
      ...placeDetails(was.header, is.header),
    ];
    return told.length === 0 ? undefined : told.join(', ');
  });
}

async function keyFiles(
  { generation, instance }: Source,
  signal: AbortSignal,
): Promise<Map<string, KeyEntry>> {
  const titles = new Map(
    instance.keys.map(({ uuid, name }) => [`ssh_key@${uuid}`, `${name} (ssh_key@${uuid})`]),
  );
  const entries = await readKeyArchive(join(generation.folder, KEY_ARCHIVE_PATH), signal);
  return new Map(
    entries.map((entry) => {
      const name = entry.header.path.replace(/^\.\//, '');
      return [titles.get(name) ?? name, entry];
    }),
  );
}

/** authorized_keys by its keys: who may enter is what counts; options and comments are told as a change of the line. */
export async function compareAuthorizedKeys(
  before: Source,
  after: Source,
  signal: AbortSignal,
): Promise<Difference[]> {
  const keys = differencesOf(await admitted(before), await admitted(after), (was, is) =>
    was.trim() === is.trim() ? undefined : 'other options or comment',
  );
  if (keys.length > 0) return keys;
  return await compareFiles('authorized-keys')(before, after, signal);
}

async function admitted({ generation }: Source): Promise<Map<string, string>> {
  const text = await readFile(join(generation.folder, AUTHORIZED_KEYS_PATH), 'utf8');
  return new Map(
    [...authorizedBlobs(text)].map(([blob, line]) => {
      const [, comment = ''] = line.split(blob);
      return [`${sshFingerprint(Buffer.from(blob, 'base64'))}${comment.trimEnd()}`, line];
    }),
  );
}
