import type { Duplex } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decompressionStream } from '../../../src/archive/gzip.js';
import { hasZstd } from '../../../src/archive/zstd.js';
import { type ZstdOptions, zstdStream } from '../../../src/archive/zstd-block.js';
import { ZstdFrames } from '../../../src/archive/zstd-frames.js';
import { blockCases } from './block-cases.js';
import { noise, pieces, run } from './streams.js';

/** A frame whose blocks hold their content as it is (RFC 8878), with a content size of `sizeBytes`. */
function rawFrame(contents: readonly string[], { sizeBytes = 0, checksum = false } = {}): Buffer {
  const flag = { 0: 0, 2: 1, 4: 2, 8: 3 }[sizeBytes] ?? 0;
  const head = [0x28, 0xb5, 0x2f, 0xfd, (flag << 6) | (checksum ? 4 : 0), 0x50];
  const blocks = contents.map((text, index) => {
    const header = Buffer.alloc(3);
    header.writeUIntLE((text.length << 3) | (index === contents.length - 1 ? 1 : 0), 0, 3);
    return Buffer.concat([header, Buffer.from(text)]);
  });
  return Buffer.concat([
    ...[Buffer.from(head), Buffer.alloc(sizeBytes), ...blocks],
    Buffer.alloc(checksum ? 4 : 0),
  ]);
}

const SKIPPABLE = Buffer.from('5a2a4d1803000000616263', 'hex');
/** 5,000 times the same byte, in one block of that kind, as a single segment. */
const REPEATED = Buffer.from('28b52ffd608812439c0061', 'hex');

/** The lengths of the frames that were found, and whether the bytes end between two. */
function framesOf(bytes: Buffer, cut: number): { lengths: number[]; isBetween: boolean; isZstd: boolean } {
  const frames = new ZstdFrames();
  const lengths: number[] = [];
  let length = 0;
  for (const piece of pieces(bytes, cut)) {
    for (const share of frames.push(piece)) {
      if (share === undefined) return { lengths, isBetween: false, isZstd: false };
      length += share.bytes.length;
      if (!share.isLast) continue;
      lengths.push(length);
      length = 0;
    }
  }
  return { lengths, isBetween: frames.isBetween, isZstd: true };
}

describe('the frames of a zstd file', () => {
  const frames = [
    rawFrame(['one']),
    rawFrame([''], { checksum: true }),
    SKIPPABLE,
    rawFrame(['two', '', 'three'.repeat(100)], { sizeBytes: 2, checksum: true }),
    REPEATED,
    rawFrame(['four'], { sizeBytes: 8 }),
    rawFrame(['five'], { sizeBytes: 4 }),
  ];

  it('are found wherever the file is cut', () => {
    const lengths = frames.map((frame) => frame.length);
    for (const cut of [1, 2, 7, 100, 10_000])
      expect(framesOf(Buffer.concat(frames), cut)).toEqual({ lengths, isBetween: true, isZstd: true });
  });

  it('are known to be incomplete at every byte within them', () => {
    for (const frame of frames) {
      for (let end = 1; end < frame.length; end++)
        expect(framesOf(frame.subarray(0, end), 3)).toMatchObject({ lengths: [], isBetween: false });
    }
  });

  it('are told from what is none', () => {
    for (const tail of [Buffer.from('text'), Buffer.alloc(512), Buffer.from('28b52ffe', 'hex')]) {
      const bytes = Buffer.concat([rawFrame(['one']), tail]);
      expect(framesOf(bytes, 5)).toMatchObject({ isZstd: false });
    }
    // A kind of block that does not exist.
    expect(framesOf(Buffer.from('28b52ffd0050070000', 'hex'), 100)).toMatchObject({ isZstd: false });
  });
});

