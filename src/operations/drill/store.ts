import { basename, join } from 'node:path';
import { readKeyFile } from '../../archive/key-file.js';
import { isPassphraseProtected, openPrivateKey } from '../../archive/ssh-private-key.js';
import { signMessage } from '../../archive/ssh-signature.js';
import { asStateError, StateError } from '../../core/errors.js';
import { makeFolders } from '../../core/folders.js';
import type { Secret } from '../../core/secret.js';
import type { TaskReporter } from '../../engine/task.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import type { Repository } from '../../repository/repository.js';
import { drillKey, sidecarKey } from '../../repository/snapshots/names.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import { FOLDER_MODE, replacePrivateFile } from '../../state/private-files.js';
import { repositoryTitle } from '../backup/upload.js';
import { EVIDENCE_NAMESPACE } from './evidence.js';
import type { DrillSubject } from './snapshot.js';
import { drillsFolder } from './workplace.js';

/** Evidence as bytes, and its signature in the format of `ssh-keygen -Y sign`, where there is a key for it. */
export interface SignedEvidence {
  readonly content: Buffer;
  readonly signature: string | undefined;
}

/** @throws StateError `identity.*`, `key-file.*`, `signature.unsupported-key` */
export async function signEvidence(
  content: Buffer,
  keyPath: string | undefined,
  passphrase: ((path: string) => Promise<Secret>) | undefined,
  namespace = EVIDENCE_NAMESPACE,
): Promise<SignedEvidence> {
  if (keyPath === undefined) return { content, signature: undefined };
  const text = await readKeyFile(keyPath);
  const secret = isPassphraseProtected(text) ? await passphrase?.(keyPath) : undefined;
  const key = await openPrivateKey(text, keyPath, secret);
  return { content, signature: signMessage(content, key, namespace) };
}

/** Writes evidence into a folder of this machine. @returns the path of the record; its signature has `.sig` behind it */
export async function keepEvidence(
  { content, signature }: SignedEvidence,
  { stateRoot, folder, host, object, at }: KeptPlace,
): Promise<string> {
  const where = folder ?? join(drillsFolder(stateRoot), host);
  await makeFolders(where, FOLDER_MODE);
  const path = join(where, basename(drillKey(object, at)));
  await replacePrivateFile(path, content.toString('utf8'));
  if (signature !== undefined) await replacePrivateFile(`${path}.sig`, signature);
  return path;
}

export interface KeptPlace {
  readonly stateRoot: string;
  /** Instead of the usual one below the state folder. */
  readonly folder: string | undefined;
  readonly host: string;
  readonly object: string;
  readonly at: Date;
}

/**
 * Stores evidence beside the snapshot in every repository that holds these very bytes. A repository that may only be read, or
 * does not answer, is told of and is no failure: the drill is what counts, and its evidence is kept on this machine in any
 * case.
 * @returns what was stored, as `location/key`
 */
export async function storeEvidence(
  evidence: SignedEvidence,
  repositories: readonly RepositorySettings[],
  subject: DrillSubject,
  at: Date,
  { signal, warn }: TaskReporter,
): Promise<string[]> {
  const stored: string[] = [];
  for (const settings of repositories) {
    try {
      const repository = await openRepository(settings);
      try {
        const key = await storeIn(repository, evidence, subject, at, signal);
        if (key !== undefined) stored.push(`${repository.location}/${key}`);
      } finally {
        await repository.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      const { message } = asStateError(error, 'storing failed');
      warn(`the evidence could not be stored in ${repositoryTitle(settings)}: ${message}`);
    }
  }
  return stored;
}

async function storeIn(
  repository: Repository,
  { content, signature }: SignedEvidence,
  { snapshot }: DrillSubject,
  at: Date,
  signal: AbortSignal,
): Promise<string | undefined> {
  const copy = (await new SnapshotRepository(repository).list(snapshot.host, { signal })).find(
    ({ key }) => key === snapshot.key,
  );
  if (copy === undefined) return undefined;
  const described = await new SnapshotRepository(repository).describe(copy, { signal });
  if (described.sidecar?.sha256 !== snapshot.sidecar.sha256) return undefined;
  for (let ordinal = 1; ; ordinal++) {
    const key = drillKey(snapshot.key, at, ordinal);
    if ((await repository.stat(key, { signal })) !== undefined) continue;
    try {
      // The signature first: evidence that can be seen is signed from the beginning.
      if (signature !== undefined)
        await repository.putSmall(`${key}.sig`, Buffer.from(signature), { signal });
      await repository.putSmall(key, content, { signal });
    } catch (error) {
      if (error instanceof StateError && error.code === 'repository.exists' && ordinal < 10) continue;
      throw error;
    }
    // A prune that ran meanwhile has taken the snapshot away, and would leave this behind.
    if ((await repository.stat(sidecarKey(snapshot.key), { signal })) !== undefined) return key;
    for (const name of [key, `${key}.sig`]) await repository.remove(name, { signal });
    return undefined;
  }
}
