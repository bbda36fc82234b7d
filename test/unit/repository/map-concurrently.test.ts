import { describe, expect, it } from 'vitest';
import { mapConcurrently } from '../../../src/repository/map-concurrently.js';

describe('mapping some at once', () => {
  it('keeps the order and never has more in flight than asked', async () => {
    let inFlight = 0;
    let most = 0;
    const results = await mapConcurrently([5, 1, 4, 2, 3, 0], 3, async (number) => {
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setTimeout(resolve, number));
      inFlight -= 1;
      return number * 2;
    });
    expect(results).toEqual([10, 2, 8, 4, 6, 0]);
    expect(most).toBe(3);
    expect(await mapConcurrently([], 3, async () => 1)).toEqual([]);
  });

  it('throws the first failure after those in flight have ended, and begins nothing more', async () => {
    const begun: number[] = [];
    const ended: number[] = [];
    const mapping = mapConcurrently([1, 2, 3, 4, 5], 2, async (number) => {
      begun.push(number);
      await new Promise((resolve) => setTimeout(resolve, number * 5));
      if (number === 1) throw new Error('first');
      ended.push(number);
    });
    await expect(mapping).rejects.toThrow('first');
    expect(begun).toEqual([1, 2]);
    expect(ended).toEqual([2]);
  });
});
