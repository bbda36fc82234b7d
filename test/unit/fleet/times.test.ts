import { describe, expect, it } from 'vitest';
import { lastTime, nextTime, showTimes, timesOf } from '../../../src/fleet/schedule/times.js';

const DAY = 86_400;
const daily = { every: DAY, start: 2 * 3600, jitter: 3600 };
const noon = Date.UTC(2026, 10, 27, 12);

describe('when an operation is due', () => {
  it('is within the window of the inventory, every day at the same moment', () => {
    for (const host of ['web1', 'web2', 'ünïcode', 'a'.repeat(300)]) {
      const times = timesOf(daily, host, 'backup');
      const next = nextTime(noon, showTimes(times)) ?? 0;
      const ofDay = next % (DAY * 1000);
      expect(ofDay).toBeGreaterThanOrEqual(2 * 3600_000);
      expect(ofDay).toBeLessThan(3 * 3600_000);
      expect(nextTime(next, showTimes(times))).toBe(next + DAY * 1000);
      expect(lastTime(times, next)).toBe(next);
      expect(lastTime(times, next - 1)).toBe(next - DAY * 1000);
    }
  });

  it('is spread over the window', () => {
    const minutes = Array.from({ length: 600 }, (_one, index) =>
      Math.floor((timesOf(daily, `host${index}`, 'backup').offset / 1000 - daily.start) / 600),
    );
    // Six parts of ten minutes; by chance about a hundred hosts each.
    for (let part = 0; part < 6; part++)
      expect(minutes.filter((one) => one === part).length).toBeGreaterThan(60);
  });

  it('is whole seconds, because a round is named by them', () => {
    const { offset } = timesOf({ every: 90, start: 7, jitter: 90 }, 'web1', 'verify');
    expect(offset % 1000).toBe(0);
    expect(offset).toBeLessThan(90_000);
  });

  it('differs from operation to operation', () => {
    expect(timesOf(daily, 'web1', 'backup')).not.toEqual(timesOf(daily, 'web1', 'drill'));
  });

  it.each(['', '* * * * *', '0+0', '-5+3', '5', '5+'])('is not told by another pattern: %j', (pattern) => {
    expect(nextTime(noon, pattern)).toBeUndefined();
  });
});
