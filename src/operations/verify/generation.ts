import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inspectDump } from '../../coolify/database/dump-evidence.js';
import { keyFilesOf } from '../../coolify/key-folder.js';
import { judge, recordedCounts, type Verdict } from '../../coolify/proofs.js';
import { readKeyArchive } from '../../coolify/restore/managed-keys.js';
import type { Source } from '../../coolify/restore/target.js';
import {
  APP_KEY_PATH,
  AUTHORIZED_KEYS_PATH,
  DUMP_PATH,
  KEY_ARCHIVE_PATH,
} from '../../coolify/stored-paths.js';
import { errnoOf, StateError } from '../../core/errors.js';
import { fanOut } from '../../core/streams.js';
import type { Generation } from '../../state/generations.js';
import type { Proof } from '../../state/manifest.js';

/** Every file of the generation against its manifest; the dump is left to `proveSource`, which reads it anyway. */
async function proveFiles(
  { folder, manifest }: Generation,
  dumpHash: string,
  signal: AbortSignal,
): Promise<Proof> {
  const wrong: string[] = [];
  for (const file of manifest.files) {
    const path = join(folder, file.path);
    const facts = await stat(path).catch(() => undefined);
    const hash = file.path === DUMP_PATH ? dumpHash : await hashFile(path, signal);
    if (hash === undefined || facts === undefined) wrong.push(`${file.path} is missing`);
    else if (hash !== file.sha256) wrong.push(`${file.path} is not what the manifest says`);
    else if (facts.size !== file.size)
      wrong.push(`${file.path} has ${facts.size} bytes and not the ${file.size} of the manifest`);
  }
  return {
    name: 'files',
    ok: wrong.length === 0,
    detail:
      wrong.length === 0 ? `${manifest.files.length} files equal the manifest` : wrong.slice(0, 5).join('; '),
  };
}

/** The proofs of a generation on disk, read anew: what a backup proved must still hold before anything is restored. */
export async function proveSource(source: Source, signal: AbortSignal): Promise<Verdict> {
  // A reader that is born aborted fails before anybody listens to it.
  signal.throwIfAborted();
  const { generation, ring, instance } = source;
  const path = (name: string): string => join(generation.folder, name);
  const { reader, evidence } = inspectDump(ring, signal);
  const hash = createHash('sha256');
  await fanOut(createReadStream(path(DUMP_PATH), { highWaterMark: 1024 * 1024 }), [reader], {
    signal,
    onChunk: (chunk) => hash.update(chunk),
  });
  const verdict = judge({
    ring,
    dump: evidence(),
    rowCounts: recordedCounts(instance),
    keyFiles: keyFilesOf(await readKeyArchive(path(KEY_ARCHIVE_PATH), signal)),
    authorizedKeys: await readFile(path(AUTHORIZED_KEYS_PATH), 'utf8'),
    ...(instance.imported !== undefined && { counted: 'as counted when the old archive was imported' }),
  });
  const appKey = (await readFile(path(APP_KEY_PATH), 'utf8')).trim();
  const agree: Proof = {
    name: 'app-key-file',
    ok: appKey === ring.current.text.reveal().trim(),
    detail: 'the file APP_KEY and the line of .env are the same key',
  };
  return {
    ...verdict,
    proofs: [await proveFiles(generation, hash.digest('hex'), signal), agree, ...verdict.proofs],
  };
}

/** @throws StateError `snapshot.unproven` (kind `proof`) */
export function unprovenSnapshot(origin: string, failed: readonly Proof[]): StateError {
  return new StateError({
    kind: 'proof',
    code: 'snapshot.unproven',
    what: `The snapshot ${origin} is not to be trusted (${failed.map(({ name }) => name).join(', ')})`,
    why: failed.map(({ detail }) => detail).join('; '),
    next: 'choose another one from "coolify-state snapshots"; nothing was changed on the target',
  });
}

async function hashFile(path: string, signal: AbortSignal): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024, signal }))
      hash.update(chunk);
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  return hash.digest('hex');
}
