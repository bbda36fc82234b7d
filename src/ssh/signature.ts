import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { WireReader } from './wire.js';

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
    return verifyBy(algorithm, readKey(keyBlob), data, value);
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
  const curve = CURVES.get(type);
  if (curve) {
    const fixed = fixedSize(value, curve.size);
    if (algorithm !== type || !fixed) return false;
    return verify(curve.hash, data, { key, dsaEncoding: 'ieee-p1363' }, fixed);
  }
  if (type === 'ssh-ed25519') return algorithm === type && verify(null, data, key, value);
  const hash = RSA_HASHES.get(algorithm);
  return hash !== undefined && type === 'ssh-rsa' && verify(hash, data, key, value);
}

/** A public key of Node from one in wire form; undefined for other types. */
function readKey(blob: Buffer): { readonly type: string; readonly key: KeyObject } | undefined {
  const reader = new WireReader(blob);
  const type = reader.text() ?? '';
  const curve = CURVES.get(type);
  if (curve) {
    reader.string();
    const point = reader.string();
    if (point?.length !== 1 + 2 * curve.size || point[0] !== UNCOMPRESSED) return undefined;
    const x = point.subarray(1, 1 + curve.size).toString('base64url');
    const y = point.subarray(1 + curve.size).toString('base64url');
    return { type, key: createPublicKey({ key: { kty: 'EC', crv: curve.name, x, y }, format: 'jwk' }) };
  }
  const first = reader.string();
  if (!first) return undefined;
  if (type === 'ssh-ed25519') {
    const x = first.toString('base64url');
    return { type, key: createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }) };
  }
  const modulus = reader.string();
  if (type !== 'ssh-rsa' || !modulus) return undefined;
  const jwk = {
    kty: 'RSA',
    e: unsigned(first).toString('base64url'),
    n: unsigned(modulus).toString('base64url'),
  };
  return { type, key: createPublicKey({ key: jwk, format: 'jwk' }) };
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

/** An mpint without leading zeros. */
function unsigned(mpint: Buffer): Buffer {
  let start = 0;
  while (start < mpint.length && mpint[start] === 0) start += 1;
  return mpint.subarray(start);
}

const UNCOMPRESSED = 4;

const CURVES: ReadonlyMap<string, { readonly name: string; readonly size: number; readonly hash: string }> =
  new Map([
    ['ecdsa-sha2-nistp256', { name: 'P-256', size: 32, hash: 'sha256' }],
    ['ecdsa-sha2-nistp384', { name: 'P-384', size: 48, hash: 'sha384' }],
    ['ecdsa-sha2-nistp521', { name: 'P-521', size: 66, hash: 'sha512' }],
  ]);

const RSA_HASHES: ReadonlyMap<string, string> = new Map([
  ['rsa-sha2-256', 'sha256'],
  ['rsa-sha2-512', 'sha512'],
]);
