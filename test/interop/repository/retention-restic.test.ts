import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  applyPolicy,
  describePolicy,
  isEmpty,
  type KeepPolicy,
} from '../../../src/repository/retention/keep-policy.js';
import { parseSpan } from '../../../src/repository/retention/span.js';
import { ResticRepository } from './restic.js';

const HOUR = 3_600_000;
const TIMELINES = 200;
const POLICIES = 12;

const seed = Date.now() % 0x7fffffff;
const now = Math.floor(Date.now() / 1000) * 1000;

/** Moments around which calendars differ: ends of days, months, ISO weeks and years, leap days. */
const EDGES = [
  '2024-02-29T00:00:00Z',
  '2024-12-30T00:00:00Z',
  '2021-01-04T00:00:00Z',
  '2023-01-01T00:00:00Z',
  '2026-01-01T00:00:00Z',
  '2026-03-01T00:00:00Z',
  '2026-03-31T12:00:00Z',
  '2026-10-25T01:00:00Z',
].map((text) => Date.parse(text));

const moments = fc.oneof(
  fc.integer({ min: 1, max: 72 * 60 }).map((minutes) => now - minutes * 60_000),
  fc.integer({ min: 1, max: 60 * 24 }).map((hours) => now - hours * HOUR),
  fc.integer({ min: 1, max: 2500 }).map((days) => now - days * 24 * HOUR),
  fc
    .tuple(fc.constantFrom(...EDGES), fc.integer({ min: -5, max: 5 }))
    .map(([edge, steps]) => edge + steps * 1000),
  fc.integer({ min: 1, max: 200 }).map((hours) => now + hours * HOUR),
);
/** A rhythm, as a timer makes it, or whatever comes. */
const timelines = fc.oneof(
  fc
    .tuple(
      fc.integer({ min: 1, max: 2000 }),
      fc.constantFrom(1, 6, 24, 25, 170, 700),
      fc.integer({ min: 1, max: 40 }),
    )
    .map(([start, hours, count]) =>
      Array.from({ length: count }, (_, nr) => now - (start + nr * hours) * HOUR),
    ),
  fc.array(moments, { minLength: 1, maxLength: 40 }),
);

const counts = fc.oneof(
  { weight: 3, arbitrary: fc.constant(0) },
  { weight: 4, arbitrary: fc.constantFrom(-1, 1, 2, 3, 5, 12) },
);
const spans = fc.oneof(
  { weight: 3, arbitrary: fc.constant(undefined) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom('1h', '36h', '7d', '1m', '1m2d', '11m', '1y5m7d2h', '3y')
      .map((text) => parseSpan(text)),
  },
);
const policies: fc.Arbitrary<KeepPolicy> = fc
  .record({
    last: counts,
    hourly: counts,
    daily: counts,
    weekly: counts,
    monthly: counts,
    yearly: counts,
    within: spans,
    withinHourly: spans,
    withinDaily: spans,
    withinWeekly: spans,
    withinMonthly: spans,
    withinYearly: spans,
  })
  .filter((policy) => !isEmpty(policy));

describe('retention', () => {
  let restic: ResticRepository;
  const samples = fc.sample(timelines, { seed, numRuns: TIMELINES });
  const times = new Map(
    samples.map((found, nr) => [
      `timeline-${nr}`,
      [...new Set(found)].sort((a, b) => b - a).map((time) => new Date(time)),
    ]),
  );
  beforeAll(async () => {
    restic = await ResticRepository.create();
    for (const [host, timeline] of times) await restic.add(host, timeline);
  }, 60_000);
  afterAll(async () => {
    await restic?.remove();
  });

  it(`keeps and drops what restic's forget does, for the same reasons, on ${TIMELINES} timelines`, async () => {
    let compared = 0;
    const all = (await restic.keepsOldest()) ? -1 : Number.POSITIVE_INFINITY;
    for (const policy of fc.sample(policies, { seed, numRuns: POLICIES })) {
      // 0.14 has no word for all; so many there never are.
      const args = describePolicy(policy).replaceAll('unlimited', '1000000').split(' ');
      const theirs = await restic.forget(args);
      for (const [host, timeline] of times) {
        const ours = applyPolicy(timeline, policy, new Date());
        const { kept, removed } = theirs.get(host) ?? {};
        for (const [index, time] of timeline.slice(0, all).entries()) {
          const message = `${time.toISOString()} of ${host} under ${args.join(' ')} (seed ${seed})`;
          const reasons = (ours[index] ?? []).map(({ text }) => text);
          expect(kept?.get(time.getTime()) ?? [], message).toEqual(reasons);
          expect(removed?.has(time.getTime()), message).toBe(reasons.length === 0);
        }
        compared += 1;
      }
    }
    expect(compared).toBe(TIMELINES * POLICIES);
  });
});
