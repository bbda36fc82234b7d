import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linesOf } from '../../../src/core/lines.js';

const tooLong = (): Error => new Error('too long');

async function lines(chunks: readonly Buffer[], limit = 1000): Promise<string[]> {
  const found: string[] = [];
  for await (const line of linesOf(Readable.from(chunks), limit, tooLong)) found.push(line);
  return found;
}

describe('lines of a stream', () => {
  it('are the same however the stream is cut', async () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'ß', '€', '🙂', '\n', '\r\n'), maxLength: 40 });
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(20), { maxLength: 12 }), async (whole, cuts) => {
        const bytes = Buffer.from(whole);
        const chunks: Buffer[] = [];
        let from = 0;
        for (const length of cuts) {
          chunks.push(bytes.subarray(from, from + length));
          from += length;
        }
        chunks.push(bytes.subarray(from));
        const wanted = whole.split(/\r?\n/);
        if (wanted.at(-1) === '') wanted.pop();
        expect(await lines(chunks.filter((chunk) => chunk.length > 0))).toEqual(wanted);
      }),
    );
  });

  it('may be as long as the limit, and no longer, with an end or without', async () => {
    expect(await lines([Buffer.from(`${'x'.repeat(10)}\n`)], 10)).toEqual(['x'.repeat(10)]);
    await expect(lines([Buffer.from(`${'x'.repeat(11)}\n`)], 10)).rejects.toThrow('too long');
    await expect(lines([Buffer.alloc(6, 'x'), Buffer.alloc(6, 'x')], 10)).rejects.toThrow('too long');
  });

  it('end the source when nobody wants more', async () => {
    const source = Readable.from([Buffer.from('a\nb\n')]);
    for await (const line of linesOf(source, 10, tooLong)) if (line === 'a') break;
    expect(source.destroyed).toBe(true);
  });
});
