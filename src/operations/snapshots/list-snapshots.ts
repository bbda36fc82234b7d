import { recipientsFrom } from '../../archive/recipient-sources.js';
import { asStateError, type StateError } from '../../core/errors.js';
import { mapConcurrently } from '../../repository/map-concurrently.js';
import { openRepository, type RepositorySettings } from '../../repository/open.js';
import { isEmpty } from '../../repository/retention/keep-policy.js';
import { keptUntil } from '../../repository/retention/kept-until.js';
import { type Judgement, judge, type Standing } from '../../repository/retention/retention.js';
import { SnapshotRepository } from '../../repository/snapshots/snapshots.js';
import { openStateFolder, type StateFolder } from '../../state/state-folder.js';
import { repositoryTitle } from '../backup/upload.js';
import { lastDrills } from '../drill/facts.js';
import type { HostConfig } from '../hosts/host-config.js';
import { localItem, type RetentionItem, storedItem } from '../prune/retention-items.js';

/** One line of a listing: a generation on this machine, or a snapshot in a repository. */
export interface SnapshotLine {
  readonly host: string;
  /** Where the repository is, or the folder of a generation. */
  readonly where: string;
  readonly kind: 'generation' | 'snapshot';
  /** What `restore --from` takes; `local` for the newest generation. */
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** Bytes: of the files of a generation, of the stored object of a snapshot. */
  readonly size: number | undefined;
  readonly coolify: string | undefined;
  readonly postgres: string | undefined;
  /** Fingerprints of those who can open it; none for a generation, which is not encrypted. */
  readonly recipients: readonly string[];
  readonly standing: Standing;
  /** Whether all its proofs were good when it was made; undefined when that cannot be told. */
  readonly proven: boolean | undefined;
  /** Why it cannot be relied on. */
  readonly problem?: string;
  /** What `prune` would do by the policy of the inventory; undefined when there is none. */
  readonly retention?: SnapshotRetention;
  /** The last time it was restored for a trial. */
  readonly drill?: { readonly at: string; readonly passed: boolean };
}

export interface SnapshotRetention {
  readonly keep: boolean;
  readonly reasons: readonly string[];
  /** ISO 8601: kept at least until then by the policy; `always`; undefined when that cannot be said. */
  readonly until?: string;
}

export interface SnapshotListing {
  readonly lines: readonly SnapshotLine[];
  /** Repositories that could not be read. */
  readonly errors: readonly StateError[];
}

const PLACES_AT_ONCE = 4;

/** What there is of the hosts, local and remote, newest first per place. Needs no key and no host. */
export async function listSnapshots(
  hosts: readonly HostConfig[],
  { stateRoot, signal }: { readonly stateRoot: string; readonly signal: AbortSignal },
): Promise<SnapshotListing> {
  const state = await openStateFolder(stateRoot);
  const places = hosts.flatMap((host) => [
    () => localLines(host, state),
    ...host.repositories.map((settings) => () => repositoryLines(host, settings, signal)),
  ]);
  const found = await mapConcurrently(places, PLACES_AT_ONCE, async (look) => await look());
  return {
    lines: found.flatMap((place) => ('lines' in place ? place.lines : [])),
    errors: found.flatMap((place) => ('error' in place ? [place.error] : [])),
  };
}

type Place = { readonly lines: readonly SnapshotLine[] } | { readonly error: StateError };

async function localLines(host: HostConfig, state: StateFolder): Promise<Place> {
  const generations = state.generations(host.name);
  const current = await generations.current().catch(() => undefined);
  const items = (await generations.all()).map((generation) => localItem(generation, current));
  return {
    lines: await linesOf(host, items, ({ id, generation, current: isCurrent }) => ({
      kind: 'generation',
      where: generation.folder,
      id: isCurrent === true ? 'local' : id,
    })),
  };
}

async function repositoryLines(
  host: HostConfig,
  settings: RepositorySettings,
  signal: AbortSignal,
): Promise<Place> {
  try {
    const repository = await openRepository(settings);
    try {
      const described = await new SnapshotRepository(repository).listDescribed(host.name, { signal });
      const drills = await lastDrills(repository, described, signal);
      const items = described.map((snapshot) => storedItem(snapshot, drills.get(snapshot.key)));
      return {
        lines: await linesOf(host, items, ({ id }) => ({ kind: 'snapshot', where: repository.location, id })),
      };
    } finally {
      await repository.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    const what = `The snapshots in ${repositoryTitle(settings)} could not be listed`;
    return { error: asStateError(error, what).onHost(host.name) };
  }
}

async function linesOf<Item extends RetentionItem>(
  host: HostConfig,
  items: readonly Item[],
  placeOf: (item: Item) => Pick<SnapshotLine, 'kind' | 'where' | 'id'>,
): Promise<SnapshotLine[]> {
  const now = new Date();
  const hasPolicy = !isEmpty(host.keep);
  const recipients = hasPolicy ? await recipientsOf(host) : undefined;
  const judgements = judge(items, { policy: host.keep, now, recipients });
  const newest = judgements.find(({ candidate: { standing, time } }) => standing === 'good' && time < now);
  return judgements.map((judgement) => {
    const {
      size,
      time,
      coolify,
      postgres,
      recipients: openers = [],
      standing,
      problem,
      drill,
    } = judgement.candidate;
    return {
      host: host.name,
      ...placeOf(judgement.candidate),
      createdAt: time.toISOString(),
      size,
      coolify,
      postgres,
      recipients: openers,
      standing,
      proven: provenOf(standing, problem),
      ...(problem !== undefined && { problem }),
      ...(hasPolicy && { retention: retentionOf(judgement, host, newest?.candidate.time ?? now, now) }),
      ...(drill !== undefined && { drill: { at: drill.at.toISOString(), passed: drill.passed } }),
    };
  });
}

function retentionOf(
  { candidate, keep, reasons, rules }: Judgement,
  host: HostConfig,
  newest: Date,
  now: Date,
): SnapshotRetention {
  const end = keptUntil({ time: candidate.time, rules }, host.keep, newest, now);
  if (end === undefined) return { keep, reasons };
  return { keep, reasons, until: end === 'always' ? end : end.toISOString() };
}

function provenOf(standing: Standing, problem: string | undefined): boolean | undefined {
  if (standing === 'good' || standing === 'unproven') return standing === 'good';
  return standing === 'aside' ? problem === undefined : undefined;
}

/** Undefined where it cannot be told on this machine; then nobody's last snapshot is taken for dispensable. */
async function recipientsOf(host: HostConfig): Promise<readonly string[] | undefined> {
  try {
    return (await recipientsFrom(host.recipients)).map(({ fingerprint }) => fingerprint);
  } catch {
    return undefined;
  }
}
