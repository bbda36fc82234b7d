import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decryptionStream, encryptionStream } from '../../../src/archive/age-stream.js';
import { identitiesFromFile } from '../../../src/archive/identities.js';
import { parseRecipients, recipientsFromFile } from '../../../src/archive/recipients.js';
import { Secret } from '../../../src/core/secret.js';
import { codeOf, run } from '../../unit/archive/streams.js';
import { command, filter } from './programs.js';

const PASSPHRASE = 'correct horse battery';
const CIPHERS = [
  'aes256-ctr',
  'aes256-gcm@openssh.com',
  'aes256-cbc',
  'aes128-ctr',
  'aes128-gcm@openssh.com',
];

let folder: string;
const at = (name: string): string => join(folder, name);
const passphrase = async (): Promise<Secret> => new Secret(PASSPHRASE);
const wrong = async (): Promise<Secret> => new Secret('wrong');

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ssh-keys-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('keys made by ssh-keygen', () => {
  for (const cipher of CIPHERS) {
    it(`open archives when they are protected with ${cipher}, and need no passphrase to encrypt`, async () => {
      for (const type of cipher.startsWith('aes256') ? ['ed25519', 'rsa'] : ['ed25519']) {
        const key = await keygen(`${type}-${cipher}`, '-t', type, '-N', PASSPHRASE, '-Z', cipher, '-a', '1');
        await rm(`${key}.pub`);
        const recipients = await recipientsFromFile(key);
        const sealed = await run(await encryptionStream(recipients.map(({ recipient }) => recipient)), [
          Buffer.from('hello'),
        ]);
        const opened = await run(decryptionStream(await identitiesFromFile(key, { passphrase })), [
          sealed.output,
        ]);
        expect(opened.output.toString()).toBe('hello');
        expect(await codeOf(identitiesFromFile(key))).toBe('identity.passphrase-needed');
        expect(await codeOf(identitiesFromFile(key, { passphrase: wrong }))).toBe(
          'identity.wrong-passphrase',
        );
      }
    });
  }

  it('are named by the fingerprint that ssh-keygen shows, from either half', async () => {
    for (const type of ['ed25519', 'rsa']) {
      const key = await keygen(`named-${type}`, '-t', type, '-N', '', '-C', 'somebody');
      const shown = (await command('ssh-keygen', '-l', '-f', `${key}.pub`)).split(' ')[1];
      const [fromPublic] = await recipientsFromFile(`${key}.pub`);
      const [fromPrivate] = await recipientsFromFile(key);
      const [identity] = await identitiesFromFile(key);
      expect([fromPublic?.fingerprint, fromPrivate?.fingerprint, identity?.fingerprint]).toEqual([
        shown,
        shown,
        shown,
      ]);
      expect(fromPublic?.comment).toBe('somebody');
    }
  });

  it('work in the PEM form that ssh-keygen -m writes', async () => {
    for (const form of ['PEM', 'PKCS8']) {
      for (const words of ['', PASSPHRASE]) {
        const key = await keygen(`rsa-${form}-${words.length}`, '-t', 'rsa', '-m', form, '-N', words);
        const [recipient] = await recipientsFromFile(key);
        const [identity] = await identitiesFromFile(key, { passphrase });
        expect(identity?.fingerprint).toBe(recipient?.fingerprint);
        if (words !== '')
          expect(await codeOf(identitiesFromFile(key, { passphrase: wrong }))).toBe(
            'identity.wrong-passphrase',
          );
      }
    }
  });

  it('are refused by name when age knows no such key, before anybody is asked for a passphrase', async () => {
    const key = await keygen('ecdsa', '-t', 'ecdsa', '-N', PASSPHRASE);
    const asked = identitiesFromFile(key, { passphrase: () => Promise.reject(new Error('asked')) });
    await expect(asked).rejects.toMatchObject({
      code: 'identity.unsupported',
      why: expect.stringContaining('ecdsa-sha2-nistp256'),
    });
    await expect(recipientsFromFile(key)).rejects.toMatchObject({ code: 'recipient.unsupported' });
    const line = await readFile(`${key}.pub`, 'utf8');
    expect(() => parseRecipients(`\n${line}`, 'keys')).toThrow('keys:2');
    const weak = await keygen('weak', '-t', 'rsa', '-b', '1024', '-N', '');
    await expect(recipientsFromFile(weak)).rejects.toMatchObject({ code: 'recipient.weak' });
  });

  it('say which cipher is not known here', async () => {
    const key = await keygen(
      'chacha',
      '-t',
      'ed25519',
      '-N',
      PASSPHRASE,
      '-Z',
      'chacha20-poly1305@openssh.com',
    );
    const opening = identitiesFromFile(key, { passphrase });
    await expect(opening).rejects.toMatchObject({
      code: 'identity.unsupported',
      why: expect.stringContaining('chacha20'),
    });
    expect(await recipientsFromFile(key)).toHaveLength(1);
  });

  it('need only the .pub to encrypt for age', async () => {
    const key = await keygen('alone', '-t', 'ed25519', '-N', '');
    await copyFile(key, at('elsewhere'));
    await rm(key);
    const recipients = await recipientsFromFile(key);
    const sealed = await run(await encryptionStream(recipients.map(({ recipient }) => recipient)), [
      Buffer.from('hello'),
    ]);
    const opened = await filter('age', ['-d', '-i', at('elsewhere')], Readable.from([sealed.output]));
    expect(opened.toString()).toBe('hello');
  });

  it('are taken from a real authorized_keys file', async () => {
    const a = await keygen('auth-a', '-t', 'ed25519', '-N', '', '-C', 'a b c');
    const b = await keygen('auth-b', '-t', 'rsa', '-N', '', '-C', '');
    const text = `no-pty,command="/bin/echo \\"x y\\"" ${await readFile(`${a}.pub`, 'utf8')}\n#\n${await readFile(`${b}.pub`, 'utf8')}`;
    await writeFile(at('authorized_keys'), text);
    expect(await recipientsFromFile(at('authorized_keys'))).toMatchObject([
      { type: 'ssh-ed25519', comment: 'a b c' },
      { type: 'ssh-rsa' },
    ]);
  });
});

async function keygen(name: string, ...args: readonly string[]): Promise<string> {
  const bits = args.includes('rsa') && !args.includes('-b') ? ['-b', '2048'] : [];
  await command('ssh-keygen', '-q', ...args, ...bits, '-f', at(name));
  return at(name);
}
