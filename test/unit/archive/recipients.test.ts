import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseRecipients, recipientsFromFile } from '../../../src/archive/recipients.js';
import { publicBlobOf } from '../../../src/archive/ssh-public-key.js';
import { sshFingerprint } from '../../../src/core/ssh-fingerprint.js';
import { codeOf } from './streams.js';

let folder: string;
const ed25519 = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const weakRsa = generateKeyPairSync('rsa', { modulusLength: 1024 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'recipients-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('a list of recipients', () => {
  it('holds SSH and age keys, comments, options and empty lines', async () => {
    const native = await identityToRecipient(await generateX25519Identity());
    const hybrid = await identityToRecipient(await generateHybridIdentity());
    const text = [
      '# the team',
      '',
      `${sshLine(ed25519.publicKey)} admin of the shop`,
      `restrict,command="echo \\"hi\\" there",from="10.0.0.0/8" ${sshLine(rsa.publicKey)}\r`,
      `  ${native}  kept offline`,
      hybrid,
    ].join('\n');
    const found = parseRecipients(text, 'keys');
    expect(found.map(({ type, comment }) => [type, comment])).toEqual([
      ['ssh-ed25519', 'admin of the shop'],
      ['ssh-rsa', undefined],
      ['age', 'kept offline'],
      ['age-pq', undefined],
    ]);
    expect(found[0]?.fingerprint).toBe(sshFingerprint(blobOf(ed25519.publicKey)));
    expect(found[2]?.fingerprint).toBe(native);
  });

  it('counts a key that stands there twice once', () => {
    const line = sshLine(ed25519.publicKey);
    expect(parseRecipients(`${line} a\n${line} b\n`, 'keys')).toHaveLength(1);
  });

  const ecdsa = `ecdsa-sha2-nistp256 ${wire('ecdsa-sha2-nistp256', 'nistp256', 'point')}`;
  const sk = `sk-ssh-ed25519@openssh.com ${wire('sk-ssh-ed25519@openssh.com', 'k'.repeat(32), 'ssh:')}`;
  const certificate = `ssh-ed25519-cert-v01@openssh.com ${wire('ssh-ed25519-cert-v01@openssh.com', 'rest')}`;
  const refusals: readonly [string, string, string, string][] = [
    ['an ECDSA key', ecdsa, 'recipient.unsupported', 'ecdsa-sha2-nistp256'],
    ['a key on a security token', sk, 'recipient.unsupported', 'sk-ssh-ed25519@openssh.com'],
    ['a DSA key', `ssh-dss ${wire('ssh-dss', 'p', 'q', 'g', 'y')}`, 'recipient.unsupported', 'ssh-dss'],
    ['a certificate', certificate, 'recipient.unsupported', 'ssh-ed25519-cert-v01@openssh.com'],
    ['an RSA key of 1024 bits', sshLine(weakRsa.publicKey), 'recipient.weak', '1024'],
    [
      'a plugin recipient',
      'age1yubikey1qwt50d05nh5vutpdzmlg5wn80xq5negm4uj9ghv0snvdd3yysf5yw3rhl3t',
      'recipient.unsupported',
      'age1yubikey',
    ],
    [
      'an age key with a typing error',
      'age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq',
      'recipient.malformed',
      'damaged',
    ],
    ['an SSH key that was cut', sshLine(ed25519.publicKey).slice(0, -12), 'recipient.malformed', '32 bytes'],
    [
      'a key under a wrong name',
      sshLine(ed25519.publicKey).replace('ssh-ed25519', 'ssh-rsa'),
      'recipient.malformed',
      'ssh-rsa',
    ],
    ['something else', 'hello world', 'recipient.malformed', 'no public key'],
    ['a private key', 'AGE-SECRET-KEY-1ABCDEF', 'recipient.private-key', 'private'],
    ['a PEM private key', '-----BEGIN PRIVATE KEY-----', 'recipient.private-key', 'private'],
  ];
  for (const [what, line, code, word] of refusals) {
    it(`refuses ${what} by line number`, () => {
      const parse = (): unknown => parseRecipients(`# first\n${line} comment\n`, 'team.keys');
      expect(parse).toThrow(expect.objectContaining({ code, kind: 'usage' }));
      expect(parse).toThrow('team.keys:2');
      expect(parse).toThrow(word);
    });
  }

  it('refuses a list without any key', () => {
    expect(() => parseRecipients('# nobody\n\n', 'keys')).toThrow(
      expect.objectContaining({ code: 'recipient.none' }),
    );
  });

  it('never repeats a private key in a message', () => {
    expect(() => parseRecipients('AGE-SECRET-KEY-1VERYSECRET', 'keys')).not.toThrow('VERYSECRET');
  });
});

