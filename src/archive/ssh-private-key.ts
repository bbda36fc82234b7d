import { createPrivateKey, type KeyObject } from 'node:crypto';
import { StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';
import { WireReader } from './ssh-wire.js';

/** How a private key file is written. */
export type PrivateKeyFormat = 'openssh' | 'pem';

/** What the outside of an OpenSSH private key tells without its passphrase. */
export interface OpenSshEnvelope {
  /** `none`, or the cipher that protects the private half. */
  readonly cipher: string;
  /** The public half in wire form. Not authenticated. */
  readonly publicBlob: Buffer;
}

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

const OPENSSH = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END OPENSSH PRIVATE KEY-----/;
const PEM = /-----BEGIN ((?:RSA |EC |DSA |ENCRYPTED )?PRIVATE KEY)-----/;
const MAGIC = 'openssh-key-v1\0';

/** Which private key format a file's text is in, if any. */
export function privateKeyFormat(text: string): PrivateKeyFormat | undefined {
  if (text.includes('-----BEGIN OPENSSH PRIVATE KEY-----')) return 'openssh';
  return PEM.test(text) ? 'pem' : undefined;
}

/**
 * Reads the outside of an OpenSSH private key (PROTOCOL.key of OpenSSH), which holds the public half unencrypted.
 * `undefined` when it is damaged.
 */
export function readOpenSshEnvelope(text: string): OpenSshEnvelope | undefined {
  const data = Buffer.from(OPENSSH.exec(text)?.[1] ?? '', 'base64');
  if (data.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined;
  const reader = new WireReader(data.subarray(MAGIC.length));
  const cipher = reader.string()?.toString('latin1');
  reader.string(); // key derivation
  reader.string(); // and its parameters
  const count = reader.uint32();
  const publicBlob = reader.string();
  const privatePart = reader.string();
  if (cipher === undefined || count !== 1 || publicBlob === undefined || privatePart === undefined) {
    return undefined;
  }
  return { cipher, publicBlob };
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
  const key = ssh2.utils.parseKey(OPENSSH.exec(text)?.[0] ?? '', passphrase?.reveal());
  if (key instanceof Error) throw cipher === 'none' ? malformedKey(path, key) : wrongPassphrase(path);
  return key.getPrivatePEM();
}
