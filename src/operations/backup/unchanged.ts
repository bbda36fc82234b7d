import { compareSources } from '../../coolify/compare/compare.js';
import { type Instance, instanceOf } from '../../coolify/instance.js';
import { openSource } from '../../coolify/restore/target.js';
import { messageOf } from '../../core/errors.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import type { Generation } from '../../state/generations.js';
import { repositoryTitle } from './upload.js';

export interface UnchangedQuestion {
  /** The newest generation of before. */
  readonly previous: Generation | undefined;
  /** What was pulled and proven now; its manifest need not be on the disk. */
  readonly now: Generation;
  readonly repositories: readonly RepositorySettings[];
  /** Fingerprints of those for whom a snapshot would be encrypted now. */
  readonly recipients: readonly string[];
  readonly signal: AbortSignal;
}

/**
 * Why what was pulled has to be kept, in a clause; undefined when nothing has changed since the newest generation and that is
 * the newest snapshot in every repository, for the same recipients. In doubt something has changed: a store that cannot be
 * asked is a reason, and its trouble is told by the upload.
 */
export async function whatChanged(question: UnchangedQuestion): Promise<string | undefined> {
  const { previous, now, repositories, recipients, signal } = question;
  if (previous === undefined) return 'there is no generation from before';
  if (previous.manifest.proofs.some(({ ok }) => !ok)) return 'the last generation is not proven';
  const before = await openSource(previous).catch((error: unknown) => messageOf(error));
  if (typeof before === 'string') return before;
  const inFacts = factsThatDiffer(before.instance, instanceOf(now.manifest));
  if (inFacts !== undefined) return inFacts;
  for (const settings of repositories) {
    const missing = await whyNotStored(settings, previous, recipients, signal);
    if (missing !== undefined) return `${repositoryTitle(settings)}: ${missing}`;
  }
  const comparisons = await compareSources(before, await openSource(now), () => true, signal);
  for (const { title, differences } of comparisons) {
    const [first] = differences;
    if (first === undefined) continue;
    const { change, what, detail } = first;
    return `${title}: ${what} ${change}${detail === undefined ? '' : ` (${detail})`}${andMore(differences.length - 1)}`;
  }
  return undefined;
}

/** What manifests alone tell, before anything large is read. */
function factsThatDiffer(before: Instance, after: Instance): string | undefined {
  if (before.imported !== undefined) return 'the last generation was imported';
  if (before.appKeyFingerprint !== after.appKeyFingerprint) return 'it has another APP_KEY';
  if (before.coolify.image !== after.coolify.image || before.coolify.version !== after.coolify.version)
    return `Coolify ${before.coolify.version} -> ${after.coolify.version}`;
  if (before.database.versionNumber !== after.database.versionNumber)
    return `PostgreSQL ${before.database.version} -> ${after.database.version}`;
  const former = new Map(before.database.tables.map((table) => [`${table.schema}.${table.name}`, table]));
  const changed = after.database.tables.filter(
    ({ schema, name, sha256 }) => former.get(`${schema}.${name}`)?.sha256 !== sha256,
  );
  const [first] = changed;
  return first && `table ${first.name} changed${andMore(changed.length - 1)}`;
}

async function whyNotStored(
  settings: RepositorySettings,
  { host, manifest }: Generation,
  recipients: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  let repository: Awaited<ReturnType<typeof openRepository>> | undefined;
  try {
    repository = await openRepository(settings);
    const { createdAt, sidecar } = await new SnapshotRepository(repository).find(host, 'latest', { signal });
    const plainSize = manifest.files.reduce((sum, { size }) => sum + size, 0);
    // The name knows whole seconds.
    const isOfIt =
      Math.floor(Date.parse(manifest.createdAt) / 1000) === Math.floor(createdAt.getTime() / 1000);
    if (!isOfIt || sidecar.files !== manifest.files.length || sidecar.plainSize !== plainSize)
      return 'its newest snapshot is not of the last generation';
    const opens = new Set(sidecar.recipients);
    if (opens.size !== recipients.length || !recipients.every((fingerprint) => opens.has(fingerprint)))
      return 'its newest snapshot is for other recipients';
    return undefined;
  } catch (error) {
    signal.throwIfAborted();
    return messageOf(error);
  } finally {
    await repository?.close();
  }
}

function andMore(count: number): string {
  return count === 0 ? '' : `, and ${count} more`;
}
