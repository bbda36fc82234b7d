import { createPrivateKey, createPublicKey, diffieHellman } from 'node:crypto';

/** What stands before the 32 bytes of a key in its DER form (RFC 8410). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');

/**
 * X25519 (RFC 7748) by OpenSSL: the scalar is clamped, and the product of 32 bytes.
 * @throws Error for a point of low order, whose product is zero
 */
export function scalarMult(scalar: Uint8Array, point: Uint8Array): Buffer {
  const publicKey = createPublicKey({
    key: Buffer.concat([PUBLIC_PREFIX, point]),
    format: 'der',
    type: 'spki',
  });
  return diffieHellman({ privateKey: privateKeyOf(scalar), publicKey });
}

/** The public key of a scalar. */
export function scalarMultBase(scalar: Uint8Array): Buffer {
  const key = createPublicKey(privateKeyOf(scalar)).export({ format: 'der', type: 'spki' });
  return key.subarray(PUBLIC_PREFIX.length);
}

function privateKeyOf(scalar: Uint8Array) {
  return createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, scalar]), format: 'der', type: 'pkcs8' });
}
