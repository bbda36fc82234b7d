import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyPolicy, type KeepPolicy } from '../../../src/repository/retention/keep-policy.js';
import { keptUntil } from '../../../src/repository/retention/kept-until.js';
import { parseSpan } from '../../../src/repository/retention/span.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const now = new Date('2026-11-24T12:30:00Z');

function until(times: readonly Date[], index: number, policy: KeepPolicy): Date | 'always' | undefined {
  const time = times[index] ?? now;
  return keptUntil(
    { time, rules: applyPolicy(times, policy, now)[index] ?? [] },
    policy,
    times[0] ?? now,
    now,
  );
}

const days = (count: number): Date[] =>
  Array.from({ length: count }, (_, day) => new Date(now.getTime() - HOUR - day * DAY));

describe('until when a snapshot is kept', () => {
  it('is told by the rule that keeps it longest', () => {
    const policy = { daily: 7, monthly: 2 };
    expect(until(days(10), 1, policy)).toEqual(new Date('2026-11-30T00:00:00Z'));
    // The last one of October.
    const times = [...days(1), new Date('2026-10-31T10:00:00Z')];
    expect(until(times, 1, policy)).toEqual(new Date('2026-12-01T00:00:00Z'));
    expect(until(times, 1, { yearly: 1, within: parseSpan('90d') })).toEqual(
      new Date('2027-01-29T10:00:00Z'),
    );
  });

  it('has no end where a rule keeps all, and is not told where the next backup may take its place', () => {
    expect(until(days(3), 1, { daily: -1 })).toBe('always');
    expect(until(days(3), 0, { daily: 7 })).toBeUndefined();
    expect(until(days(3), 1, { last: 7 })).toBeUndefined();
    expect(until(days(3), 2, { last: 1 })).toBeUndefined();
  });

  it('is never too late: with a backup every hour from now on it is kept until then', () => {
    const policies: fc.Arbitrary<KeepPolicy> = fc.record({
      hourly: fc.constantFrom(0, 1, 5),
      daily: fc.constantFrom(0, 1, 7, 30),
      weekly: fc.constantFrom(0, 1, 4),
      monthly: fc.constantFrom(0, 1, 2),
      within: fc.constantFrom('3h', '9d', '1m', '1m1d').map(parseSpan),
      withinDaily: fc.constantFrom('1h', '10d', '2m').map(parseSpan),
    });
    const gaps = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(gaps, policies, (hours, policy) => {
        let at = now.getTime();
        const times = hours.map((gap) => {
          at -= gap * HOUR;
          return new Date(at);
        });
        for (const [index, time] of times.entries()) {
          const end = until(times, index, policy);
          if (!(end instanceof Date)) continue;
          for (const part of [0.25, 0.7, 1]) {
            const later = new Date(now.getTime() + (end.getTime() - 1 - now.getTime()) * part);
            const added: Date[] = [];
            for (let next = later.getTime() - 1; next > now.getTime(); next -= HOUR)
              added.push(new Date(next));
            const all = [...added, ...times];
            const reasons = applyPolicy(all, policy, later)[all.indexOf(time)];
            expect(reasons?.length, `${time.toISOString()} until ${end.toISOString()}`).toBeGreaterThan(0);
          }
        }
      }),
      { numRuns: 40 },
    );
  });
});
