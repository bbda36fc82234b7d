import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDuration, showDuration } from '../../../src/core/duration.js';

describe('a length of time', () => {
  it.each([
    ['90s', 90],
    ['15min', 900],
    ['1h30min', 5400],
    ['1d', 86_400],
    [' 2d12h ', 216_000],
  ])('%s is %i seconds', (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  // A month is what "m" means in the settings of retention.
  it.each(['', '15', '15m', '1min1h', '1h1h', '-1h', '1.5h', '1h x', '0s', 'h'])('"%s" is none', (text) =>
    expect(parseDuration(text)).toBeUndefined(),
  );

  it('is shown in two units at most, without those that are zero', () => {
    expect([0, 12.4, 60, 250, 3600, 90_061, 172_800].map(showDuration)).toEqual([
      '0s',
      '12s',
      '1min',
      '4min 10s',
      '1h',
      '1d 1h',
      '2d',
    ]);
  });

  it('is read back as it was shown, as far as it is shown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 59 }), fc.integer({ min: 1, max: 59 }), (minutes, seconds) => {
        const all = minutes * 60 + seconds;
        expect(parseDuration(showDuration(all).replace(' ', ''))).toBe(all);
      }),
    );
  });
});
