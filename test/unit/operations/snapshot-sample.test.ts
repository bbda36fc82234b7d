import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseSampleSize, sampleOf } from '../../../src/operations/snapshots/sample.js';

const ids = (count: number): string[] => Array.from({ length: count }, (_, index) => `id${index}`);

describe('the size of a sample', () => {
  it('is a share or a number', () => {
    expect(parseSampleSize('10%')).toEqual({ kind: 'share', percent: 10 });
    expect(parseSampleSize(' 2.5% ')).toEqual({ kind: 'share', percent: 2.5 });
    expect(parseSampleSize('100%')).toEqual({ kind: 'share', percent: 100 });
    expect(parseSampleSize('3')).toEqual({ kind: 'count', count: 3 });
  });

  it('is refused where it means nothing', () => {
    for (const text of ['', '0', '0%', '101%', '-1', '1.5', 'all', '10 %', '1e3', '٣'])
      expect(() => parseSampleSize(text), text).toThrow(expect.objectContaining({ code: 'verify.sample' }));
  });
});

describe('a sample', () => {
  it('has the newest in it, is as large as was asked for, and keeps the order', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 60 }),
        fc.integer({ min: 1, max: 80 }),
        fc.string(),
        (total, count, seed) => {
          const all = ids(total);
          const sample = sampleOf(all, { kind: 'count', count }, seed);
          expect(sample[0]).toBe(all[0]);
          expect(sample).toHaveLength(Math.min(total, count));
          expect(all.filter((id) => sample.includes(id))).toEqual(sample);
          expect(sampleOf(all, { kind: 'count', count }, seed)).toEqual(sample);
        },
      ),
    );
  });

  it('rounds a share up', () => {
    expect(sampleOf(ids(11), { kind: 'share', percent: 10 }, 'x')).toHaveLength(2);
    expect(sampleOf(ids(5), { kind: 'share', percent: 1 }, 'x')).toEqual(['id0']);
    expect(sampleOf(ids(5), { kind: 'share', percent: 100 }, 'x')).toEqual(ids(5));
    expect(sampleOf([], { kind: 'share', percent: 10 }, 'x')).toEqual([]);
  });

  it('is another one with another seed, and in time takes every snapshot', () => {
    const seen = new Set<string>();
    for (let run = 0; run < 400; run++)
      for (const id of sampleOf(ids(20), { kind: 'share', percent: 10 }, String(run))) seen.add(id);
    expect(seen.size).toBe(20);
  });
});
