import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decryptionStream, encryptionStream } from '../../../src/archive/age-stream.js';
import { identitiesFromFile } from '../../../src/archive/identities.js';
import { recipientsFromFile } from '../../../src/archive/recipients.js';
import { noise, pieces, run } from '../../unit/archive/streams.js';
import { command, filter, through } from './programs.js';

const MIB = 1024 * 1024;
const SIZES = [0, 1, 65_535, 65_536, 65_537];
const KEYS = ['ed25519', 'rsa2048', 'rsa3072', 'rsa4096', 'native'];

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'age-command-'));
  await Promise.all([
    command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at('ed25519')),
    ...['2048', '3072', '4096'].map((bits) =>
      command('ssh-keygen', '-q', '-t', 'rsa', '-b', bits, '-N', '', '-f', at(`rsa${bits}`)),
    ),
    command('age-keygen', '-o', at('native')),
  ]);
  await writeFile(at('native.pub'), await command('age-keygen', '-y', at('native')));
  const lines = await Promise.all(KEYS.map((key) => readFile(at(`${key}.pub`), 'utf8')));
  await writeFile(at('all.pub'), `# everybody\n${lines.join('\n')}`);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the age command', () => {
  for (const key of KEYS) {
    it(`reads what is encrypted for ${key}, at every size around a chunk`, async () => {
      for (const size of SIZES) {
        const plain = noise(size);
        const sealed = await seal(`${key}.pub`, plain);
        const opened = await filter('age', ['-d', '-i', at(key)], Readable.from([sealed]));
        expect(opened.equals(plain)).toBe(true);
      }
    });

    it(`writes for ${key} what is decrypted here, at every size around a chunk`, async () => {
      for (const size of SIZES) {
        const plain = noise(size);
        const sealed = await filter('age', ['-R', at(`${key}.pub`)], Readable.from(pieces(plain, 10_000)));
        const opened = await run(decryptionStream(await identitiesFromFile(at(key))), pieces(sealed, 3000));
        expect(opened.error).toBeUndefined();
        expect(opened.output.equals(plain)).toBe(true);
      }
    });
  }

  it('opens an archive for many recipients with each of their keys, and so do we with its archives', async () => {
    for (const size of SIZES) {
      const plain = noise(size);
      const ours = await seal('all.pub', plain);
      const theirs = await filter('age', ['-R', at('all.pub')], Readable.from([plain]));
      for (const key of KEYS) {
        expect((await filter('age', ['-d', '-i', at(key)], Readable.from([ours]))).equals(plain)).toBe(true);
        const opened = await run(decryptionStream(await identitiesFromFile(at(key))), [theirs]);
        expect(opened.output.equals(plain)).toBe(true);
      }
    }
  });

  it('and we agree on 200 MiB', async () => {
    const block = noise(MIB);
    const large = (): Readable =>
      Readable.from(
        Array.from({ length: 200 }, () => block),
        { objectMode: false },
      );
    const expected = await hashOf(large());
    const seal = await encryptionStream(await recipientsOf('ed25519.pub'));
    large().pipe(seal);
    let opened = '';
    await through('age', ['-d', '-i', at('ed25519')], seal, async (stdout) => {
      opened = await hashOf(stdout);
    });
    expect(opened).toBe(expected);
    const open = decryptionStream(await identitiesFromFile(at('ed25519')));
    await through('age', ['-R', at('ed25519.pub')], large(), async (stdout) => {
      [, opened] = await Promise.all([pipeline(stdout, open), hashOf(open)]);
    });
    expect(opened).toBe(expected);
  });

  it('armors what is read here', async () => {
    const plain = noise(100_000);
    const sealed = await filter('age', ['-a', '-R', at('native.pub')], Readable.from([plain]));
    const opened = await run(decryptionStream(await identitiesFromFile(at('native'))), pieces(sealed, 777));
    expect(opened.output.equals(plain)).toBe(true);
  });

  it('refuses what we damage, as we refuse what is damaged of its own', async () => {
    const sealed = await seal('ed25519.pub', noise(100_000));
    const cut = sealed.subarray(0, sealed.length - 1);
    await expect(filter('age', ['-d', '-i', at('ed25519')], Readable.from([cut]))).rejects.toThrow(
      'age ended with 1',
    );
    const opened = await run(decryptionStream(await identitiesFromFile(at('ed25519'))), [cut]);
    expect(opened.code).toBe('archive.corrupt');
  });

  it('reads a file that went through both, from disk to disk', async () => {
    await writeFile(at('plain'), noise(3 * MIB));
    await command('age', '-R', at('rsa3072.pub'), '-o', at('sealed'), at('plain'));
    const opened = await run(
      decryptionStream(await identitiesFromFile(at('rsa3072'))),
      await all(createReadStream(at('sealed'))),
    );
    expect(opened.output.equals(noise(3 * MIB))).toBe(true);
  });
});

async function seal(publicKeys: string, plain: Buffer): Promise<Buffer> {
  const sealed = await run(await encryptionStream(await recipientsOf(publicKeys)), pieces(plain, 50_000));
  expect(sealed.error).toBeUndefined();
  return sealed.output;
}

async function recipientsOf(publicKeys: string): Promise<Parameters<typeof encryptionStream>[0]> {
  return (await recipientsFromFile(at(publicKeys))).map(({ recipient }) => recipient);
}

async function all(source: AsyncIterable<Buffer>): Promise<Buffer[]> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return chunks;
}

async function hashOf(source: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of source) hash.update(chunk);
  return hash.digest('hex');
}
