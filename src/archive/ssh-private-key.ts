import { createPrivateKey, type KeyObject } from 'node:crypto';
import { StateError } from '../core/errors.js';
import { openSshArmor, readOpenSshEnvelope } from '../core/openssh-envelope.js';
import type { Secret } from '../core/secret.js';

/** How a private key file is written. */
export type PrivateKeyFormat = 'openssh' | 'pem';

/** What ssh2 can decrypt; ssh-keygen's default is aes256-ctr. */
const CIPHERS: ReadonlySet<string> = new Set([
  'aes128-cbc',
  'aes192-cbc',
  'aes256-cbc',
  'aes128-ctr',
  'aes192-ctr',
  'aes256-ctr',
  'aes128-gcm@openssh.com',
  'aes256-gcm@openssh.com',
]);

const PEM = /-----BEGIN ((?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY)-----/;

/** Which private key format a file's text is in, if any. */
export function privateKeyFormat(text: string): PrivateKeyFormat | undefined {
  if (text.includes('-----BEGIN OPENSSH PRIVATE KEY-----')) return 'openssh';
  return PEM.test(text) ? 'pem' : undefined;
}

/** Whether a private key can only be opened with a passphrase. */
export function isPassphraseProtected(text: string): boolean {
  if (privateKeyFormat(text) === 'openssh') return (readOpenSshEnvelope(text)?.cipher ?? 'none') !== 'none';
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED/m.test(text);
}

/**
 * Opens an OpenSSH or PEM (PKCS #1, PKCS #8, traditional or encrypted) private key.
 *
 * @throws StateError `identity.malformed`, `identity.unsupported`, `identity.wrong-passphrase`
 */
export async function openPrivateKey(text: string, path: string, passphrase?: Secret): Promise<KeyObject> {
  const pem = privateKeyFormat(text) === 'openssh' ? await openSshToPem(text, path, passphrase) : text;
  try {
    return createPrivateKey(
      passphrase === undefined ? { key: pem } : { key: pem, passphrase: passphrase.reveal() },
    );
  } catch (cause) {
    throw passphrase === undefined ? malformedKey(path, cause) : wrongPassphrase(path);
  }
}

export function wrongPassphrase(path: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'identity.wrong-passphrase',
    what: `The private key ${path} did not open`,
    why: 'the passphrase is wrong, or the file is damaged',
    next: `check it with: ssh-keygen -y -f ${path}`,
  });
}

export function malformedKey(path: string, cause?: unknown): StateError {
  return new StateError({
    kind: 'usage',
    code: 'identity.malformed',
    what: `The private key ${path} cannot be read`,
    why: 'it is damaged or cut short',
    next: `check it with: ssh-keygen -y -f ${path}`,
    cause,
  });
}

async function openSshToPem(text: string, path: string, passphrase: Secret | undefined): Promise<string> {
  const envelope = readOpenSshEnvelope(text);
  if (envelope === undefined) throw malformedKey(path);
  const { cipher } = envelope;
  if (cipher !== 'none' && !CIPHERS.has(cipher)) {
    throw new StateError({
      kind: 'usage',
      code: 'identity.unsupported',
      what: `The private key ${path} cannot be opened`,
      why: `its passphrase protection uses the cipher ${JSON.stringify(cipher)}`,
      next: `protect a copy of it anew: ssh-keygen -p -Z aes256-ctr -f COPY`,
    });
  }
  // Loaded here because a whole SSH client comes with it, which most uses of a key do not need.
  const { default: ssh2 } = await import('ssh2');
  const key = ssh2.utils.parseKey(openSshArmor(text) ?? '', passphrase?.reveal());
  if (key instanceof Error) throw cipher === 'none' ? malformedKey(path, key) : wrongPassphrase(path);
  return key.getPrivatePEM();
}
