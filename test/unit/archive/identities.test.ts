import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import {
  armor,
  Encrypter,
  generateHybridIdentity,
  generateX25519Identity,
  identityToRecipient,
} from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decryptionStream, encryptionStream } from '../../../src/archive/age-stream.js';
import { identitiesFromFile } from '../../../src/archive/identities.js';
import { parseRecipients, recipientsFromFile } from '../../../src/archive/recipients.js';
import { Secret } from '../../../src/core/secret.js';
import { codeOf, run } from './streams.js';

let folder: string;
const passphrase = async (): Promise<Secret> => new Secret('correct horse');
const wrong = async (): Promise<Secret> => new Secret('wrong horse');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'identities-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('identities from a file', () => {
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ed25519 = generateKeyPairSync('ed25519');
  const forms: readonly [string, KeyObject, 'pkcs1' | 'pkcs8', 'ssh-rsa' | 'ssh-ed25519'][] = [
    ['RSA in PKCS #1', rsa.privateKey, 'pkcs1', 'ssh-rsa'],
    ['RSA in PKCS #8', rsa.privateKey, 'pkcs8', 'ssh-rsa'],
    ['Ed25519 in PKCS #8', ed25519.privateKey, 'pkcs8', 'ssh-ed25519'],
  ];
  for (const [what, key, type, kind] of forms) {
    it(`open archives with ${what}, plain and protected by a passphrase`, async () => {
      const plain = await file(`${type}-${kind}`, key.export({ type, format: 'pem' }));
      const options = { type, format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct horse' } as const;
      const locked = await file(`${type}-${kind}-locked`, key.export(options));
      const [recipient] = await recipientsFromFile(plain);
      if (recipient === undefined) throw new Error('no recipient');
      const sealed = await run(await encryptionStream([recipient.recipient]), [Buffer.from('hello')]);
      for (const identities of [
        await identitiesFromFile(plain),
        await identitiesFromFile(locked, { passphrase }),
      ]) {
        expect(identities).toMatchObject([{ type: kind, fingerprint: recipient.fingerprint }]);
        const opened = await run(decryptionStream(identities), [sealed.output]);
        expect(opened.output.toString()).toBe('hello');
      }
      expect(await codeOf(identitiesFromFile(locked))).toBe('identity.passphrase-needed');
      expect(await codeOf(identitiesFromFile(locked, { passphrase: wrong }))).toBe(
        'identity.wrong-passphrase',
      );
    });
  }

  it('are all lines of an age identity file, in order', async () => {
    const secrets = [await generateX25519Identity(), await generateHybridIdentity()];
    const path = await file('age', `# mine\n${secrets.join('\n\n')}\n`);
    const identities = await identitiesFromFile(path);
    expect(identities.map(({ type }) => type)).toEqual(['age', 'age-pq']);
    const texts = await Promise.all(secrets.map((secret) => identityToRecipient(secret)));
    const recipients = parseRecipients(texts.join('\n'), 'a test');
    expect(identities.map(({ fingerprint }) => fingerprint)).toEqual(
      recipients.map(({ fingerprint }) => fingerprint),
    );
  });

  it('come out of an identity file that is itself encrypted, binary and armored', async () => {
    const secret = await generateX25519Identity();
    const encrypter = new Encrypter();
    encrypter.setPassphrase('correct horse');
    encrypter.setScryptWorkFactor(10);
    const sealed = await encrypter.encrypt(`# mine\n${secret}\n`);
    for (const path of [
      await file('sealed', Buffer.from(sealed)),
      await file('armored', armor.encode(sealed)),
    ]) {
      expect(await identitiesFromFile(path, { passphrase })).toMatchObject([{ type: 'age' }]);
      expect(await codeOf(identitiesFromFile(path, { passphrase: wrong }))).toBe('identity.wrong-passphrase');
      expect(await codeOf(identitiesFromFile(path))).toBe('identity.passphrase-needed');
      expect(await codeOf(recipientsFromFile(path))).toBe('recipient.hidden');
    }
  });

  it('never show their secret', async () => {
    const secret = await generateX25519Identity();
    const identities = await identitiesFromFile(await file('quiet', secret));
    expect(inspect(identities, { depth: 9, showHidden: true })).not.toContain(secret.slice(20));
    expect(JSON.stringify(identities)).not.toContain(secret.slice(20));
    const broken = await file('broken', `${secret.slice(0, -3)}\n`);
    await expect(identitiesFromFile(broken)).rejects.not.toThrow(secret.slice(20, 40));
  });

  it('say what is wrong with a file that holds none', async () => {
    const codes: readonly [string, string | Buffer, string][] = [
      ['public', 'ssh-ed25519 AAAA me', 'identity.public-key'],
      ['public-age', 'age1qqqq', 'identity.public-key'],
      ['plugin', 'AGE-PLUGIN-YUBIKEY-1QQQQ', 'identity.unsupported'],
      ['nothing', '# empty\n', 'identity.none'],
      ['text', 'hello', 'identity.malformed'],
      [
        'ec',
        generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
          type: 'pkcs8',
          format: 'pem',
        }),
        'identity.unsupported',
      ],
      [
        'cut',
        '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ==\n-----END OPENSSH PRIVATE KEY-----\n',
        'identity.malformed',
      ],
      [
        'cut-pem',
        '-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\n',
        'identity.malformed',
      ],
    ];
    for (const [name, content, code] of codes) {
      expect([name, await codeOf(identitiesFromFile(await file(name, content)))]).toEqual([name, code]);
    }
    expect(await codeOf(identitiesFromFile(join(folder, 'nowhere')))).toBe('key-file.missing');
  });
});

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}
