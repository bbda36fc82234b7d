import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isSpan,
  isZero,
  parseSpan,
  type Span,
  shifted,
  showSpan,
} from '../../../src/repository/retention/span.js';

const spans: fc.Arbitrary<Span> = fc.record({
  years: fc.nat(99),
  months: fc.nat(99),
  days: fc.nat(9999),
  hours: fc.nat(9999),
});

describe('a span of time', () => {
  it('is read back from what is shown of it', () => {
    fc.assert(
      fc.property(spans, (span) => {
        expect(parseSpan(showSpan(span))).toEqual(span);
        expect(isZero(span)).toBe(showSpan(span) === '0h');
      }),
    );
  });

  it.each(['', '7', 'd', '7w', '-7d', '7d7d', '1.5d', '7 d', '7dx', '1y 2m', '123456d'])(
    'is not "%s"',
    (text) => {
      expect(parseSpan(text)).toBeUndefined();
    },
  );

  it('may have its units in any order', () => {
    expect(parseSpan(' 2h7d5m1y ')).toEqual({ years: 1, months: 5, days: 7, hours: 2 });
  });

  it.each([
    ['2026-03-31T10:00:00Z', '1m', '2026-03-03T10:00:00.000Z'],
    ['2024-03-31T10:00:00Z', '1m', '2024-03-02T10:00:00.000Z'],
    ['2024-02-29T10:00:00Z', '1y', '2023-03-01T10:00:00.000Z'],
    ['2026-01-01T00:30:00Z', '1h', '2025-12-31T23:30:00.000Z'],
    ['2026-11-24T10:00:00Z', '1y5m7d2h', '2025-06-17T08:00:00.000Z'],
  ])('before %s, %s, is %s, in UTC', (time, text, expected) => {
    const span = parseSpan(text);
    expect(new Date(shifted(new Date(time), span ?? spanless, 'before')).toISOString()).toBe(expected);
  });

  it('beyond what a date can hold is endless', () => {
    const long = { ...spanless, years: 99_999, days: 99_999_999 };
    expect(shifted(new Date(8.64e15), long, 'after')).toBe(Number.POSITIVE_INFINITY);
    expect(shifted(new Date(-8.64e15), long, 'before')).toBe(Number.NEGATIVE_INFINITY);
  });

  it('is told from other values', () => {
    expect([spanless, { years: 1 }, null, 'a', { ...spanless, days: '1' }].map(isSpan)).toEqual([
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

const spanless: Span = { years: 0, months: 0, days: 0, hours: 0 };
