import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompressionStream, gzipStream } from '../../../src/archive/gzip.js';
import { blockCases } from './block-cases.js';
import { noise, pieces, run } from './streams.js';

const MIB = 1024 * 1024;
const TEXT = Buffer.from('INSERT INTO servers VALUES (1, now());\n'.repeat(60_000));

describe('block-parallel gzip', () => {
  it('is one gzip file, whatever the input and however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(blockCases(9), async ({ plain, cuts, options }) => {
        const { output, error } = await run(gzipStream(options), pieces(plain, ...cuts));
        expect(error).toBeUndefined();
        expect(gunzipSync(output).equals(plain)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('makes the same bytes of the same input, however it is cut and however many blocks are in work', async () => {
    const plain = Buffer.concat([TEXT, noise(3 * MIB), TEXT]);
    const one = await run(gzipStream({ concurrency: 1 }), pieces(plain, 70_000));
    const four = await run(gzipStream({ concurrency: 4 }), pieces(plain, 1, 999_999));
    expect(one.output.equals(four.output)).toBe(true);
    expect([...one.output.subarray(0, 10)]).toEqual([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, expect.any(Number), 255]);
  });

  it('shrinks text and hardly grows what cannot shrink', async () => {
    expect((await run(gzipStream(), pieces(TEXT, 65_536))).output.length).toBeLessThan(TEXT.length / 20);
    const random = noise(4 * MIB);
    expect((await run(gzipStream(), pieces(random, 65_536))).output.length).toBeLessThan(
      random.length * 1.001,
    );
  });

  it('compresses a block that only looks random in part', async () => {
    const mixed = Buffer.concat([noise(300_000), Buffer.alloc(700_000, 'text ')]);
    expect((await run(gzipStream(), [mixed])).output.length).toBeLessThan(400_000);
  });

  it('is a valid file of nothing for no input', async () => {
    const { output } = await run(gzipStream(), []);
    expect(gunzipSync(output)).toHaveLength(0);
  });

  it('stops when its reader goes away', async () => {
    const stage = gzipStream({ blockSize: 1000 });
    stage.on('data', () => stage.destroy(new Error('enough')));
    const { error } = await run(stage, pieces(noise(200_000), 1000));
    expect(String(error)).toContain('enough');
  });
});

describe('decompression', () => {
  const plain = Buffer.concat([TEXT.subarray(0, 30_000), noise(3000)]);
  const members = Buffer.concat([
    gzipSync(plain.subarray(0, 31_000)),
    gzipSync(Buffer.alloc(0)),
    gzipSync(plain.subarray(31_000)),
  ]);

  it('joins gzip members however they are cut', async () => {
    for (const cuts of [[1], [7, 1, 3000], [65_536], [members.length]]) {
      const { output, error } = await run(decompressionStream(), pieces(members, ...cuts));
      expect(error).toBeUndefined();
      expect(output.equals(plain)).toBe(true);
    }
  });

  it('passes a plain tar archive, and one without entries, unchanged', async () => {
    const header = Buffer.alloc(512);
    header.write('ustar', 257);
    for (const tar of [Buffer.concat([header, noise(300_000)]), Buffer.alloc(10_240)]) {
      for (const cut of [1, 100_000]) {
        const { output, error } = await run(decompressionStream(), pieces(tar, cut));
        expect(error).toBeUndefined();
        expect(output.equals(tar)).toBe(true);
      }
    }
  });

  const damages: readonly [string, string, Buffer][] = [
    ['nothing', 'archive.truncated', Buffer.alloc(0)],
    ['another format', 'archive.unknown-format', Buffer.from('hello, this is text'.repeat(50))],
    ['a few bytes', 'archive.unknown-format', Buffer.from('hi')],
    ['a cut within a member', 'archive.truncated', members.subarray(0, -100)],
    ['a cut within the last checksum', 'archive.truncated', members.subarray(0, -3)],
    ['a cut within a header', 'archive.truncated', members.subarray(0, 5)],
    ['text after the end', 'archive.trailing-data', Buffer.concat([members, Buffer.from('more')])],
    ['zeros after the end', 'archive.trailing-data', Buffer.concat([members, Buffer.alloc(700)])],
    ['a flipped bit', 'archive.corrupt', flip(members, 2000)],
    ['a wrong checksum', 'archive.corrupt', flip(members, members.length - 6)],
  ];
  for (const [what, code, bytes] of damages) {
    it(`of ${what} fails with ${code}, however it is cut`, async () => {
      for (const cuts of [[1], [1000, 3], [bytes.length + 1]]) {
        expect((await run(decompressionStream(), pieces(bytes, ...cuts))).code).toBe(code);
      }
    });
  }

  it('stops at the limit that it was given', async () => {
    const bomb = gzipSync(Buffer.alloc(20 * MIB));
    const { code, output } = await run(decompressionStream({ maxOutputBytes: MIB }), [bomb]);
    expect(code).toBe('archive.limit-exceeded');
    expect(output.length).toBeLessThanOrEqual(MIB);
    expect((await run(decompressionStream({ maxOutputBytes: 20 * MIB }), [bomb])).code).toBeUndefined();
  });

  it('stops at a bomb, which unpacks to hundreds of times its size', async () => {
    const bomb = gzipSync(Buffer.alloc(40 * MIB));
    const limits = { maxRatio: 500, ratioFromBytes: 5 * MIB };
    const { code, error, output } = await run(decompressionStream(limits), pieces(bomb, 4096));
    expect(code).toBe('archive.limit-exceeded');
    expect(error).toMatchObject({
      kind: 'proof',
      why: expect.stringMatching(/bytes of it unpack to more than 500 times as many$/),
      next: expect.stringContaining('by hand'),
    });
    expect(output.length).toBeLessThan(10 * MIB);
    // As little as that does no harm, and text shrinks by less.
    expect((await run(decompressionStream(limits), [gzipSync(Buffer.alloc(4 * MIB))])).code).toBeUndefined();
    const text = Buffer.concat([TEXT, TEXT, TEXT]);
    expect((await run(decompressionStream(limits), [gzipSync(text)])).code).toBeUndefined();
  });
});

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}
