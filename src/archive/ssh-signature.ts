import { createHash, type KeyObject, sign } from 'node:crypto';
import { StateError } from '../core/errors.js';
import { sshFingerprint } from '../core/ssh-fingerprint.js';
import { verifySignature } from '../core/ssh-signature.js';
import { strings, uint32, WireReader } from '../core/ssh-wire.js';
import { publicBlobOf, readPublicBlob } from './ssh-public-key.js';

/** A signature that was checked, and whose it is. */
export interface CheckedSignature {
  readonly type: 'ssh-ed25519' | 'ssh-rsa';
  /** `SHA256:...` of the key that signed. Whether that key is to be trusted is for the caller to say. */
  readonly fingerprint: string;
}

const MAGIC = Buffer.from('SSHSIG');
const VERSION = 1;
const ARMOR = /^-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\s*$/;
const LINE = 70;
/** The hashes that the format knows; ours is the stronger one. */
const HASHES: ReadonlySet<string> = new Set(['sha256', 'sha512']);
const MAX_SIGNATURE_BYTES = 64 * 1024;

/**
 * Signs a message as `ssh-keygen -Y sign -n NAMESPACE` does (PROTOCOL.sshsig of OpenSSH), so that
 * `ssh-keygen -Y verify` checks it.
 *
 * @throws StateError `signature.unsupported-key` for keys other than Ed25519 and RSA
 */
export function signMessage(message: Buffer, key: KeyObject, namespace: string): string {
  const blob = publicBlobOf(key);
  if (blob === undefined) {
    throw new StateError({
      kind: 'usage',
      code: 'signature.unsupported-key',
      what: `A key of type ${key.asymmetricKeyType ?? 'unknown'} cannot sign here`,
      next: 'use an ssh-ed25519 or ssh-rsa private key',
    });
  }
  const signed = toBeSigned(message, namespace, 'sha512');
  const rsa = key.asymmetricKeyType === 'rsa';
  const signature = strings(rsa ? 'rsa-sha2-512' : 'ssh-ed25519', sign(rsa ? 'sha512' : null, signed, key));
  const body = Buffer.concat([MAGIC, uint32(VERSION), strings(blob, namespace, '', 'sha512', signature)]);
  const lines = body.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
}

/**
 * Checks a signature over a message, whoever made it.
 *
 * @throws StateError of kind `proof`: `signature.malformed`, `signature.namespace`, `signature.wrong`
 */
export function checkSignature(armored: string, message: Buffer, namespace: string): CheckedSignature {
  const { blob, found, hash, signature } = parseSignature(armored);
  if (found !== namespace) {
    throw refused(
      'namespace',
      `it was made for ${JSON.stringify(found)}, not for ${JSON.stringify(namespace)}`,
    );
  }
  const key = readPublicBlob(blob);
  if ('problem' in key) throw refused('malformed', 'its key is of a kind that is not known here');
  const signed = toBeSigned(message, namespace, hash);
  if (!verifySignature(blob, signed, signature)) {
    throw refused('wrong', 'what was signed is not what stands here, or it was signed by another key');
  }
  return { type: key.type, fingerprint: sshFingerprint(blob) };
}

interface SignatureParts {
  readonly blob: Buffer;
  readonly found: string;
  readonly hash: string;
  /** The algorithm's name, and what it made. */
  readonly signature: Buffer;
}

function parseSignature(armored: string): SignatureParts {
  if (armored.length > MAX_SIGNATURE_BYTES) throw refused('malformed', 'it is absurdly large');
  const body = Buffer.from(ARMOR.exec(armored)?.[1] ?? '', 'base64');
  if (!body.subarray(0, MAGIC.length).equals(MAGIC)) {
    throw refused('malformed', 'it does not begin as an SSH signature does');
  }
  const reader = new WireReader(body.subarray(MAGIC.length));
  const version = reader.uint32();
  const [blob, namespace, reserved, hash, signature] = [
    reader.string(),
    reader.string(),
    reader.string(),
    reader.text(),
    reader.string(),
  ];
  const whole = reader.atEnd && reserved !== undefined;
  if (version !== VERSION || !whole || blob === undefined || namespace === undefined) {
    throw refused('malformed', 'its fields are not those of version 1');
  }
  if (hash === undefined || !HASHES.has(hash) || signature === undefined) {
    throw refused('malformed', 'its algorithms are not known here');
  }
  return { blob, found: namespace.toString(), hash, signature };
}

function toBeSigned(message: Buffer, namespace: string, hash: string): Buffer {
  const digest = createHash(hash).update(message).digest();
  return Buffer.concat([MAGIC, strings(namespace, '', hash, digest)]);
}

function refused(problem: 'malformed' | 'namespace' | 'wrong', why: string): StateError {
  return new StateError({
    kind: 'proof',
    code: `signature.${problem}`,
    what: 'The signature does not hold',
    why,
    next: 'do not rely on what it was to vouch for',
  });
}
