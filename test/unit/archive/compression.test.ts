import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import {
  type Compression,
  compressionStream,
  parseCompression,
  requireCompression,
} from '../../../src/archive/compression.js';
import { decompressionStream } from '../../../src/archive/gzip.js';
import { hasZstd } from '../../../src/archive/zstd.js';
import { noise, pieces, run } from './streams.js';

const PLAIN = Buffer.concat([Buffer.from('COPY public.servers FROM stdin;\n'.repeat(3000)), noise(50_000)]);

describe('a choice of compression', () => {
  it('is an algorithm, with a level of its own or the usual one', () => {
    expect(parseCompression('gzip')).toEqual({ algorithm: 'gzip', level: 2 });
    expect(parseCompression('gzip:9')).toEqual({ algorithm: 'gzip', level: 9 });
    expect(parseCompression('zstd')).toEqual({ algorithm: 'zstd', level: 3 });
    expect(parseCompression('zstd:19')).toEqual({ algorithm: 'zstd', level: 19 });
  });

  it.each([
    '',
    'none',
    'gzip:0',
    'gzip:10',
    'gzip:',
    'zstd:20',
    'zstd:-1',
    'gzip:3:3',
    'GZIP',
    'xz',
    ' gzip',
  ])('is nothing else: "%s"', (text) => {
    expect(parseCompression(text)).toBeUndefined();
  });

  it('takes effect: a higher level makes less of the same', async () => {
    const [fast, small] = await Promise.all([packed({ level: 1 }), packed({ level: 9 })]);
    expect(small.length).toBeLessThan(fast.length);
    expect(gunzipSync(small).equals(PLAIN)).toBe(true);
  });
});

describe('zstd', () => {
  it('is there in Node 22.15, 23.8 and newer, and in no older one', () => {
    const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
    const since = major === 22 ? minor >= 15 : major === 23 ? minor >= 8 : major > 23;
    expect(hasZstd()).toBe(since);
  });

  it.runIf(hasZstd())('packs what is unpacked, at the least and the highest level', async () => {
    for (const level of [1, 19]) {
      const bytes = await packed({ algorithm: 'zstd', level });
      expect(bytes.readUInt32LE(0)).toBe(0xfd2fb528);
      for (const cut of [700, 65_536]) {
        const { output, error } = await run(decompressionStream(), pieces(bytes, cut));
        expect(error).toBeUndefined();
        expect(output.equals(PLAIN)).toBe(true);
      }
    }
    expect(() => requireCompression({ algorithm: 'zstd' })).not.toThrow();
  });

  it.runIf(!hasZstd())('is refused by an older Node, before there is anything to pack', () => {
    const choice = { algorithm: 'zstd', level: 3 } as const;
    const failure = {
      kind: 'usage',
      code: 'archive.compression-unsupported',
      why: `Node ${process.versions.node} does not have it`,
      next: 'use Node 22.15 or newer, or gzip',
    };
    for (const attempt of [() => requireCompression(choice), () => compressionStream(choice)])
      expect(attempt).toThrow(expect.objectContaining(failure));
  });

  it.runIf(!hasZstd())('is told by its first bytes, with the command that unpacks it by hand', async () => {
    const { error } = await run(decompressionStream(), [Buffer.from('28b52ffd0400010000', 'hex')]);
    expect(error).toMatchObject({
      kind: 'failed',
      code: 'archive.zstd-unsupported',
      next: expect.stringContaining('age -d -i KEY FILE | zstd -d | tar -x'),
    });
  });
});

async function packed(choice: Partial<Compression>): Promise<Buffer> {
  const { output, error } = await run(
    compressionStream({ algorithm: 'gzip', level: 3, ...choice }),
    pieces(PLAIN, 30_000),
  );
  expect(error).toBeUndefined();
  return output;
}
