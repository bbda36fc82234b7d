import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type KeepPolicy, TIMED } from '../../../src/repository/retention/keep-policy.js';
import {
  type Candidate,
  judge,
  type RetentionFacts,
  type Standing,
} from '../../../src/repository/retention/retention.js';
import { parseSpan, type Span } from '../../../src/repository/retention/span.js';

const now = new Date('2026-11-24T12:00:00Z');
const HOUR = 3_600_000;
const hoursAgo = (hours: number): Date => new Date(now.getTime() - hours * HOUR);

function snapshot(id: string, hours: number, more: Partial<Candidate> = {}): Candidate {
  return { id, time: hoursAgo(hours), standing: 'good', recipients: ['SHA256:today'], ...more };
}

function verdicts(
  candidates: readonly Candidate[],
  policy: KeepPolicy,
  more: Partial<RetentionFacts> = {},
): Record<string, string> {
  const facts = { policy, now, recipients: ['SHA256:today'], ...more };
  return Object.fromEntries(
    judge(candidates, facts).map(({ candidate, keep, reasons }) => [
      candidate.id,
      `${keep ? 'keep' : 'drop'}: ${reasons.join(', ')}`,
    ]),
  );
}

describe('retention', () => {
  it('keeps what the policy keeps, and says by which rules', () => {
    const daily = Array.from({ length: 4 }, (_, day) => snapshot(`day-${day}`, 24 * day + 1));
    expect(verdicts(daily, { last: 1, daily: 2 })).toEqual({
      'day-0': 'keep: last snapshot, daily snapshot',
      'day-1': 'keep: daily snapshot',
      'day-2': 'drop: no rule keeps it',
      'day-3': 'drop: no rule keeps it',
    });
  });

  it.each<KeepPolicy>([{}, { last: 0, daily: 0 }, { within: parseSpan('0d') }])(
    'drops nothing without a policy (%o)',
    (policy) => {
      expect(verdicts([snapshot('a', 1), snapshot('b', 2, { standing: 'unproven' })], policy)).toEqual({
        a: 'keep: there is no policy',
        b: 'keep: there is no policy',
      });
    },
  );

  it('lets one whose proofs failed, or whose object is gone, take no place, and drops it when a good one is newer', () => {
    const found = verdicts(
      [
        snapshot('newest', 1, { standing: 'unproven' }),
        snapshot('good', 2),
        snapshot('bad', 3, { standing: 'unproven' }),
        snapshot('gone', 4, { standing: 'missing' }),
        snapshot('older', 5),
      ],
      { last: 2 },
    );
    expect(found).toEqual({
      newest: 'keep: its proofs failed, but no good one is newer',
      good: 'keep: last snapshot',
      bad: 'drop: its proofs failed, and a good one is newer',
      gone: 'drop: the object is gone, and a good one is newer',
      older: 'keep: last snapshot',
    });
  });

  it('drops nothing where none is good', () => {
    const bad = ['a', 'b', 'c'].map((id, age) => snapshot(id, age + 1, { standing: 'unproven' }));
    expect(Object.values(verdicts(bad, { last: 1 })).every((text) => text.startsWith('keep'))).toBe(true);
  });

  it('judges one whose sidecar cannot be relied on by its age, and lets it take no place', () => {
    const found = verdicts(
      [
        snapshot('a', 1),
        snapshot('unreadable', 30, { standing: 'unreadable' }),
        snapshot('b', 31),
        snapshot('c', 60),
        snapshot('old', 61, { standing: 'unreadable' }),
      ],
      { daily: 2 },
    );
    expect(found).toEqual({
      a: 'keep: daily snapshot',
      unreadable: 'keep: daily snapshot',
      b: 'keep: daily snapshot',
      c: 'drop: no rule keeps it',
      old: 'drop: no rule keeps it',
    });
  });

  it('never drops what a newer version made', () => {
    const found = verdicts([snapshot('a', 1), snapshot('new', 9000, { standing: 'unknown-format' })], {
      last: 1,
    });
    expect(found['new']).toBe('keep: a newer version made it');
  });

  it('keeps what claims to be from the future, without letting it take a place', () => {
    const found = verdicts([snapshot('future', -48), snapshot('a', 1), snapshot('b', 2)], {
      last: 1,
      within: parseSpan('1h'),
    });
    expect(found).toEqual({
      future: 'keep: its time is in the future',
      a: 'keep: within 1h, last snapshot',
      b: 'drop: no rule keeps it',
    });
  });

  it('keeps the newest that passed a drill, whatever the policy says', () => {
    const drill = (passed: boolean) => ({ drill: { at: now, passed } });
    const found = verdicts(
      [
        snapshot('a', 1),
        snapshot('failed', 2, drill(false)),
        snapshot('passed', 3, drill(true)),
        snapshot('passed-before', 4, drill(true)),
      ],
      { last: 1 },
    );
    expect(found).toEqual({
      a: 'keep: last snapshot',
      failed: 'drop: no rule keeps it',
      passed: 'keep: it is the newest that passed a drill',
      'passed-before': 'drop: no rule keeps it',
    });
  });

  it('keeps the newest that each recipient of today opens', () => {
    const old = { recipients: ['SHA256:before', 'SHA256:gone'] };
    const all = [snapshot('a', 1), snapshot('b', 2, old), snapshot('c', 3, old)];
    expect(verdicts(all, { last: 1 }, { recipients: ['SHA256:today', 'SHA256:before'] })).toEqual({
      a: 'keep: last snapshot',
      b: 'keep: it is the newest that SHA256:before opens',
      c: 'drop: no rule keeps it',
    });
    expect(verdicts(all, { last: 1 })['b']).toBe('drop: no rule keeps it');
    // Who the recipients are is not known on this machine: everybody counts.
    expect(verdicts(all, { last: 1 }, { recipients: undefined })['b']).toBe(
      'keep: it is the newest that SHA256:before opens, it is the newest that SHA256:gone opens',
    );
  });

  it('keeps the current state of the host and the last way back, and judges other ways back by their age', () => {
    const found = verdicts(
      [
        snapshot('safety', 1, { standing: 'aside' }),
        snapshot('a', 2),
        snapshot('b', 3),
        snapshot('safety-before', 4, { standing: 'aside' }),
        snapshot('safety-first', 4.5, { standing: 'aside' }),
        snapshot('current', 5, { current: true }),
      ],
      { last: 2 },
    );
    expect(found).toEqual({
      safety: 'keep: last snapshot',
      a: 'keep: last snapshot',
      b: 'keep: last snapshot',
      'safety-before': 'drop: no rule keeps it',
      'safety-first': 'drop: no rule keeps it',
      current: 'keep: it is the current state of the host',
    });
    const alone = [snapshot('a', 2), snapshot('b', 3), snapshot('safety', 4, { standing: 'aside' })];
    expect(verdicts(alone, { last: 1 })['safety']).toBe('keep: it is the way back of the last restore');
  });
});

