import { instanceOf } from '../../coolify/instance.js';
import type { Candidate, Standing } from '../../repository/retention/retention.js';
import type { DescribedSnapshot } from '../../repository/snapshots/snapshots.js';
import { type Generation, WAY_BACK } from '../../state/generations.js';
import type { Manifest } from '../../state/manifest.js';

/** A generation on this machine or a snapshot in a repository, as lists and retention see it. */
export interface RetentionItem extends Candidate {
  /** Bytes: of the files of a generation, of the stored object of a snapshot; undefined when the object is gone. */
  readonly size: number | undefined;
  readonly coolify: string | undefined;
  readonly postgres: string | undefined;
  /** Why it cannot be relied on. */
  readonly problem: string | undefined;
}

/** A snapshot of a repository. Its `id` is the one that `restore --from` takes. */
export interface StoredItem extends RetentionItem {
  readonly key: string;
}

/** A generation of this machine. Its `id` is that of the manifest. */
export interface LocalItem extends RetentionItem {
  readonly generation: Generation;
}

/** `drill` is what is known of the last time that it was restored for a trial. */
export function storedItem(snapshot: DescribedSnapshot, drill?: Candidate['drill']): StoredItem {
  const { id, key, size, sidecar, problem } = snapshot;
  if (sidecar === undefined) {
    return {
      id,
      key,
      size,
      time: snapshot.createdAt,
      standing: STANDING_OF_PROBLEM.get(problem.code) ?? 'unreadable',
      recipients: undefined,
      coolify: undefined,
      postgres: undefined,
      problem: problem.message,
    };
  }
  const { createdAt, recipients, coolify, postgres, proofs } = sidecar;
  return {
    id,
    key,
    size,
    time: createdAt,
    standing: standingOf(proofs),
    recipients,
    coolify,
    postgres,
    problem: failedProofs(proofs),
    ...(drill !== undefined && { drill }),
  };
}

export function localItem(generation: Generation, current: Generation | undefined): LocalItem {
  const { manifest, folder } = generation;
  return {
    id: manifest.id,
    generation,
    size: manifest.files.reduce((sum, { size }) => sum + size, 0),
    time: new Date(manifest.createdAt),
    standing: manifest.id.startsWith(WAY_BACK) ? 'aside' : standingOf(manifest.proofs),
    current: folder === current?.folder,
    problem: failedProofs(manifest.proofs),
    ...versionsOf(manifest),
  };
}

/** What is wrong with a snapshot, where more is known than that its sidecar cannot be relied on. */
const STANDING_OF_PROBLEM: ReadonlyMap<string, Standing> = new Map([
  ['repository.object-missing', 'missing'],
  ['repository.sidecar-format', 'unknown-format'],
]);

type Proofs = readonly { readonly name: string; readonly ok: boolean }[];

function standingOf(proofs: Proofs): Standing {
  return failedProofs(proofs) === undefined ? 'good' : 'unproven';
}

function failedProofs(proofs: Proofs): string | undefined {
  const failed = proofs.filter(({ ok }) => !ok).map(({ name }) => name);
  return failed.length === 0 ? undefined : `not proven: ${failed.join(', ')}`;
}

/** A manifest of an older format may describe its instance otherwise; that is no reason to leave it out. */
function versionsOf(manifest: Manifest): Pick<RetentionItem, 'coolify' | 'postgres'> {
  try {
    const { coolify, database } = instanceOf(manifest);
    return { coolify: coolify.version, postgres: database.version };
  } catch {
    return { coolify: undefined, postgres: undefined };
  }
}
