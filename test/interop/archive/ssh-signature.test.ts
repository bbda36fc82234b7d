import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPrivateKey } from '../../../src/archive/ssh-private-key.js';
import { checkSignature, signMessage } from '../../../src/archive/ssh-signature.js';
import { asStateError, StateError } from '../../../src/core/errors.js';
import { command } from './programs.js';

const NAMESPACE = 'evidence@coolify-state';
const MESSAGE = Buffer.from('{"drill":"green"}\n');

let folder: string;
const at = (name: string): string => join(folder, name);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ssh-signature-'));
  await writeFile(at('message'), MESSAGE);
  for (const [name, ...options] of KEYS) {
    await command('ssh-keygen', '-q', '-t', ...options, '-N', '', '-C', name, '-f', at(name));
  }
  const lines = await Promise.all(
    KEYS.map(async ([name]) => `${name} ${await readFile(at(`${name}.pub`), 'utf8')}`),
  );
  await writeFile(at('allowed'), lines.join(''));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const KEYS = [
  ['ed25519', 'ed25519'],
  ['rsa2048', 'rsa', '-b', '2048'],
  ['rsa3072', 'rsa', '-b', '3072'],
] as const;

async function signed(name: string, message = MESSAGE): Promise<string> {
  return signMessage(message, await openPrivateKey(await readFile(at(name), 'utf8'), name), NAMESPACE);
}

/** Status of `ssh-keygen -Y verify` over a message. */
async function keygenVerifies(name: string, signature: string, message: Buffer): Promise<boolean> {
  await writeFile(at('signature'), signature);
  const args = ['-Y', 'verify', '-f', at('allowed'), '-I', name, '-n', NAMESPACE, '-s', at('signature')];
  return await new Promise((resolve, reject) => {
    const child = spawn('ssh-keygen', args, { stdio: ['pipe', 'ignore', 'ignore'] });
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
    child.stdin.end(message);
  });
}

describe.each(KEYS.map(([name]) => name))('a signature by %s', (name) => {
  it('is accepted by ssh-keygen -Y verify, and refused for one changed byte', async () => {
    const signature = await signed(name);
    expect(await keygenVerifies(name, signature, MESSAGE)).toBe(true);
    expect(await keygenVerifies(name, signature, Buffer.from('{"drill":"grEen"}\n'))).toBe(false);
    expect(await keygenVerifies(name === 'ed25519' ? 'rsa2048' : 'ed25519', signature, MESSAGE)).toBe(false);
  });

  it('made by ssh-keygen -Y sign is accepted here, with the fingerprint that ssh-keygen shows', async () => {
    await rm(at('message.sig'), { force: true });
    await command('ssh-keygen', '-q', '-Y', 'sign', '-f', at(name), '-n', NAMESPACE, at('message'));
    const shown = (await command('ssh-keygen', '-l', '-f', at(`${name}.pub`))).split(' ')[1];
    const signature = await readFile(at('message.sig'), 'utf8');
    expect(checkSignature(signature, MESSAGE, NAMESPACE).fingerprint).toBe(shown);
  });

  it('is refused for another message and another namespace', async () => {
    const signature = await signed(name);
    expect(codeOfThrown(() => checkSignature(signature, Buffer.from('other'), NAMESPACE))).toBe(
      'signature.wrong',
    );
    expect(codeOfThrown(() => checkSignature(signature, MESSAGE, 'file'))).toBe('signature.namespace');
  });
});

it('a bent signature never holds, and is refused with our own error', async () => {
  const signature = await signed('ed25519');
  fc.assert(
    fc.property(fc.nat(signature.length - 1), fc.integer({ min: 1, max: 127 }), (index, code) => {
      const letter = String.fromCharCode(code);
      const bent = signature.slice(0, index) + letter + signature.slice(index + 1);
      fc.pre(!sameBytes(bent, signature));
      expect(codeOfThrown(() => checkSignature(bent, MESSAGE, NAMESPACE))).toMatch(/^signature\./);
    }),
    { numRuns: 500 },
  );
});

it('any text is refused with our own error', () => {
  fc.assert(
    fc.property(fc.string(), fc.uint8Array({ maxLength: 300 }), (text, bytes) => {
      for (const given of [text, armored(bytes), armored([...Buffer.from('SSHSIG'), ...bytes])]) {
        expect(codeOfThrown(() => checkSignature(given, MESSAGE, NAMESPACE))).toMatch(/^signature\./);
      }
    }),
  );
});

function armored(bytes: Iterable<number>): string {
  const text = Buffer.from([...bytes]).toString('base64');
  return `-----BEGIN SSH SIGNATURE-----\n${text}\n-----END SSH SIGNATURE-----\n`;
}

/** Base64 has unused bits, and blank lines carry nothing: another text may be the same signature. */
function sameBytes(a: string, b: string): boolean {
  const body = (text: string): string | undefined =>
    /BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\s*$/.exec(text)?.[1];
  const [one, other] = [body(a), body(b)];
  if (one === undefined || other === undefined) return false;
  return Buffer.from(one, 'base64').equals(Buffer.from(other, 'base64'));
}

function codeOfThrown(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof StateError) return error.code;
    throw asStateError(error, 'something else was thrown');
  }
  return 'nothing was thrown';
}
