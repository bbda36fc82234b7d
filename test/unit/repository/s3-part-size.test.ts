import fc from 'fast-check';
import { expect, test } from 'vitest';
import { partSizeFor } from '../../../src/repository/s3/part-size.js';

const MiB = 1024 * 1024;

test('parts are as small as they are set, while an object fits', () => {
  expect(partSizeFor(5 * MiB)).toBe(5 * MiB);
  expect(partSizeFor(5 * MiB, 40 * 1024 * MiB)).toBe(5 * MiB);
  expect(partSizeFor(16 * MiB, 40 * 1024 * MiB)).toBe(16 * MiB);
});

test('whatever the size, there are parts enough for it', () => {
  const sizes = fc.tuple(fc.integer({ min: 5 * MiB, max: 64 * MiB }), fc.nat(5 * 1024 ** 4));
  fc.assert(
    fc.property(sizes, ([usual, expected]) => {
      const size = partSizeFor(usual, expected);
      expect(size).toBeGreaterThanOrEqual(usual);
      expect(size * 10_000).toBeGreaterThanOrEqual(expected);
    }),
  );
});
