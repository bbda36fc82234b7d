import { StateError } from '../../core/errors.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import type { Repository } from '../../repository/repository.js';
import { chosenSnapshot } from '../../repository/snapshots/choice.js';
import type { ListedSnapshot } from '../../repository/snapshots/listing.js';
import { type DescribedSnapshot, SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import { type SampleSize, sampleOf } from '../snapshots/sample.js';

/** Which snapshots of a host's repositories. */
export type StoredChoice =
  | { readonly kind: 'latest' }
  | { readonly kind: 'id'; readonly id: string }
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  /** Every one, or some of them: see `sampleOf`. */
  | { readonly kind: 'all'; readonly sample?: { readonly size: SampleSize; readonly seed: string } };

/** A repository of the host that was opened, and what is to be verified in it. */
export interface VerifyPlace {
  readonly repository: Repository;
  readonly snapshots: SnapshotRepository;
  /** Newest first. What was asked for and is not there, or cannot be relied on, has its error. */
  readonly found: readonly FoundSnapshot[];
}

export type FoundSnapshot =
  | { readonly snapshot: DescribedSnapshot; readonly error?: never }
  | { readonly snapshot?: never; readonly wanted: string; readonly error: StateError };

/** Opens a repository and looks up what was asked for. Whoever called closes `repository`. */
export async function lookUp(
  settings: RepositorySettings,
  host: string,
  choice: StoredChoice,
  signal: AbortSignal,
): Promise<VerifyPlace> {
  const repository = await openRepository(settings);
  try {
    const snapshots = new SnapshotRepository(repository);
    if (choice.kind === 'all') {
      const all = await snapshots.listDescribed(host, { signal });
      return { repository, snapshots, found: all.map((snapshot) => ({ snapshot })) };
    }
    const listed = await snapshots.list(host, { signal });
    const found: FoundSnapshot[] = [];
    for (const wanted of wantedBy(choice)) {
      const chosen = choose(listed, wanted, host, repository.location);
      if (chosen instanceof StateError) found.push({ wanted, error: chosen });
      else found.push({ snapshot: await snapshots.describe(chosen, { signal }) });
    }
    return { repository, snapshots, found };
  } catch (error) {
    await repository.close();
    throw error;
  }
}

/** Leaves of every place what is in the sample. One sample for all places, so that copies are compared with each other. */
export function narrow(places: readonly VerifyPlace[], choice: StoredChoice): readonly VerifyPlace[] {
  if (choice.kind !== 'all' || choice.sample === undefined) return places;
  const { size, seed } = choice.sample;
  const chosen = new Set(sampleOf(idsOf(places), size, seed));
  return places.map((place) => ({
    ...place,
    found: place.found.filter(({ snapshot }) => snapshot === undefined || chosen.has(snapshot.id)),
  }));
}

/** What is worth knowing of repositories that should hold the same: who lacks what. */
export function lacking(places: readonly VerifyPlace[], choice: StoredChoice): string[] {
  if (choice.kind !== 'all' && choice.kind !== 'latest') return [];
  const all = idsOf(places);
  return places.flatMap(({ repository, found }) => {
    const here = new Set(found.map(({ snapshot }) => snapshot?.id));
    const missing = all.filter((id) => !here.has(id));
    if (missing.length === 0) return [];
    const which = missing.slice(0, 5).join(', ');
    return choice.kind === 'latest'
      ? [`${repository.location} does not have the newest snapshot ${which} of another repository`]
      : [`${repository.location} lacks ${missing.length} snapshots that others have (${which})`];
  });
}

/** The ids of all places, newest first. */
function idsOf(places: readonly VerifyPlace[]): string[] {
  const times = new Map<string, DescribedSnapshot>();
  for (const { found } of places) {
    for (const { snapshot } of found) if (snapshot !== undefined) times.set(snapshot.id, snapshot);
  }
  return [...times.values()]
    .sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime() || b.ordinal - a.ordinal)
    .map(({ id }) => id);
}

/** A snapshot that is not there does not keep the others from being verified. */
function choose(
  listed: readonly ListedSnapshot[],
  wanted: string,
  host: string,
  location: string,
): ListedSnapshot | StateError {
  try {
    return chosenSnapshot(listed, wanted, host, location);
  } catch (error) {
    if (error instanceof StateError && error.code === 'repository.no-snapshot') return error;
    throw error;
  }
}

function wantedBy(choice: Exclude<StoredChoice, { kind: 'all' }>): readonly string[] {
  if (choice.kind === 'latest') return ['latest'];
  return choice.kind === 'id' ? [choice.id] : choice.ids;
}
