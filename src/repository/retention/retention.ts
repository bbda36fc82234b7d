import { applyPolicy, isEmpty, type KeepPolicy, type KeepReason } from './keep-policy.js';

/**
 * What is known of a snapshot or generation that decides whether it counts:
 * - `good`: its proofs held when it was made, and what describes it agrees with it;
 * - `unproven`: its proofs failed; `missing`: only what describes it is left. Both count for nothing;
 * - `unreadable`: what describes it cannot be relied on, so what it is worth is unknown;
 * - `unknown-format`: a newer version of this program made it;
 * - `aside`: was kept for another purpose than to be a backup (a restore's way back).
 */
export type Standing = 'good' | 'unproven' | 'missing' | 'unreadable' | 'unknown-format' | 'aside';

/** A snapshot or a generation of one host in one place, as far as retention is concerned. */
export interface Candidate {
  readonly id: string;
  readonly time: Date;
  readonly standing: Standing;
  /** Fingerprints of those who can open it; undefined for what is not encrypted. */
  readonly recipients?: readonly string[] | undefined;
  /** It is what `state/<host>` shows, and so not for removal. */
  readonly current?: boolean | undefined;
  /** The last time it was restored for a trial, and how that went. */
  readonly drill?: { readonly at: Date; readonly passed: boolean } | undefined;
}

export interface RetentionFacts {
  readonly policy: KeepPolicy;
  readonly now: Date;
  /** Fingerprints of those whom snapshots are encrypted to today; undefined where that is not known: then everybody. */
  readonly recipients: readonly string[] | undefined;
}

/** What is to become of a candidate, and why. */
export interface Judgement<Item extends Candidate = Candidate> {
  readonly candidate: Item;
  readonly keep: boolean;
  /** At least one, for people. */
  readonly reasons: readonly string[];
  /** The rules of the policy that keep it. */
  readonly rules: readonly KeepReason[];
}

/**
 * Judges all that there is of one host in one place; the answer is in order of time, newest first.
 *
 * The policy is restic's, applied to the good ones alone. Beyond it nothing goes that might be needed: see
 * docs/retention.md for the rules. To prune what was pruned drops nothing, and neither does it matter when a prune
 * was broken off in the middle. An empty policy drops nothing.
 */
export function judge<Item extends Candidate>(
  candidates: readonly Item[],
  { policy, now, recipients }: RetentionFacts,
): Judgement<Item>[] {
  const sorted = [...candidates].sort((a, b) => b.time.getTime() - a.time.getTime());
  const kept = (candidate: Item, reason: string): Judgement<Item> => ({
    candidate,
    keep: true,
    reasons: [reason],
    rules: [],
  });
  if (isEmpty(policy)) return sorted.map((candidate) => kept(candidate, 'there is no policy'));
  const good = sorted.filter(({ standing, time }) => standing === 'good' && time < now);
  const rules = rulesOf(good, policy, now);
  const safe = safetyReasons(good, recipients);
  const wayBack = sorted.find(({ standing }) => standing === 'aside');
  const goodSoFar = new Set<Item>();
  return sorted.map((candidate) => {
    if (candidate.time >= now) return kept(candidate, 'its time is in the future');
    if (candidate.current === true && candidate.standing !== 'good') return kept(candidate, CURRENT);
    switch (candidate.standing) {
      case 'good': {
        goodSoFar.add(candidate);
        const matches = rules.get(candidate) ?? [];
        return judged(candidate, matches, matches.length > 0 ? [] : (safe.get(candidate) ?? []));
      }
      case 'unproven':
      case 'missing':
        return goodSoFar.size === 0
          ? kept(candidate, `${WORTHLESS[candidate.standing]}, but no good one is newer`)
          : dropped(candidate, `${WORTHLESS[candidate.standing]}, and a good one is newer`);
      case 'unknown-format':
        return kept(candidate, 'a newer version made it');
      default: {
        const matches = rulesOf(withItem(good, candidate), policy, now).get(candidate) ?? [];
        return judged(candidate, matches, candidate === wayBack && matches.length === 0 ? [WAY_BACK] : []);
      }
    }
  });
}

const CURRENT = 'it is the current state of the host';
const WAY_BACK = 'it is the way back of the last restore';
const WORTHLESS = { unproven: 'its proofs failed', missing: 'the object is gone' } as const;

function judged<Item extends Candidate>(
  candidate: Item,
  rules: readonly KeepReason[],
  safety: readonly string[],
): Judgement<Item> {
  const reasons = [...rules.map(({ text }) => text), ...safety];
  if (reasons.length === 0) return dropped(candidate, 'no rule keeps it');
  return { candidate, keep: true, reasons, rules };
}

function dropped<Item extends Candidate>(candidate: Item, reason: string): Judgement<Item> {
  return { candidate, keep: false, reasons: [reason], rules: [] };
}

function rulesOf<Item extends Candidate>(
  sorted: readonly Item[],
  policy: KeepPolicy,
  now: Date,
): ReadonlyMap<Item, readonly KeepReason[]> {
  const times = sorted.map(({ time }) => time);
  const reasons = applyPolicy(times, policy, now);
  return new Map(sorted.map((item, index) => [item, reasons[index] ?? []]));
}

/** As if it were one of the good ones: it is judged by its age, and takes no place from any of them. */
function withItem<Item extends Candidate>(good: readonly Item[], item: Item): Item[] {
  const older = good.findIndex(({ time }) => time < item.time);
  const at = older === -1 ? good.length : older;
  return [...good.slice(0, at), item, ...good.slice(at)];
}

/** What stays whatever the policy says: the newest of all, of those that passed a drill, and of each who can open it. */
function safetyReasons<Item extends Candidate>(
  good: readonly Item[],
  recipients: readonly string[] | undefined,
): ReadonlyMap<Item, readonly string[]> {
  const found = new Map<Item, string[]>();
  const add = (item: Item | undefined, reason: string): void => {
    if (item !== undefined) found.set(item, [...(found.get(item) ?? []), reason]);
  };
  add(
    good.find(({ current }) => current === true),
    CURRENT,
  );
  add(good[0], 'it is the newest good one');
  add(
    good.find(({ drill }) => drill?.passed === true),
    'it is the newest that passed a drill',
  );
  for (const recipient of recipients ?? new Set(good.flatMap((item) => item.recipients ?? []))) {
    add(
      good.find((item) => item.recipients?.includes(recipient)),
      `it is the newest that ${shortFingerprint(recipient)} opens`,
    );
  }
  return found;
}

/** A fingerprint cut to what tells it apart. */
export function shortFingerprint(fingerprint: string): string {
  return fingerprint.length <= 16 ? fingerprint : `${fingerprint.slice(0, 15)}…`;
}
