import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decompressionStream } from '../../../src/archive/gzip.js';
import { hasZstd } from '../../../src/archive/zstd.js';
import { zstdStream } from '../../../src/archive/zstd-block.js';
import { ZstdFrames } from '../../../src/archive/zstd-frames.js';
import { noise, pieces, run } from '../../unit/archive/streams.js';
import { command, filter } from './programs.js';

const TEXT = Buffer.from('COPY servers FROM stdin;\n1\tlocalhost\t\\N\n'.repeat(40_000));
const INPUTS: readonly (readonly [string, Buffer])[] = [
  ['nothing', Buffer.alloc(0)],
  ['one byte', Buffer.from('x')],
  ['zeros', Buffer.alloc(3_000_000)],
  ['text and noise', Buffer.concat([TEXT, noise(700_000), TEXT])],
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zstd-command-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the zstd command', () => {
  for (const [what, plain] of INPUTS) {
    for (const options of [['-1'], ['-19'], ['--no-check'], ['--no-content-size', '-T2']]) {
      it(`with ${options.join(' ')} packs ${what} into frames whose end is found`, async () => {
        const packed = await filter('zstd', ['-c', ...options], Readable.from(pieces(plain, 65_536)));
        expect(ends(packed)).toEqual([packed.length]);
        expect(ends(Buffer.concat([packed, packed]))).toEqual([packed.length, 2 * packed.length]);
        expect(ends(packed.subarray(0, -1))).toEqual([]);
        const opened = await run(decompressionStream(), pieces(packed, 5000));
        if (hasZstd()) expect(opened.output.equals(plain)).toBe(true);
        else expect(opened.code).toBe('archive.zstd-unsupported');
      });
    }
  }

  it.runIf(hasZstd())('accepts and unpacks what is packed here', async () => {
    for (const [what, plain] of INPUTS) {
      for (const level of [1, 3, 19]) {
        const stage = zstdStream({ level });
        if (stage === undefined) throw new Error('this Node has no zstd');
        const { output } = await run(stage, pieces(plain, 65_536));
        const path = join(folder, `${what}.zst`);
        await writeFile(path, output);
        await command('zstd', '-t', '-q', path);
        expect((await filter('zstd', ['-dc'], Readable.from([output]))).equals(plain)).toBe(true);
      }
    }
  });
});

/** Where frames end in a file. */
function ends(bytes: Buffer): number[] {
  const frames = new ZstdFrames();
  const found: number[] = [];
  let position = 0;
  for (const piece of pieces(bytes, 777)) {
    for (const share of frames.push(piece)) {
      if (share === undefined) throw new Error('no zstd');
      position += share.bytes.length;
      if (share.isLast) found.push(position);
    }
  }
  return found;
}
