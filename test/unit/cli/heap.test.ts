import { expect, it } from 'vitest';
import { percentFor } from '../../../src/cli/heap.js';

it.each([
  [1, 400],
  [10, 300],
  [30, 100],
  [300, 50],
])(
  'a heap of %i MiB may grow by %i per cent, so that about 30 MiB may come to be in use',
  (heap, percent) => {
    expect(percentFor(heap)).toBe(percent);
  },
);
