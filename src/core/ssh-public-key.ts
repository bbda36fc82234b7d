import { createPublicKey, type KeyObject } from 'node:crypto';
import { mpint, string, strings, unsigned, WireReader } from './ssh-wire.js';

/** The wire form of a public key (RFC 4253, section 6.6; RFC 5656; RFC 8709), and what it says of itself in it. */
export interface PublicBlob {
  readonly type: string;
  readonly blob: Buffer;
}

/** The wire form of the public half of a key that Node holds: Ed25519, ECDSA, RSA; undefined for other kinds. */
export function publicBlobOf(key: KeyObject): PublicBlob | undefined {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const { kty, crv, n, e, x, y } = half.export({ format: 'jwk' });
  if (kty === 'RSA' && n !== undefined && e !== undefined) {
    const fields = [string('ssh-rsa'), mpint(bytesOf(e)), mpint(bytesOf(n))];
    return { type: 'ssh-rsa', blob: Buffer.concat(fields) };
  }
  if (kty === 'OKP' && crv === 'Ed25519' && x !== undefined) {
    return { type: 'ssh-ed25519', blob: strings('ssh-ed25519', bytesOf(x)) };
  }
  const [type, curve] = [...SSH_CURVES].find(([, { name }]) => kty === 'EC' && name === crv) ?? [];
  if (type !== undefined && curve !== undefined && x !== undefined && y !== undefined) {
    const point = Buffer.concat([Buffer.of(UNCOMPRESSED), bytesOf(x), bytesOf(y)]);
    return { type, blob: strings(type, curve.identifier, point) };
  }
  return undefined;
}

/** A public key for Node from one in wire form; undefined for other types. `@throws Error` for numbers that are no key */
export function publicKeyOf(blob: Buffer): { readonly type: string; readonly key: KeyObject } | undefined {
  const reader = new WireReader(blob);
  const type = reader.text() ?? '';
  const curve = SSH_CURVES.get(type);
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
  const e = unsigned(first).toString('base64url');
  const n = unsigned(modulus).toString('base64url');
  return { type, key: createPublicKey({ key: { kty: 'RSA', e, n }, format: 'jwk' }) };
}

/** The curves of ECDSA by the types of their keys: Node's name, SSH's own, the size of a coordinate, the hash. */
export const SSH_CURVES: ReadonlyMap<
  string,
  { readonly name: string; readonly identifier: string; readonly size: number; readonly hash: string }
> = new Map([
  ['ecdsa-sha2-nistp256', { name: 'P-256', identifier: 'nistp256', size: 32, hash: 'sha256' }],
  ['ecdsa-sha2-nistp384', { name: 'P-384', identifier: 'nistp384', size: 48, hash: 'sha384' }],
  ['ecdsa-sha2-nistp521', { name: 'P-521', identifier: 'nistp521', size: 66, hash: 'sha512' }],
]);

/** The first byte of a point that is written with both coordinates. */
const UNCOMPRESSED = 4;

function bytesOf(base64url: string): Buffer {
  return Buffer.from(base64url, 'base64url');
}
