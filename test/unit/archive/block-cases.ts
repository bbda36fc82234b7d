import fc from 'fast-check';
import { noise } from './streams.js';

const TEXT = Buffer.from('INSERT INTO servers VALUES (1, now());\n'.repeat(10_000));

const stretches = fc.array(fc.record({ length: fc.nat(200_000), random: fc.boolean() }), { maxLength: 4 });

/** What a compressor of blocks gets: text and noise in turn, how it is cut, and how it is to work; levels up to `most`. */
export function blockCases(most: number) {
  return fc.record({
    plain: stretches.map((parts) =>
      Buffer.concat(
        parts.map(({ length, random }, seed) =>
          random ? noise(length, seed + 1) : TEXT.subarray(0, length),
        ),
      ),
    ),
    cuts: fc.array(fc.integer({ min: 100, max: 300_000 }), { minLength: 1, maxLength: 4 }),
    options: fc.record({
      level: fc.integer({ min: 1, max: most }),
      blockSize: fc.integer({ min: 1000, max: 150_000 }),
      concurrency: fc.integer({ min: 1, max: 5 }),
    }),
  });
}
