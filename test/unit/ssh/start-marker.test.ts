import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bootArguments, newMarker, StartMarker } from '../../../src/ssh/start-marker.js';

test('output is cut at the marker, however it arrives', () => {
  const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
  const cuts = fc.array(fc.nat({ max: 700 }), { maxLength: 8 });
  fc.assert(
    fc.property(bytes, bytes, cuts, (before, after, at) => {
      const marker = newMarker();
      const all = Buffer.concat([before, Buffer.from(marker), after]);
      const stream = new StartMarker(marker);
      const borders = [0, ...at.filter((cut) => cut < all.length).sort((a, b) => a - b), all.length];
      const got = borders.slice(1).map((end, index) => stream.push(all.subarray(borders[index], end)));
      expect(Buffer.concat(got).equals(after)).toBe(true);
      expect(stream.seen).toBe(true);
      expect(stream.preamble).toBe(before.toString());
    }),
  );
});

test('without a marker everything is preamble, of which the end is kept', () => {
  const stream = new StartMarker(newMarker());
  for (let index = 0; index < 100; index += 1) expect(stream.push(Buffer.alloc(4096, 97)).length).toBe(0);
  expect(stream.push(Buffer.from('the end')).length).toBe(0);
  expect(stream.seen).toBe(false);
  expect(stream.preamble.length).toBe(64 * 1024);
  expect(stream.preamble.endsWith('aathe end')).toBe(true);
});

test('a second marker is ordinary output', () => {
  const marker = newMarker();
  const stream = new StartMarker(marker);
  expect(stream.push(Buffer.from(`${marker}${marker}`)).toString()).toBe(marker);
});

test('markers are never the same, and need no quoting', () => {
  expect(newMarker()).not.toBe(newMarker());
  expect(bootArguments(newMarker(), ['x']).at(-2)).toMatch(/^[A-Za-z0-9_./:@+,-]+$/);
});
