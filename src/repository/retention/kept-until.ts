import { COUNTED, type KeepPolicy, type KeepReason, TIMED } from './keep-policy.js';
import { type Span, shifted } from './span.js';

export interface KeptNow {
  readonly time: Date;
  /** The rules that keep it now. */
  readonly rules: readonly KeepReason[];
}

/**
 * Until when the policy keeps a snapshot at least, however often backups are made from now on; `always` when one of its
 * rules has no end. Undefined when that cannot be said: the next backup may take its place, or it is kept for another
 * reason than the policy.
 */
export function keptUntil(
  { time, rules }: KeptNow,
  policy: KeepPolicy,
  newest: Date,
  now: Date,
): Date | 'always' | undefined {
  const ends = rules.flatMap((reason) => endOf(reason, time, policy, newest, now) ?? []);
  if (ends.length === 0) return undefined;
  const end = Math.max(...ends);
  if (end === Number.POSITIVE_INFINITY) return 'always';
  return end > now.getTime() ? new Date(end) : undefined;
}

/** Milliseconds; `Infinity` for ever. */
function endOf(
  { rule, count }: KeepReason,
  time: Date,
  policy: KeepPolicy,
  newest: Date,
  now: Date,
): number | undefined {
  const period = [...COUNTED, ...TIMED].find((known) => known.rule === rule)?.period;
  // While its period lasts, a later one may take its place.
  if (period !== undefined && period.start(time.getTime()) >= period.start(now.getTime())) return undefined;
  if (count !== undefined) {
    if (count.most === -1) return Number.POSITIVE_INFINITY;
    if (period === undefined) return undefined;
    // It goes when so many further periods have one; the first of them is the next one, or the present.
    const first = Math.max(period.later(period.start(newest.getTime()), 1), period.start(now.getTime()));
    return period.later(first, count.most - count.place);
  }
  const span = policy[rule];
  return typeof span === 'object' ? endOfSpan(time, span) : undefined;
}

const DAY = 24 * 3_600_000;

/** Months of different lengths make the way back shorter than the way there, by up to three days. */
function endOfSpan(time: Date, span: Span): number {
  return shifted(time, span, 'after') - (span.years + span.months > 0 ? 3 * DAY : 0);
}
