import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { believed, parseAllowedSigners } from '../../../src/archive/allowed-signers.js';
import { checkSignature } from '../../../src/archive/ssh-signature.js';
import { command } from './programs.js';

const NAMESPACE = 'evidence@coolify-state';
const MESSAGE = 'a record\n';
let folder: string;
let key: string;
let signature: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'allowed-signers-'));
  for (const name of ['own', 'other'])
    await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', `${name} key`, '-f', at(name));
  await writeFile(at('message'), MESSAGE);
  await command('ssh-keygen', '-q', '-Y', 'sign', '-f', at('own'), '-n', NAMESPACE, at('message'));
  signature = await readFile(at('message.sig'), 'utf8');
  key = (await readFile(at('own.pub'), 'utf8')).trim().split(' ').slice(0, 2).join(' ');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Whether ssh-keygen believes the signature by such a file, at such a time. */
async function keygenBelieves(text: string, time: string): Promise<boolean> {
  await writeFile(at('allowed'), text);
  const args = [
    '-Y',
    'verify',
    '-f',
    at('allowed'),
    '-I',
    'drills',
    '-n',
    NAMESPACE,
    '-s',
    at('message.sig'),
  ];
  return await new Promise((resolve, reject) => {
    const child = spawn('ssh-keygen', [...args, '-O', `verify-time=${time}`], {
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
    child.stdin.end(MESSAGE);
  });
}

function weBelieve(text: string, at: Date): boolean {
  const { fingerprint } = checkSignature(signature, Buffer.from(MESSAGE), NAMESPACE);
  return !('why' in believed(parseAllowedSigners(text, 'allowed'), fingerprint, NAMESPACE, at));
}

const CASES: readonly (readonly [string, (key: string) => string])[] = [
  ['a plain line', (own) => `drills ${own}`],
  ['a comment behind and lines of comment before', (own) => `# people\n\ndrills ${own} of the night\n`],
  ['a namespace that fits', (own) => `drills namespaces="${NAMESPACE}" ${own}`],
  ['several namespaces', (own) => `drills namespaces="git,evidence@*" ${own}`],
  ['a namespace of something else', (own) => `drills namespaces="git" ${own}`],
  ['a time that has come', (own) => `drills valid-after="20260101Z" ${own}`],
  ['a time that has not come', (own) => `drills valid-after="20270101Z" ${own}`],
  ['a time that has passed', (own) => `drills valid-before="202606010000Z" ${own}`],
  ['a time within bounds', (own) => `drills valid-after="20260101Z",valid-before="20270101000000Z" ${own}`],
];

describe('a file of allowed signers', () => {
  it.each(CASES)('is read as ssh-keygen reads it: %s', async (_what, line) => {
    const ours = weBelieve(line(key), new Date('2026-11-25T00:00:00Z'));
    expect(ours).toBe(await keygenBelieves(line(key), '20261125000000Z'));
  });

  it('may be a public key as ssh-keygen writes it', async () => {
    const [signer] = parseAllowedSigners(await readFile(at('own.pub'), 'utf8'), 'own.pub');
    expect(signer?.principals).toBe('own');
    expect(weBelieve(await readFile(at('own.pub'), 'utf8'), new Date())).toBe(true);
    expect(weBelieve(await readFile(at('other.pub'), 'utf8'), new Date())).toBe(false);
  });

  it.each([
    ['rsa', '3072'],
    ['ecdsa', '256'],
    ['ecdsa', '521'],
  ])('knows a key by its fingerprint whose text ends in padding: %s of %s bits', async (type, bits) => {
    const path = at(`${type}-${bits}`);
    await rm(path, { force: true });
    await command('ssh-keygen', '-q', '-t', type, '-b', bits, '-N', '', '-f', path);
    const text = await readFile(`${path}.pub`, 'utf8');
    expect(text.split(' ')[1]).toMatch(/=$/);
    const shown = (await command('ssh-keygen', '-l', '-f', `${path}.pub`)).split(' ')[1];
    expect(parseAllowedSigners(`drills ${text}`, 'allowed')[0]?.fingerprint).toBe(shown);
  });

  it('believes nobody by an authority, as signatures with certificates are not made here', () => {
    expect(weBelieve(`drills cert-authority ${key}`, new Date())).toBe(false);
  });

  it.each([
    ['no key', 'drills'],
    ['an option that is not known', 'drills no-such-thing ssh-ed25519 AAAA'],
    ['a time that is none', 'drills valid-after="soon" ssh-ed25519 AAAA'],
    ['a private key', '-----BEGIN OPENSSH PRIVATE KEY-----'],
  ])('is refused with the line for %s', (_what, line) => {
    expect(() => parseAllowedSigners(`# first\n${line}\n`, 'allowed')).toThrow(/allowed:2 is no line/);
  });
});
