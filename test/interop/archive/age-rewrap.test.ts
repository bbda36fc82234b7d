import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { generateHybridIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rewrapStream } from '../../../src/archive/age-rewrap.js';
import { decryptionStream } from '../../../src/archive/age-stream.js';
import { identitiesFromFile } from '../../../src/archive/identities.js';
import { recipientsFromFile } from '../../../src/archive/recipients.js';
import { noise, type Outcome, pieces, run } from '../../unit/archive/streams.js';
import { command, filter } from './programs.js';

const KEYS = ['ed25519', 'rsa', 'native'];

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'age-rewrap-'));
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at('ed25519'));
  await command('ssh-keygen', '-q', '-t', 'rsa', '-b', '3072', '-N', '', '-f', at('rsa'));
  await command('age-keygen', '-o', at('native'));
  await writeFile(at('native.pub'), await command('age-keygen', '-y', at('native')));
  const hybrid = await generateHybridIdentity();
  await writeFile(at('hybrid'), `${hybrid}\n`);
  await writeFile(at('hybrid.pub'), `${await identityToRecipient(hybrid)}\n`);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function rewrap(sealed: Buffer, from: string, ...to: string[]): Promise<Outcome> {
  const recipients = (await Promise.all(to.map((key) => recipientsFromFile(at(`${key}.pub`))))).flat();
  const stream = rewrapStream(
    await identitiesFromFile(at(from)),
    recipients.map(({ recipient }) => recipient),
  );
  return await run(stream, pieces(sealed, 1, 5000, 70_000));
}

function payloadOf(sealed: Buffer): Buffer {
  return sealed.subarray(sealed.indexOf('\n', sealed.indexOf('\n---') + 1) + 1);
}

describe('a file of the age command under a new header', () => {
  for (const from of KEYS) {
    it(`was for ${from}, and then opens for every new recipient and no longer for the old one`, async () => {
      const plain = noise(150_000);
      const sealed = await filter('age', ['-R', at(`${from}.pub`)], Readable.from([plain]));
      const to = KEYS.filter((key) => key !== from);
      const { output, error } = await rewrap(sealed, from, ...to);
      expect(error).toBeUndefined();
      expect(payloadOf(output).equals(payloadOf(sealed))).toBe(true);
      for (const key of to) {
        const opened = await filter('age', ['-d', '-i', at(key)], Readable.from([output]));
        expect(opened.equals(plain)).toBe(true);
      }
      await expect(filter('age', ['-d', '-i', at(from)], Readable.from([output]))).rejects.toThrow(
        'age ended',
      );
    });
  }

  it('may be for a post-quantum key, and come back from one', async () => {
    const plain = noise(70_000);
    const sealed = await filter('age', ['-R', at('native.pub')], Readable.from([plain]));
    const hybrid = await rewrap(sealed, 'native', 'hybrid');
    expect(hybrid.error).toBeUndefined();
    const opened = await run(decryptionStream(await identitiesFromFile(at('hybrid'))), [hybrid.output]);
    expect(opened.output.equals(plain)).toBe(true);
    const back = await rewrap(hybrid.output, 'hybrid', 'ed25519');
    expect(
      (await filter('age', ['-d', '-i', at('ed25519')], Readable.from([back.output]))).equals(plain),
    ).toBe(true);
  });

  it('loses its armor', async () => {
    const plain = noise(1000);
    const sealed = await filter('age', ['-a', '-R', at('native.pub')], Readable.from([plain]));
    const { output } = await rewrap(sealed, 'native', 'rsa');
    expect((await filter('age', ['-d', '-i', at('rsa')], Readable.from([output]))).equals(plain)).toBe(true);
  });
});

describe('what cannot be put under a new header', () => {
  const cases: readonly (readonly [string, string, (sealed: Buffer) => Buffer])[] = [
    ['a file for somebody else', 'archive.no-identity', (sealed) => sealed],
    ['a file with a flipped bit', 'archive.corrupt', (sealed) => flip(sealed, sealed.length - 70_000)],
    ['a file that was cut', 'archive.corrupt', (sealed) => sealed.subarray(0, -1)],
    [
      'a file without payload',
      'archive.no-payload',
      (sealed) => sealed.subarray(0, sealed.length - payloadOf(sealed).length),
    ],
    ['nothing', 'archive.empty', () => Buffer.alloc(0)],
  ];
  for (const [what, code, spoil] of cases) {
    it(`${what}: ${code}`, async () => {
      const sealed = await filter('age', ['-R', at('ed25519.pub')], Readable.from([noise(200_000)]));
      const outcome = await rewrap(
        spoil(sealed),
        code === 'archive.no-identity' ? 'rsa' : 'ed25519',
        'native',
      );
      expect(outcome.code).toBe(code);
    });
  }

  it('a file for nobody: archive.no-recipients', async () => {
    const sealed = await filter('age', ['-R', at('ed25519.pub')], Readable.from([noise(10)]));
    expect((await rewrap(sealed, 'ed25519')).code).toBe('archive.no-recipients');
  });
});

function flip(sealed: Buffer, at: number): Buffer {
  const changed = Buffer.from(sealed);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}
