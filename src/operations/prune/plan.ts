import type { KeepPolicy } from '../../repository/retention/keep-policy.js';
import { type Judgement, judge, type Standing } from '../../repository/retention/retention.js';
import type { PlaceContents, PlaceLeftover } from './places.js';
import type { RetentionItem } from './retention-items.js';

/** What is to become of something, or became: `locked` is what the store kept (object lock, permission). */
export type PruneOutcome = 'keep' | 'drop' | 'removed' | 'locked';

/** A generation or snapshot in the plan of a prune. */
export interface PruneLine {
  readonly id: string;
  /** ISO 8601, UTC. */
  readonly createdAt: string;
  /** Bytes; undefined when the object is gone. */
  readonly size: number | undefined;
  readonly standing: Standing;
  outcome: PruneOutcome;
  /** Why it is kept or dropped; at least one. */
  readonly reasons: readonly string[];
}

export interface PruneLeftoverLine {
  readonly name: string;
  /** ISO 8601, UTC; undefined where that is not told. */
  readonly since: string | undefined;
  outcome: Exclude<PruneOutcome, 'keep'>;
}

/** What a prune is about to do in one place, or did. Newest first. */
export interface PrunedPlace {
  readonly place: string;
  readonly snapshots: readonly PruneLine[];
  readonly leftovers: readonly PruneLeftoverLine[];
}

/** What a prune is about to do of one host. */
export interface PrunePlan {
  readonly host: string;
  /** The policy that is applied, as flags: `--keep-last 3 --keep-within 7d`. */
  readonly policy: string;
  readonly places: readonly PrunedPlace[];
}

/** The facts that are the same in every place of a host. */
export interface PruneFacts {
  readonly policy: KeepPolicy;
  readonly recipients: readonly string[] | undefined;
}

/** What was found in a place, each with its line in the plan. */
export interface PlannedPlace<Item extends RetentionItem, Left extends PlaceLeftover> {
  readonly judgements: readonly Judgement<Item>[];
  readonly leftovers: readonly Left[];
  readonly shown: PrunedPlace;
  readonly lines: ReadonlyMap<string, PruneLine>;
  readonly leftoverLines: ReadonlyMap<string, PruneLeftoverLine>;
}

/** Judges what a place holds. */
export function planPlace<Item extends RetentionItem, Left extends PlaceLeftover>(
  place: string,
  { items, leftovers }: Pick<PlaceContents<Item, Left>, 'items' | 'leftovers'>,
  { policy, recipients }: PruneFacts,
): PlannedPlace<Item, Left> {
  const judgements = judge(items, { policy, recipients, now: new Date() });
  const lines = judgements.map(({ candidate, keep, reasons }): PruneLine => {
    const { id, time, size, standing } = candidate;
    return { id, createdAt: time.toISOString(), size, standing, outcome: keep ? 'keep' : 'drop', reasons };
  });
  const leftoverLines = leftovers.map(({ name, since }): PruneLeftoverLine => {
    return { name, since: since?.toISOString(), outcome: 'drop' };
  });
  return {
    judgements,
    leftovers,
    shown: { place, snapshots: lines, leftovers: leftoverLines },
    lines: new Map(lines.map((line) => [line.id, line])),
    leftoverLines: new Map(leftoverLines.map((line) => [line.name, line])),
  };
}

/**
 * Holds a plan against what is there now, and returns what is to be removed: what was to go and still is. What others have
 * removed meanwhile is told as removed, and what they made needed as kept.
 */
export function settle<Item extends RetentionItem, Left extends PlaceLeftover>(
  plan: PlannedPlace<Item, Left>,
  now: PlannedPlace<Item, Left>,
): Item[] {
  for (const [id, line] of plan.lines) {
    const found = now.lines.get(id)?.outcome ?? 'removed';
    if (line.outcome === 'drop') line.outcome = found;
  }
  return now.judgements
    .filter(({ candidate }) => plan.lines.get(candidate.id)?.outcome === 'drop')
    .map(({ candidate }) => candidate);
}

/** Whether there is anything to remove. */
export function removesAnything({ snapshots, leftovers }: PrunedPlace): boolean {
  return leftovers.length > 0 || snapshots.some(({ outcome }) => outcome === 'drop');
}

/** `remove 3 of 10`, `remove 3 of 10 and 1 leftover`. */
export function summaryOf({ snapshots, leftovers }: PrunedPlace, wanted: PruneOutcome): string {
  const count = snapshots.filter(({ outcome }) => outcome === wanted).length;
  const left = leftovers.filter(({ outcome }) => outcome === wanted).length;
  return [
    ...(snapshots.length > 0 ? [`${count} of ${snapshots.length}`] : []),
    ...(left > 0 ? [`${left} ${left === 1 ? 'leftover' : 'leftovers'}`] : []),
  ].join(' and ');
}