const counts = fc.option(fc.constantFrom(-1, 0, 1, 2, 5), { nil: undefined });
const spans = fc.option(
  fc.constantFrom('1h', '30h', '2d', '7d', '1m', '1m3d', '1y').map((text) => parseSpan(text)),
  { nil: undefined },
);
const policies: fc.Arbitrary<KeepPolicy> = fc.record({
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
});
const standings = fc.constantFrom<Standing>(
  'good',
  'good',
  'good',
  'unproven',
  'missing',
  'unreadable',
  'aside',
  'unknown-format',
);
const timelines: fc.Arbitrary<Candidate[]> = fc.uniqueArray(
  fc.record({
    id: fc.uuid(),
    time: fc.oneof(fc.integer({ min: -30, max: 400 }), fc.integer({ min: 0, max: 20_000 })).map(hoursAgo),
    standing: standings,
    recipients: fc.subarray(['SHA256:a', 'SHA256:b', 'SHA256:c']),
    drill: fc.option(fc.record({ at: fc.constant(now), passed: fc.boolean() }), { nil: undefined, freq: 3 }),
  }),
  { maxLength: 25, selector: ({ time }) => time.getTime() },
);
const recipients = fc.option(fc.subarray(['SHA256:a', 'SHA256:b', 'SHA256:d']), { nil: undefined });

