import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decompressionStream, gzipStream } from '../../../src/archive/gzip.js';
import { noise, pieces, run } from '../../unit/archive/streams.js';
import { command, filter } from './programs.js';

const MIB = 1024 * 1024;
const TEXT = Buffer.from('COPY servers FROM stdin;\n1\tlocalhost\t\\N\n'.repeat(80_000));

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gzip-command-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the gzip command', () => {
  const inputs: readonly [string, Buffer][] = [
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from('x')],
    ['exactly one block', TEXT.subarray(0, MIB)],
    ['text and noise', Buffer.concat([TEXT, noise(5 * MIB), TEXT])],
  ];
  for (const [what, plain] of inputs) {
    it(`accepts and unpacks ${what} packed here`, async () => {
      const packed = await run(gzipStream(), pieces(plain, 65_536));
      const path = join(folder, `${what}.gz`);
      await writeFile(path, packed.output);
      await command('gzip', '-t', path);
      expect((await filter('gzip', ['-dc'], Readable.from([packed.output]))).equals(plain)).toBe(true);
    });

    it(`packs ${what} for us`, async () => {
      const packed = await filter('gzip', ['-c'], Readable.from(pieces(plain, 65_536)));
      const { output, error } = await run(decompressionStream(), pieces(packed, 5000));
      expect(error).toBeUndefined();
      expect(output.equals(plain)).toBe(true);
    });
  }
});
