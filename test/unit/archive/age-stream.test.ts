import {
  armor,
  Decrypter,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { decryptionStream, encryptionStream } from '../../../src/archive/age-stream.js';
import type { NamedIdentity } from '../../../src/archive/identities.js';
import { StateError } from '../../../src/core/errors.js';
import { noise, pieces, run } from './streams.js';

const CHUNK = 64 * 1024;
const SEALED_CHUNK = CHUNK + 16;
const NONCE = 16;

let recipient: string;
let identity: NamedIdentity;
let other: NamedIdentity;

beforeAll(async () => {
  const secret = await generateX25519Identity();
  recipient = await identityToRecipient(secret);
  identity = named(secret);
  other = named(await generateX25519Identity());
});

describe('encryption and decryption as streams', () => {
  it('give back what went in, however both sides are cut', async () => {
    const size = fc.oneof(
      fc.integer({ min: 0, max: 300 }),
      fc.constantFrom(CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1),
    );
    const cuts = fc.array(fc.integer({ min: 1, max: 3 * CHUNK }), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(size, cuts, cuts, async (length, inCuts, outCuts) => {
        const plain = noise(length, length + 1);
        const sealed = await seal(plain, ...inCuts);
        const opened = await run(decryptionStream([identity]), pieces(sealed, ...outCuts));
        expect(opened.error).toBeUndefined();
        expect(opened.output.equals(plain)).toBe(true);
      }),
      { numRuns: 60 },
    );
  });

  it('write files of the size that the format says', async () => {
    for (const length of [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]) {
      const sealed = await seal(noise(length), 5000);
      const chunks = Math.max(1, Math.ceil(length / CHUNK));
      expect(sealed.length - headerLength(sealed)).toBe(NONCE + length + chunks * 16);
    }
  });

  it('write what age-encryption reads, and read what it writes', async () => {
    const plain = noise(CHUNK + 100);
    const decrypter = new Decrypter();
    identity.addTo(decrypter);
    expect(Buffer.from(await decrypter.decrypt(await seal(plain, 777))).equals(plain)).toBe(true);
    const encrypter = new Encrypter();
    encrypter.addRecipient(recipient);
    const opened = await run(decryptionStream([identity]), pieces(await encrypter.encrypt(plain), 1000));
    expect(opened.output.equals(plain)).toBe(true);
  });

  it('open for each of several recipients, post-quantum ones included', async () => {
    const secrets = [await generateX25519Identity(), await generateX25519Identity()];
    const recipients = await Promise.all(secrets.map((secret) => identityToRecipient(secret)));
    const hybrid = await generateHybridIdentity();
    const plain = Buffer.from('for all of them');
    for (const [keys, opening] of [
      [recipients, secrets],
      [[await identityToRecipient(hybrid)], [hybrid]],
    ] as const) {
      const sealed = await run(await encryptionStream(keys), [plain]);
      for (const secret of opening) {
        const opened = await run(decryptionStream([other, named(secret)]), pieces(sealed.output, 50));
        expect(opened.output.toString()).toBe('for all of them');
      }
    }
  });

  it('read armored files', async () => {
    const plain = noise(CHUNK * 2);
    const text = armor.encode(await seal(plain, CHUNK));
    const opened = await run(decryptionStream([identity]), pieces(Buffer.from(text), 1000, 1, 70_000));
    expect(opened.output.equals(plain)).toBe(true);
  });

  it('refuse to encrypt for nobody', async () => {
    await expect(encryptionStream([])).rejects.toMatchObject({
      code: 'archive.no-recipients',
      kind: 'usage',
    });
  });
});

describe('decryption tells apart', () => {
  const cases: readonly [string, string, string, (sealed: Buffer) => Buffer][] = [
    ['a file that is empty', 'archive.empty', 'proof', () => Buffer.alloc(0)],
    [
      'another kind of file',
      'archive.not-age',
      'proof',
      () => Buffer.from('PK\x03\x04 something else entirely'),
    ],
    ['a short file of another kind', 'archive.not-age', 'proof', () => Buffer.from('hello')],
    [
      'an archive of openssl enc',
      'archive.not-age',
      'proof',
      () => Buffer.from('Salted__0123456789abcdef0123456789'),
    ],
    [
      'a later version of the format',
      'archive.version-unsupported',
      'usage',
      (sealed) => replace(sealed, 'v1\n', 'v2\n'),
    ],
    ['a file cut within its first line', 'archive.truncated', 'proof', (sealed) => sealed.subarray(0, 10)],
    ['a file cut within its header', 'archive.truncated', 'proof', (sealed) => sealed.subarray(0, 60)],
    [
      'a file cut right after its header',
      'archive.no-payload',
      'proof',
      (sealed) => sealed.subarray(0, headerLength(sealed)),
    ],
    [
      'a file cut within its nonce',
      'archive.truncated',
      'proof',
      (sealed) => sealed.subarray(0, headerLength(sealed) + 7),
    ],
    [
      'a file without its last chunk',
      'archive.truncated',
      'proof',
      (sealed) => sealed.subarray(0, chunkStart(sealed, 2)),
    ],
    [
      'a file cut within a chunk',
      'archive.corrupt',
      'proof',
      (sealed) => sealed.subarray(0, sealed.length - 500),
    ],
    [
      'a file cut right after its nonce',
      'archive.no-payload',
      'proof',
      (sealed) => sealed.subarray(0, headerLength(sealed) + 16),
    ],
    [
      'a few bytes after the end',
      'archive.trailing-data',
      'proof',
      (sealed) => Buffer.concat([sealed, Buffer.from('<html>not what was asked for</html>')]),
    ],
    [
      'a malformed recipient line',
      'archive.bad-header',
      'proof',
      (sealed) => replace(sealed, '-> X25519 ', '-> X25519  '),
    ],
    [
      'an added recipient line',
      'archive.header-changed',
      'proof',
      (sealed) => replace(sealed, '\n---', '\n-> more\n\n---'),
    ],
    [
      'a header without end',
      'archive.bad-header',
      'proof',
      () => Buffer.concat([Buffer.from('age-encryption.org/v1\n'), Buffer.alloc(2 << 20, 'A')]),
    ],
    [
      'a flipped bit in the payload',
      'archive.corrupt',
      'proof',
      (sealed) => flip(sealed, chunkStart(sealed, 1) + 9),
    ],
    [
      'a flipped bit in the nonce',
      'archive.corrupt',
      'proof',
      (sealed) => flip(sealed, headerLength(sealed) + 3),
    ],
    ['chunks that changed places', 'archive.reordered', 'proof', swapFirstChunks],
    [
      'a chunk that was left out',
      'archive.reordered',
      'proof',
      (sealed) =>
        Buffer.concat([sealed.subarray(0, chunkStart(sealed, 0)), sealed.subarray(chunkStart(sealed, 1))]),
    ],
    [
      'damaged armor',
      'archive.bad-armor',
      'proof',
      (sealed) => Buffer.from(armor.encode(sealed).replace('\n', '\n!')),
    ],
  ];
  for (const [what, code, kind, damage] of cases) {
    it(`${what}: ${code}`, async () => {
      const sealed = await seal(noise(2 * CHUNK + 1000), CHUNK);
      const { error } = await run(decryptionStream([identity]), pieces(damage(sealed), 10_000));
      expect(error).toBeInstanceOf(StateError);
      expect(error).toMatchObject({ code, kind });
    });
  }

  it('bytes after the end of a payload of whole chunks: archive.trailing-data', async () => {
    const sealed = await seal(noise(2 * CHUNK), CHUNK);
    const longer = Buffer.concat([sealed, Buffer.from('x')]);
    const { code } = await run(decryptionStream([identity]), pieces(longer, 10_000));
    expect(code).toBe('archive.trailing-data');
  });

  it('the wrong key: archive.no-identity, naming what was tried and the kinds of key that would do', async () => {
    const sealed = await seal(Buffer.from('secret'), 100);
    const { error, output } = await run(decryptionStream([other]), pieces(sealed, 10));
    expect(error).toMatchObject({ code: 'archive.no-identity', kind: 'usage' });
    expect(String(error)).toContain('X25519');
    expect(String(error)).toContain('fingerprint of');
    expect(output).toHaveLength(0);
  });
});

describe('a damaged archive', () => {
  it('is never taken for a good one, whatever was done to it', async () => {
    const plain = noise(2 * CHUNK + 333);
    const sealed = await seal(plain, CHUNK);
    const damage = fc.oneof(
      fc.record({ what: fc.constant('flip' as const), at: fc.nat(sealed.length - 1), bit: fc.nat(7) }),
      fc.record({ what: fc.constant('cut' as const), at: fc.nat(sealed.length - 1), bit: fc.constant(0) }),
      fc.record({ what: fc.constant('add' as const), at: fc.nat(sealed.length), bit: fc.nat(7) }),
      fc.record({ what: fc.constant('drop' as const), at: fc.nat(sealed.length - 1), bit: fc.constant(0) }),
    );
    await fc.assert(
      fc.asyncProperty(damage, fc.integer({ min: 1000, max: 200_000 }), async ({ what, at, bit }, size) => {
        const [before, after] = [sealed.subarray(0, at), sealed.subarray(at)];
        const damaged = {
          flip: () => flip(sealed, at, bit),
          cut: () => before,
          add: () => Buffer.concat([before, Buffer.from([bit]), after]),
          drop: () => Buffer.concat([before, after.subarray(1)]),
        }[what]();
        const { error, output } = await run(decryptionStream([identity]), pieces(damaged, size));
        expect(error).toBeInstanceOf(StateError);
        expect(plain.subarray(0, output.length).equals(output)).toBe(true);
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});

async function seal(plain: Buffer, ...cuts: readonly number[]): Promise<Buffer> {
  const { output, error } = await run(await encryptionStream([recipient]), pieces(plain, ...cuts));
  expect(error).toBeUndefined();
  return output;
}

function named(secret: string): NamedIdentity {
  return {
    type: 'age',
    fingerprint: 'fingerprint of a key',
    addTo: (decrypter) => decrypter.addIdentity(secret),
  };
}

function headerLength(sealed: Buffer): number {
  return sealed.indexOf('\n', sealed.indexOf('\n---') + 1) + 1;
}

function chunkStart(sealed: Buffer, index: number): number {
  return headerLength(sealed) + NONCE + index * SEALED_CHUNK;
}

function flip(sealed: Buffer, at: number, bit = 0): Buffer {
  const changed = Buffer.from(sealed);
  changed[at] = (changed[at] ?? 0) ^ (1 << bit);
  return changed;
}

function replace(sealed: Buffer, from: string, to: string): Buffer {
  return Buffer.from(sealed.toString('latin1').replace(from, to), 'latin1');
}

function swapFirstChunks(sealed: Buffer): Buffer {
  const [first, second, third] = [0, 1, 2].map((index) => chunkStart(sealed, index));
  return Buffer.concat([
    sealed.subarray(0, first),
    sealed.subarray(second, third),
    sealed.subarray(first, second),
    sealed.subarray(third),
  ]);
}
