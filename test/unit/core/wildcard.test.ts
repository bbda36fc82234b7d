import fc from 'fast-check';
import { expect, it } from 'vitest';
import { fitsWildcard } from '../../../src/core/wildcard.js';

it.each([
  ['*', '', true],
  ['', '', true],
  ['', 'a', false],
  ['?', '', false],
  ['web?', 'web1', true],
  ['*.example.com', 'a.b.example.com', true],
  ['*.example.com', 'example.com', false],
  ['evidence@*', 'evidence@coolify-state', true],
  ['a*b*c', 'a.b.b.c', true],
  ['a.c', 'abc', false],
])('%j on %j: %s', (pattern, text, fits) => {
  expect(fitsWildcard(pattern, text)).toBe(fits);
});

it('means what the expression means', () => {
  const letters = (...all: string[]) => fc.string({ unit: fc.constantFrom(...all), maxLength: 8 });
  fc.assert(
    fc.property(letters('a', 'b', '*', '?', '.'), letters('a', 'b', '.'), (pattern, text) => {
      const source = pattern.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.');
      expect(fitsWildcard(pattern, text)).toBe(new RegExp(`^${source}$`, 's').test(text));
    }),
    { numRuns: 2000 },
  );
});
