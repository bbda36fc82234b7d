import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { StateError } from '../core/errors.js';
import { publicBlobOf, readPublicBlob, sshFingerprint, WireReader, writeStrings } from './ssh-wire.js';

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
  const signature = writeStrings(
    Buffer.from(rsa ? 'rsa-sha2-512' : 'ssh-ed25519'),
    sign(rsa ? 'sha512' : null, signed, key),
  );
  const body = Buffer.concat([
    MAGIC,
    uint32(VERSION),
    writeStrings(blob, Buffer.from(namespace), Buffer.alloc(0), Buffer.from('sha512'), signature),
  ]);
  const lines = body.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? [];
  return `-----BEGIN SSH SIGNATURE-----\n${lines.join('\n')}\n-----END SSH SIGNATURE-----\n`;
}

/**
 * Checks a signature over a message, whoever made it.
 *
 * @throws StateError of kind `proof`: `signature.malformed`, `signature.namespace`, `signature.wrong`
 */
export function checkSignature(armored: string, message: Buffer, namespace: string): CheckedSignature {
  const { blob, found, hash, algorithm, bytes } = parseSignature(armored);
  if (found !== namespace) {
    throw refused(
      'namespace',
      `it was made for ${JSON.stringify(found)}, not for ${JSON.stringify(namespace)}`,
    );
  }
  const key = readPublicBlob(blob);
  if ('problem' in key) throw refused('malformed', 'its key is of a kind that is not known here');
  const signed = toBeSigned(message, namespace, hash);
  if (!isOver(signed, key, algorithm, bytes)) {
    throw refused('wrong', 'what was signed is not what stands here, or it was signed by another key');
  }
  return { type: key.type, fingerprint: sshFingerprint(blob) };
}

function isOver(
  signed: Buffer,
  key: Exclude<ReturnType<typeof readPublicBlob>, { problem: string }>,
  algorithm: string,
  signature: Buffer,
): boolean {
  try {
    if (key.type === 'ssh-ed25519') {
      const jwk = { kty: 'OKP', crv: 'Ed25519', x: key.point.toString('base64url') };
      const own = createPublicKey({ key: jwk, format: 'jwk' });
      return algorithm === 'ssh-ed25519' && verify(null, signed, own, signature);
    }
    // `ssh-rsa` as the name of a signature means SHA-1, which the format forbids.
    const digest = RSA_DIGESTS.get(algorithm);
    return digest !== undefined && verify(digest, signed, key.key, signature);
  } catch {
    return false;
  }
}

const RSA_DIGESTS: ReadonlyMap<string, string> = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
]);

interface SignatureParts {
  readonly blob: Buffer;
  readonly found: string;
  readonly hash: string;
  readonly algorithm: string;
  readonly bytes: Buffer;
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
    reader.string()?.toString('latin1'),
    reader.string(),
  ];
  const inner = new WireReader(signature ?? Buffer.alloc(0));
  const [algorithm, bytes] = [inner.string()?.toString('latin1'), inner.string()];
  const whole = reader.atEnd && inner.atEnd && reserved !== undefined;
  if (version !== VERSION || !whole || blob === undefined || namespace === undefined) {
    throw refused('malformed', 'its fields are not those of version 1');
  }
  if (hash === undefined || !HASHES.has(hash) || algorithm === undefined || bytes === undefined) {
    throw refused('malformed', 'its algorithms are not known here');
  }
  return { blob, found: namespace.toString(), hash, algorithm, bytes };
}

function toBeSigned(message: Buffer, namespace: string, hash: string): Buffer {
  const digest = createHash(hash).update(message).digest();
  return Buffer.concat([
    MAGIC,
    writeStrings(Buffer.from(namespace), Buffer.alloc(0), Buffer.from(hash), digest),
  ]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
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