describe.runIf(hasZstd())('block-parallel zstd', () => {
  const text = Buffer.from('INSERT INTO servers VALUES (1, now());\n'.repeat(10_000));

  it('is one zstd file of a frame for each block, whatever the input and however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(blockCases(12), async ({ plain, cuts, options }) => {
        const packed = await packedIn(pieces(plain, ...cuts), options);
        const { lengths, isBetween } = framesOf(packed, packed.length);
        expect(isBetween).toBe(true);
        expect(lengths).toHaveLength(Math.max(1, Math.ceil(plain.length / options.blockSize)));
        const { output, error } = await run(decompressionStream(), pieces(packed, ...cuts));
        expect(error).toBeUndefined();
        expect(output.equals(plain)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  it('makes the same bytes of the same input, however it is cut and however many blocks are in work', async () => {
    const plain = Buffer.concat([text, noise(3 * 1024 * 1024), text]);
    const one = await packedIn(pieces(plain, 70_000), { concurrency: 1 });
    expect(one.equals(await packedIn(pieces(plain, 1, 999_999), { concurrency: 4 }))).toBe(true);
  });

  it('has no frame more where one fills the buffer of its output to the last byte', async () => {
    // What cannot shrink takes 14 bytes more in a frame of one block: header, size of the block, checksum.
    for (const blockSize of [65_536 - 15, 65_536 - 14, 65_536 - 13]) {
      const packed = await packedIn([noise(3 * blockSize)], { blockSize, concurrency: 1 });
      expect(framesOf(packed, packed.length).lengths).toEqual(Array(3).fill(blockSize + 14));
    }
  });

  it('hardly grows what cannot shrink', async () => {
    const random = noise(4 * 1024 * 1024);
    expect((await packedIn(pieces(random, 65_536))).length).toBeLessThan(random.length * 1.001);
  });

  it('stops when its reader goes away', async () => {
    const stage = encoder({ blockSize: 1000 });
    stage.on('data', () => stage.destroy(new Error('enough')));
    const { error } = await run(stage, pieces(noise(200_000), 1000));
    expect(String(error)).toContain('enough');
  });
});

function encoder(options: ZstdOptions = {}): Duplex {
  const stage = zstdStream(options);
  if (stage === undefined) throw new Error('this Node has no zstd');
  return stage;
}

async function packedIn(plain: Iterable<Buffer>, options: ZstdOptions = {}): Promise<Buffer> {
  const { output, error } = await run(encoder(options), plain);
  expect(error).toBeUndefined();
  return output;
}

describe.runIf(hasZstd())('zstd that came to harm', () => {
  const plain = Buffer.concat([Buffer.from('COPY public.servers FROM stdin;\n'.repeat(500)), noise(3000)]);
  const packed = (): Promise<Buffer> => packedIn([plain]);

  it('is found out wherever it was cut', async () => {
    const bytes = await packed();
    for (let end = 1; end < bytes.length; end += end > bytes.length - 20 ? 1 : 97) {
      for (const cut of [1, 1000, bytes.length]) {
        const { code } = await run(decompressionStream(), pieces(bytes.subarray(0, end), cut));
        expect([end, code]).toEqual([end, end < 4 ? 'archive.unknown-format' : 'archive.truncated']);
      }
    }
  });

  it('is found out when a bit of its content or its checksum was changed', async () => {
    const bytes = await packed();
    for (const at of [bytes.length - 1, bytes.length - 4, bytes.length - 5, bytes.length - 500]) {
      const bent = Buffer.from(bytes);
      bent[at] = (bent[at] ?? 0) ^ 1;
      for (const cut of [1, 100, bytes.length])
        expect((await run(decompressionStream(), pieces(bent, cut))).code).toBe('archive.corrupt');
    }
  });

  it('is found out when something follows', async () => {
    const bytes = Buffer.concat([await packed(), Buffer.from('more')]);
    for (const cut of [1, 100, bytes.length])
      expect((await run(decompressionStream(), pieces(bytes, cut))).code).toBe('archive.trailing-data');
  });

  it('may be of several frames', async () => {
    const one = await packed();
    const bytes = Buffer.concat([one, SKIPPABLE, rawFrame(['middle']), one, REPEATED]);
    for (const cut of [1, 100, bytes.length]) {
      const { output, error } = await run(decompressionStream(), pieces(bytes, cut));
      expect(error).toBeUndefined();
      expect(
        output.equals(Buffer.concat([plain, Buffer.from('middle'), plain, Buffer.alloc(5000, 'a')])),
      ).toBe(true);
    }
  });

  it('stops at a bomb', async () => {
    const bomb = await packedIn(pieces(Buffer.alloc(50 * 1024 * 1024), 1024 * 1024));
    const limits = { maxRatio: 500, ratioFromBytes: 1024 * 1024 };
    expect((await run(decompressionStream(limits), [bomb])).code).toBe('archive.limit-exceeded');
    expect((await run(decompressionStream(), [bomb])).output).toHaveLength(50 * 1024 * 1024);
  });
});
