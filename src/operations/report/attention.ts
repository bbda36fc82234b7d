import { showDuration } from '../../core/duration.js';
import type { StateError } from '../../core/errors.js';
import type { Evidence } from '../drill/evidence.js';
import type { SnapshotLine } from '../snapshots/list-snapshots.js';

/** Something about a host that somebody should look at. */
export interface Attention {
  readonly grave: boolean;
  /** A sentence without a full stop. */
  readonly what: string;
  /** A command, or a thing to do. */
  readonly next: string;
}

export interface AttentionFacts {
  readonly lines: readonly SnapshotLine[];
  /** Newest first. */
  readonly drills: readonly Evidence[];
  /** How old the newest snapshot may be by the inventory, seconds. */
  readonly dataAgeLimit: number | undefined;
  /** How many repositories the host has. */
  readonly places: number;
  readonly errors: readonly StateError[];
  readonly now: Date;
}

/** Where the inventory sets no limit: a backup a day, with a day to notice. */
const USUAL_AGE_LIMIT = 2 * 86_400;
/** A drill a month, with some days to spare. */
const DRILL_AGE_LIMIT = 35 * 86_400;

/** What needs attention, the gravest first. */
export function attentionOf(facts: AttentionFacts): Attention[] {
  const found = [...ofSnapshots(facts), ...ofDrills(facts), ...ofPlaces(facts)];
  return [...found.filter(({ grave }) => grave), ...found.filter(({ grave }) => !grave)];
}

function* ofSnapshots({
  lines,
  dataAgeLimit = USUAL_AGE_LIMIT,
  places,
  now,
}: AttentionFacts): Iterable<Attention> {
  const stored = lines.filter(({ kind }) => kind === 'snapshot');
  const good = stored.filter(({ standing }) => standing === 'good');
  const newest = good.reduce((latest, { createdAt }) => Math.max(latest, Date.parse(createdAt)), 0);
  if (places === 0) {
    yield {
      grave: true,
      what: 'No repository is set: all there is stands on this machine',
      next: 'set coolify_repository or coolify_s3_bucket',
    };
  } else if (good.length === 0) {
    yield { grave: true, what: 'There is no good snapshot in any repository', next: 'coolify-state backup' };
  } else {
    const seconds = (now.getTime() - newest) / 1000;
    if (seconds > dataAgeLimit)
      yield {
        grave: true,
        what: `The newest good snapshot is ${showDuration(seconds)} old, ${showDuration(dataAgeLimit)} are allowed`,
        next: 'coolify-state backup, and see why no run has made one',
      };
  }
  for (const { id, where, standing, problem } of stored) {
    if (standing === 'good' || standing === 'aside') continue;
    if (standing === 'missing') {
      yield {
        grave: true,
        what: `The snapshot ${id} in ${where} is gone: only its sidecar is left`,
        next: 'see who removes objects there; coolify-state prune clears the sidecar away',
      };
      continue;
    }
    yield {
      grave: standing !== 'unknown-format',
      what: `The snapshot ${id} in ${where} is not to be relied on${problem === undefined ? '' : `: ${problem}`}`,
      next: `coolify-state verify --from ${id} --read-data`,
    };
  }
}

function* ofDrills({ lines, drills: [last], now }: AttentionFacts): Iterable<Attention> {
  if (lines.every(({ kind }) => kind !== 'snapshot')) return;
  if (last === undefined) {
    yield {
      grave: false,
      what: 'No snapshot has ever been restored for a trial',
      next: 'coolify-state drill',
    };
    return;
  }
  const when = last.startedAt.slice(0, 10);
  if (last.outcome === 'failed')
    yield {
      grave: true,
      what: `The last drill, of ${when}, failed${last.failure === undefined ? '' : `: ${last.failure.what}`}`,
      next: 'coolify-state drill, with another snapshot (--from ID)',
    };
  if (last.outcome === 'late')
    yield {
      grave: false,
      what: `The last drill, of ${when}, did not keep the limits of the inventory`,
      next: 'back up more often, or make the recovery faster',
    };
  const seconds = (now.getTime() - Date.parse(last.startedAt)) / 1000;
  if (seconds > DRILL_AGE_LIMIT)
    yield {
      grave: false,
      what: `The last drill is ${showDuration(seconds)} ago`,
      next: 'coolify-state drill',
    };
}

function* ofPlaces({ lines, errors }: AttentionFacts): Iterable<Attention> {
  for (const { message, next = 'see why it does not answer' } of errors)
    yield { grave: true, what: message, next };
  const stored = lines.filter(({ kind, standing }) => kind === 'snapshot' && standing === 'good');
  const newest = stored.reduce<SnapshotLine | undefined>(
    (latest, line) => (latest === undefined || line.createdAt > latest.createdAt ? line : latest),
    undefined,
  );
  if (newest === undefined) return;
  for (const where of new Set(stored.map((line) => line.where))) {
    if (stored.some((line) => line.where === where && line.createdAt === newest.createdAt)) continue;
    yield {
      grave: false,
      what: `${where} does not have the newest snapshot ${newest.id}`,
      next: 'coolify-state copy',
    };
  }
}
