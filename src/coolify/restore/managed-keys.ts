import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { decompressionStream } from '../../archive/gzip.js';
import { readEntries, type TarEntry } from '../../archive/tar.js';
import { DEFAULT_LIMITS } from '../../archive/tar-rules.js';
import type { Inspection, TaskReporter } from '../../engine/task.js';
import { script } from '../../ssh/command.js';
import { containerState } from '../containers.js';
import { DatabaseSession } from '../database/session.js';
import { liveAccess } from '../database/swap.js';
import { isTransient, type KeyEntry, keyFileStates, readKeyFolder } from '../key-folder.js';
import { COOLIFY_UID } from '../layout.js';
import { contentOf, discard, sameState, writeFolder } from '../remote-files.js';
import { KEY_ARCHIVE_PATH } from '../stored-paths.js';
import { stagedKeysFolder } from './notes.js';
import type { Target } from './target.js';

const FILE_LIMIT = 256 * 1024;

export async function inspectManagedKeys(target: Target, reporter: TaskReporter): Promise<Inspection> {
  const { missing, surplus } = await compare(target, reporter.signal);
  if (missing.length === 0 && surplus.length === 0) return { unchanged: "equals the snapshot's" };
  return {
    summary: `put ${missing.length} key files in place${surplus.length > 0 ? `, remove ${surplus.length} that the snapshot does not have` : ''}`,
    diff: [...missing.map((name) => `write ${name}`), ...surplus.map((name) => `remove ${name}`)],
  };
}

/** Staged beside the folder and renamed file by file, so that Coolify never sees a key half written or missing. */
export async function applyManagedKeys(target: Target, reporter: TaskReporter): Promise<undefined> {
  const { signal } = reporter;
  const { entries, missing, surplus } = await compare(target, signal);
  const folder = target.layout.keys;
  const staged = stagedKeysFolder(target.layout);
  await target.connection.run(script(PREPARE, staged, folder), { signal });
  const wanted = new Set(missing);
  await writeFolder(
    target.connection,
    staged,
    entries.filter(({ header }) => wanted.has(header.path)).map(asPushed),
    signal,
  );
  await target.connection.run(script(PLACE, staged, folder, ...surplus), { signal });
}

/** Keys are small, and all of them are held. */
const KEY_LIMITS = { ...DEFAULT_LIMITS, files: 100_000, bytes: 256 * 1024 ** 2 };

/** The key files of a generation's archive. */
export async function readKeyArchive(path: string, signal: AbortSignal): Promise<KeyEntry[]> {
  const files: KeyEntry[] = [];
  const plain = decompressionStream();
  const collect = readEntries(
    plain,
    async (header, content) => {
      if (header.type !== 'file' || isTransient(header.path)) return discard(content);
      files.push({ header, content: await contentOf(content, FILE_LIMIT, header.path) });
    },
    { signal, limits: KEY_LIMITS },
  );
  await Promise.all([pipeline(createReadStream(path), plain, { signal }), collect]);
  return files.sort((a, b) => (a.header.path < b.header.path ? -1 : 1));
}

const PREPARE = `
set -e
rm -rf -- "$1"
mkdir -p -- "$1" "$2"
chmod 700 -- "$1"
`;

const PLACE = `
set -e
staged=$1 folder=$2; shift 2
# First the folder itself: whether all is done is seen by the files alone.
cd "$folder"
chown ${COOLIFY_UID}:0 .
chmod 700 .
find "$staged" -maxdepth 1 -type f -exec mv -f -- {} "$folder"/ ';'
for name do rm -f -- "./$name"; done
rmdir -- "$staged"
`;

async function compare(
  target: Target,
  signal: AbortSignal,
): Promise<{ entries: KeyEntry[]; missing: string[]; surplus: string[] }> {
  const entries = await readKeyArchive(target.localPath(KEY_ARCHIVE_PATH), signal);
  const present = keyFileStates((await readKeyFolder(target.connection, target.layout.keys, signal)).files);
  const desired = keyFileStates(entries);
  const missing: string[] = [];
  for (const [name, state] of desired) if (!sameState(present.get(name), state)) missing.push(name);
  const surplus = await withoutRow(
    target,
    [...present.keys()].filter((name) => !desired.has(name)),
    signal,
  );
  return { entries, missing, surplus };
}

/** Where the former database goes on, it may have got keys after these files were kept: their files stay. */
async function withoutRow(target: Target, names: string[], signal: AbortSignal): Promise<string[]> {
  const { connection, layout, notes } = target;
  if (names.length === 0 || notes.rollback !== 'broken-off') return names;
  if ((await containerState(connection, layout.databaseContainer, signal)) !== 'running') return names;
  await using session = await DatabaseSession.open(connection, await liveAccess(target, signal), signal);
  const files = new Set(
    (await session.query('SELECT uuid FROM private_keys;')).map((uuid) => `ssh_key@${uuid}`),
  );
  return names.filter((name) => !files.has(name));
}

function asPushed({ header, content }: KeyEntry): TarEntry {
  return { header: { ...header, size: content.length }, content };
}