const keptOf = (candidates: readonly Candidate[], facts: RetentionFacts): Candidate[] =>
  judge(candidates, facts).flatMap(({ keep, candidate }) => (keep ? [candidate] : []));

describe('retention, of any timeline under any policy,', () => {
  const holds = (check: (timeline: Candidate[], facts: RetentionFacts) => void): void => {
    fc.assert(
      fc.property(timelines, policies, recipients, (timeline, policy, who) =>
        check(timeline, { policy, now, recipients: who }),
      ),
      { numRuns: 400 },
    );
  };
  const usable = (timeline: readonly Candidate[]): Candidate[] =>
    timeline
      .filter(({ standing, time }) => standing === 'good' && time < now)
      .sort((a, b) => b.time.getTime() - a.time.getTime());

  it('says something of every one, with a reason', () => {
    holds((timeline, facts) => {
      const found = judge(timeline, facts);
      expect(new Set(found.map(({ candidate }) => candidate))).toEqual(new Set(timeline));
      expect(found.every(({ reasons }) => reasons.length > 0)).toBe(true);
    });
  });

  it('never drops the newest good one, nor the newest that passed a drill, nor the last that a recipient opens', () => {
    holds((timeline, facts) => {
      const kept = new Set(keptOf(timeline, facts));
      const good = usable(timeline);
      const wanted = [
        good[0],
        good.find(({ drill }) => drill?.passed === true),
        ...(facts.recipients ?? ['SHA256:a', 'SHA256:b', 'SHA256:c']).map((recipient) =>
          good.find((candidate) => candidate.recipients?.includes(recipient)),
        ),
      ];
      for (const candidate of wanted) if (candidate !== undefined) expect(kept).toContain(candidate);
      if (good.length === 0) expect(kept.size).toBe(timeline.length);
    });
  });

  it('drops nothing of what it has kept', () => {
    holds((timeline, facts) => {
      const kept = keptOf(timeline, facts);
      expect(keptOf(kept, facts)).toEqual(kept);
    });
  });

  it('comes to the same end when it was broken off at any point', () => {
    fc.assert(
      fc.property(timelines, policies, recipients, fc.nat(25), (timeline, policy, who, removals) => {
        const facts = { policy, now, recipients: who };
        const doomed = judge(timeline, facts).filter(({ keep }) => !keep);
        // Oldest first, as prune does it.
        const gone = new Set(
          doomed
            .reverse()
            .slice(0, removals)
            .map(({ candidate }) => candidate),
        );
        const rest = timeline.filter((candidate) => !gone.has(candidate));
        expect(keptOf(rest, facts)).toEqual(keptOf(timeline, facts));
      }),
      { numRuns: 400 },
    );
  });

  it('keeps at least as much under a policy that keeps more', () => {
    const more = (policy: KeepPolicy, rule: keyof KeepPolicy): KeepPolicy => {
      const value = policy[rule];
      if (typeof value === 'object') return { ...policy, [rule]: longer(value) };
      const timed = rule === 'within' || TIMED.some((other) => other.rule === rule);
      if (timed) return { ...policy, [rule]: parseSpan('3d') };
      return { ...policy, [rule]: value === -1 ? -1 : (value ?? 0) + 1 };
    };
    const longer = (span: Span): Span => ({ ...span, days: span.days + 1 });
    const rules = fc.constantFrom<keyof KeepPolicy>(
      'last',
      'daily',
      'weekly',
      'yearly',
      'within',
      'withinDaily',
      'withinMonthly',
    );
    fc.assert(
      fc.property(timelines, policies, recipients, rules, (timeline, policy, who, rule) => {
        const facts = { policy, now, recipients: who };
        const before = keptOf(timeline, facts);
        // Without any policy all are kept; that is no policy that keeps more or less.
        fc.pre(before.length < timeline.length);
        const after = new Set(keptOf(timeline, { ...facts, policy: more(policy, rule) }));
        for (const candidate of before) expect(after).toContain(candidate);
      }),
      { numRuns: 400 },
    );
  });
});
