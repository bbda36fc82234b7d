import { StateError } from '../../core/errors.js';
import { mapConcurrently } from '../../repository/map-concurrently.js';
import type { Repository } from '../../repository/repository.js';
import type { Candidate } from '../../repository/retention/retention.js';
import type { DescribedSnapshot } from '../../repository/snapshots/snapshots.js';
import { EVIDENCE_LIMIT, type Evidence, parseEvidence } from './evidence.js';

/** When a snapshot was drilled last, and how that went. */
export type DrillFact = NonNullable<Candidate['drill']>;

const READS_AT_ONCE = 16;

/**
 * The last drill of each snapshot, by its key, as the evidence beside it says. Nobody's signature is checked here: that is what
 * `verify --evidence` is for. What cannot be read, or speaks of other bytes, is passed over.
 */
export async function lastDrills(
  repository: Repository,
  snapshots: readonly DescribedSnapshot[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, DrillFact>> {
  const drilled = snapshots.filter(({ drills }) => drills !== undefined);
  const facts = await mapConcurrently(drilled, READS_AT_ONCE, async (snapshot) => {
    for (const key of snapshot.drills ?? []) {
      const evidence = await evidenceAt(repository, key, signal);
      if (evidence !== undefined && evidence.snapshot.sha256 === snapshot.sidecar?.sha256)
        return [[snapshot.key, factOf(evidence)] as const];
    }
    return [];
  });
  return new Map(facts.flat());
}

/** Whether it was restored and proven; that it took too long is no fault of the snapshot. */
function factOf({ startedAt, outcome }: Evidence): DrillFact {
  return { at: new Date(startedAt), passed: outcome !== 'failed' };
}

async function evidenceAt(
  repository: Repository,
  key: string,
  signal: AbortSignal,
): Promise<Evidence | undefined> {
  try {
    return parseEvidence(key, await repository.getSmall(key, EVIDENCE_LIMIT, { signal }));
  } catch (error) {
    if (error instanceof StateError && (error.kind === 'proof' || error.code === 'repository.not-found'))
      return undefined;
    throw error;
  }
}
