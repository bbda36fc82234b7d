import { createPublicKey, type KeyObject } from 'node:crypto';

/** The SSH wire form (RFC 4253, RFC 5656, RFC 8709) of a key that node:crypto can read; undefined for other kinds. */
export function publicBlobOf(privateText: Buffer): { type: string; blob: Buffer } | undefined {
  let key: KeyObject;
  try {
    key = createPublicKey(privateText);
  } catch {
    return undefined;
  }
  const { kty, crv, n, e, x, y } = key.export({ format: 'jwk' });
  if (kty === 'RSA' && n !== undefined && e !== undefined) {
    return { type: 'ssh-rsa', blob: wire(Buffer.from('ssh-rsa'), integer(e), integer(n)) };
  }
  if (kty === 'OKP' && crv === 'Ed25519' && x !== undefined) {
    return { type: 'ssh-ed25519', blob: wire(Buffer.from('ssh-ed25519'), Buffer.from(x, 'base64url')) };
  }
  const curve = crv === undefined ? undefined : CURVES[crv];
  if (kty === 'EC' && curve !== undefined && x !== undefined && y !== undefined) {
    const type = `ecdsa-sha2-${curve}`;
    const point = Buffer.concat([Buffer.of(4), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
    return { type, blob: wire(Buffer.from(type), Buffer.from(curve), point) };
  }
  return undefined;
}

const CURVES: Readonly<Record<string, string>> = {
  'P-256': 'nistp256',
  'P-384': 'nistp384',
  'P-521': 'nistp521',
};

/** An unsigned big-endian number with the leading zero that keeps it positive (RFC 4251, mpint). */
function integer(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  return (bytes[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes]) : bytes;
}

function wire(...fields: readonly Buffer[]): Buffer {
  return Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(field.length);
      return [length, field];
    }),
  );
}
