import { DAYS, HOURS, MONTHS, type Period, WEEKS, YEARS } from './periods.js';
import { isZero, type Span, shifted, showSpan } from './span.js';

/** Which snapshots to keep, in the words of restic's `forget`. What is left out, 0 or a span of nothing keeps nothing. */
export interface KeepPolicy {
  /** The newest so many; -1 for all. The same for the numbers below. */
  readonly last?: number | undefined;
  /** The newest of each of the last so many hours that have one. */
  readonly hourly?: number | undefined;
  readonly daily?: number | undefined;
  /** Weeks of ISO 8601, Monday to Sunday. */
  readonly weekly?: number | undefined;
  readonly monthly?: number | undefined;
  readonly yearly?: number | undefined;
  /** All that are newer than so long before the newest. */
  readonly within?: Span | undefined;
  /** The newest of each hour that are newer than so long before the newest. */
  readonly withinHourly?: Span | undefined;
  readonly withinDaily?: Span | undefined;
  readonly withinWeekly?: Span | undefined;
  readonly withinMonthly?: Span | undefined;
  readonly withinYearly?: Span | undefined;
}

/** A rule that keeps a snapshot. */
export interface KeepReason {
  readonly rule: keyof KeepPolicy;
  /** In restic's words: `daily snapshot`, `weekly within 2m`. */
  readonly text: string;
  /** Of a counted rule: which one it is, the newest being 1, and how many there may be (-1: all). */
  readonly count?: { readonly place: number; readonly most: number };
}

/** The counted rules, in the order in which restic gives reasons. */
export const COUNTED = [
  { rule: 'last', period: undefined, text: 'last snapshot', option: 'last' },
  { rule: 'hourly', period: HOURS, text: 'hourly snapshot', option: 'hourly' },
  { rule: 'daily', period: DAYS, text: 'daily snapshot', option: 'daily' },
  { rule: 'weekly', period: WEEKS, text: 'weekly snapshot', option: 'weekly' },
  { rule: 'monthly', period: MONTHS, text: 'monthly snapshot', option: 'monthly' },
  { rule: 'yearly', period: YEARS, text: 'yearly snapshot', option: 'yearly' },
] as const;

/** The rules of a length of time, in that order. */
export const TIMED = [
  { rule: 'withinHourly', period: HOURS, text: 'hourly within', option: 'within-hourly' },
  { rule: 'withinDaily', period: DAYS, text: 'daily within', option: 'within-daily' },
  { rule: 'withinWeekly', period: WEEKS, text: 'weekly within', option: 'within-weekly' },
  { rule: 'withinMonthly', period: MONTHS, text: 'monthly within', option: 'within-monthly' },
  { rule: 'withinYearly', period: YEARS, text: 'yearly within', option: 'within-yearly' },
] as const;

/** Whether it would keep nothing at all: such a policy is never applied. */
export function isEmpty(policy: KeepPolicy): boolean {
  return describePolicy(policy) === '';
}

/** `--keep-last 3 --keep-within 7d`: the rules that keep something. Empty when none does. */
export function describePolicy(policy: KeepPolicy): string {
  const parts: string[] = [];
  for (const { rule, option } of COUNTED) {
    const most = policy[rule] ?? 0;
    if (most !== 0) parts.push(`--keep-${option} ${most === -1 ? 'unlimited' : most}`);
  }
  for (const { rule, option } of [{ rule: 'within', option: 'within' } as const, ...TIMED]) {
    const span = given(policy[rule]);
    if (span !== undefined) parts.push(`--keep-${option} ${showSpan(span)}`);
  }
  return parts.join(' ');
}

/**
 * What restic's `forget` would keep of snapshots, given newest first, and by which rules: an empty list is one that goes.
 * Spans of time are counted back from the newest that is not in the future, calendar periods are those of UTC. Later
 * versions of restic than Debian 12 has (0.14) also keep the oldest of all until a counted rule is used up; this does not.
 */
export function applyPolicy(
  times: readonly Date[],
  policy: KeepPolicy,
  now: Date,
): readonly (readonly KeepReason[])[] {
  const newest = times.find((time) => time < now);
  const counted = COUNTED.map((rule) => countedRule(rule, policy[rule.rule] ?? 0));
  const timed = TIMED.map((rule) => timedRule(rule, given(policy[rule.rule]), newest));
  const within = given(policy.within);
  const bound = boundOf(within, newest);
  return times.map((time, index) => [
    ...(within !== undefined && time.getTime() > bound
      ? [{ rule: 'within', text: `within ${showSpan(within)}` } as const]
      : []),
    ...counted.flatMap((keeps) => keeps(time, index) ?? []),
    ...timed.flatMap((keeps) => keeps(time) ?? []),
  ]);
}

function countedRule(
  { rule, period, text }: (typeof COUNTED)[number],
  most: number,
): (time: Date, index: number) => KeepReason | undefined {
  let place = 0;
  let last: number | undefined;
  return (time, index) => {
    if (most !== -1 && place >= most) return undefined;
    const value = period === undefined ? index : period.start(time.getTime());
    if (value === last) return undefined;
    last = value;
    place += 1;
    return { rule, text, count: { place, most } };
  };
}

function timedRule(
  { rule, period, text }: { readonly rule: keyof KeepPolicy; readonly period: Period; readonly text: string },
  span: Span | undefined,
  newest: Date | undefined,
): (time: Date) => KeepReason | undefined {
  let last: number | undefined;
  const bound = boundOf(span, newest);
  return (time) => {
    if (span === undefined || time.getTime() <= bound) return undefined;
    const value = period.start(time.getTime());
    if (value === last) return undefined;
    last = value;
    return { rule, text: `${text} ${showSpan(span)}` };
  };
}

/** Where all are in the future nothing is too old. */
function boundOf(span: Span | undefined, newest: Date | undefined): number {
  return span === undefined || newest === undefined
    ? Number.NEGATIVE_INFINITY
    : shifted(newest, span, 'before');
}

function given(span: Span | undefined): Span | undefined {
  return span === undefined || isZero(span) ? undefined : span;
}