describe('recipients from a file', () => {
  it('are the public half of PEM private keys', async () => {
    const pkcs8 = await file('pkcs8', ed25519.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const pkcs1 = await file('pkcs1', rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }));
    const spki = await file('spki', rsa.publicKey.export({ type: 'spki', format: 'pem' }));
    const fingerprints = await Promise.all(
      [pkcs8, pkcs1, spki].map(async (path) => (await recipientsFromFile(path))[0]?.fingerprint),
    );
    const rsaFingerprint = sshFingerprint(blobOf(rsa.publicKey));
    expect(fingerprints).toEqual([sshFingerprint(blobOf(ed25519.publicKey)), rsaFingerprint, rsaFingerprint]);
  });

  it('are derived from age identity files', async () => {
    const [a, b] = [await generateX25519Identity(), await generateHybridIdentity()];
    const path = await file('identity', `# created: today\n# public key: age1...\n${a}\n\n${b}\n`);
    const found = await recipientsFromFile(path);
    expect(found.map(({ recipient }) => recipient)).toEqual([
      await identityToRecipient(a),
      await identityToRecipient(b),
    ]);
    expect(found.map(({ fingerprint }) => fingerprint)).toEqual([
      await identityToRecipient(a),
      expect.stringMatching(/^age1pq:SHA256:[A-Za-z0-9+/]{43}$/),
    ]);
  });

  it('come from PATH.pub when only that exists', async () => {
    await file('only.pub', `${sshLine(ed25519.publicKey)} me\n`);
    const [found] = await recipientsFromFile(join(folder, 'only'));
    expect(found).toMatchObject({ type: 'ssh-ed25519', comment: 'me' });
  });

  it('come from PATH.pub when the key at PATH hides its public half', async () => {
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
    const path = await file('hidden', rsa.privateKey.export(options));
    await expect(recipientsFromFile(path)).rejects.toMatchObject({ code: 'recipient.hidden' });
    await file('hidden.pub', sshLine(rsa.publicKey));
    expect(await recipientsFromFile(path)).toHaveLength(1);
  });

  it('are refused with a reason when the key is of another kind, damaged, or not there', async () => {
    const ecPath = await file('ec', ec.privateKey.export({ type: 'sec1', format: 'pem' }));
    expect(await codeOf(recipientsFromFile(ecPath))).toBe('recipient.unsupported');
    const broken = await file(
      'broken',
      '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
    );
    expect(await codeOf(recipientsFromFile(broken))).toBe('recipient.malformed');
    const brokenPem = await file(
      'broken-pem',
      '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
    );
    expect(await codeOf(recipientsFromFile(brokenPem))).toBe('recipient.malformed');
    const brokenAge = await file('broken-age', 'AGE-SECRET-KEY-1QQQQ\n');
    expect(await codeOf(recipientsFromFile(brokenAge))).toBe('recipient.malformed');
    expect(await codeOf(recipientsFromFile(join(folder, 'nowhere')))).toBe('key-file.missing');
    expect(await codeOf(recipientsFromFile(folder))).toBe('key-file.unreadable');
    const large = await file('large', '#'.repeat(5 * 1024 * 1024));
    expect(await codeOf(recipientsFromFile(large))).toBe('key-file.too-large');
  });
});

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content, { mode: 0o600 });
  return path;
}

function blobOf(key: Parameters<typeof publicBlobOf>[0]): Buffer {
  return publicBlobOf(key) ?? Buffer.alloc(0);
}

function sshLine(key: Parameters<typeof publicBlobOf>[0]): string {
  const blob = blobOf(key);
  return `${blob.toString('latin1', 4, 4 + blob.readUInt32BE(0))} ${blob.toString('base64')}`;
}

function wire(...fields: readonly string[]): string {
  const parts = fields.flatMap((field) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(field.length);
    return [length, Buffer.from(field)];
  });
  return Buffer.concat(parts).toString('base64');
}
