import { type KeyObject, verify } from 'node:crypto';
import { publicKeyOf, SSH_CURVES } from './ssh-public-key.js';
import { unsigned, WireReader } from './ssh-wire.js';

/**
 * Checks a signature in SSH's form (RFC 4253, section 6.6) by a public key in wire form: Ed25519 (RFC 8709), ECDSA
 * (RFC 5656), RSA with SHA-2 (RFC 8332). SHA-1 and everything else count as wrong. Never throws.
 */
export function verifySignature(keyBlob: Buffer, data: Buffer, signature: Buffer): boolean {
  const reader = new WireReader(signature);
  const algorithm = reader.text();
  const value = reader.string();
  if (algorithm === undefined || value === undefined || !reader.atEnd) return false;
  try {
    return verifyBy(algorithm, publicKeyOf(keyBlob), data, value);
  } catch {
    // Numbers that are no key or no signature.
    return false;
  }
}

function verifyBy(
  algorithm: string,
  found: { readonly type: string; readonly key: KeyObject } | undefined,
  data: Buffer,
  value: Buffer,
): boolean {
  if (!found) return false;
  const { type, key } = found;
  const curve = SSH_CURVES.get(type);
  if (curve) {
    const fixed = fixedSize(value, curve.size);
    if (algorithm !== type || !fixed) return false;
    return verify(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, fixed);
  }
  if (type === 'ssh-ed25519') return algorithm === type && verify(null, data, key, value);
  const hash = RSA_HASHES.get(algorithm);
  return hash !== undefined && type === 'ssh-rsa' && verify(hash, data, key, value);
}

/** ECDSA's two numbers, each in as many bytes as the curve has. */
function fixedSize(value: Buffer, size: number): Buffer | undefined {
  const reader = new WireReader(value);
  const numbers = [reader.string(), reader.string()].map((number) => number && unsigned(number));
  const padded = numbers.flatMap((number) =>
    number && number.length <= size ? [Buffer.concat([Buffer.alloc(size - number.length), number])] : [],
  );
  return padded.length === 2 && reader.atEnd ? Buffer.concat(padded) : undefined;
}

const RSA_HASHES: ReadonlyMap<string, string> = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
]);
