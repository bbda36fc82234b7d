import { createHash, createPublicKey, type KeyObject } from 'node:crypto';

/** An SSH public key of a kind that age can encrypt to. `blob` is its wire form (RFC 4253, section 6.6). */
export type SshPublicKey =
  | { readonly type: 'ssh-ed25519'; readonly blob: Buffer; readonly point: Buffer }
  | { readonly type: 'ssh-rsa'; readonly blob: Buffer; readonly key: KeyObject; readonly bits: number };

/** Why a blob is not such a key. `type` is what it says of itself. */
export type SshKeyProblem =
  | { readonly problem: 'malformed'; readonly why: string }
  | { readonly problem: 'unsupported'; readonly type: string };

/** Reads a public key in wire form: RFC 8709 for Ed25519, RFC 4253 for RSA. Never throws. */
export function readPublicBlob(blob: Buffer): SshPublicKey | SshKeyProblem {
  const reader = new WireReader(blob);
  const type = reader.string()?.toString('latin1');
  if (type === undefined || !/^[\x21-\x7e]{1,64}$/.test(type)) return malformed('it names no key type');
  if (type === 'ssh-ed25519') {
    const point = reader.string();
    if (point?.length !== 32 || !reader.atEnd) return malformed('an Ed25519 key has exactly 32 bytes');
    return { type, blob, point };
  }
  if (type === 'ssh-rsa') {
    const exponent = reader.string();
    const modulus = reader.string();
    if (exponent === undefined || modulus === undefined || !reader.atEnd) {
      return malformed('an RSA key has an exponent and a modulus');
    }
    return readRsa(blob, exponent, modulus);
  }
  return { problem: 'unsupported', type };
}

/** The wire form of a public or private key held by Node; `undefined` for other kinds than Ed25519 and RSA. */
export function publicBlobOf(key: KeyObject): Buffer | undefined {
  const half = key.type === 'private' ? createPublicKey(key) : key;
  const { x, n, e } = half.export({ format: 'jwk' });
  if (half.asymmetricKeyType === 'ed25519' && x !== undefined) {
    return writeStrings(Buffer.from('ssh-ed25519'), Buffer.from(x, 'base64url'));
  }
  if (half.asymmetricKeyType === 'rsa' && n !== undefined && e !== undefined) {
    return writeStrings(Buffer.from('ssh-rsa'), mpint(e), mpint(n));
  }
  return undefined;
}

/** `SHA256:...` as `ssh-keygen -l` prints it. */
export function sshFingerprint(blob: Buffer): string {
  return `SHA256:${base64(createHash('sha256').update(blob).digest())}`;
}

/** Base64 without padding, as age and OpenSSH write it. */
export function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '');
}

/** Decodes base64 that must be exactly what `base64` would write. */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return base64(bytes) === text ? bytes : undefined;
}

/** Reads the fields of RFC 4251, section 5. Every method gives `undefined` where the data ends too early. */
export class WireReader {
  #rest: Buffer;

  constructor(data: Buffer) {
    this.#rest = data;
  }

  get atEnd(): boolean {
    return this.#rest.length === 0;
  }

  uint32(): number | undefined {
    if (this.#rest.length < 4) return undefined;
    const value = this.#rest.readUInt32BE(0);
    this.#rest = this.#rest.subarray(4);
    return value;
  }

  string(): Buffer | undefined {
    const length = this.uint32();
    if (length === undefined || this.#rest.length < length) return undefined;
    const value = this.#rest.subarray(0, length);
    this.#rest = this.#rest.subarray(length);
    return value;
  }
}

function readRsa(blob: Buffer, exponent: Buffer, modulus: Buffer): SshPublicKey | SshKeyProblem {
  try {
    const jwk = { kty: 'RSA', e: unsigned(exponent), n: unsigned(modulus) };
    const key = createPublicKey({ key: jwk, format: 'jwk' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    return { type: 'ssh-rsa', blob, key, bits };
  } catch {
    return malformed('its numbers are no RSA key');
  }
}

/** An mpint without the leading zero that keeps it positive. */
function unsigned(mpintBytes: Buffer): string {
  let start = 0;
  while (start < mpintBytes.length - 1 && mpintBytes[start] === 0) start++;
  return mpintBytes.subarray(start).toString('base64url');
}

function mpint(base64url: string): Buffer {
  const bytes = Buffer.from(base64url, 'base64url');
  const negative = ((bytes[0] ?? 0) & 0x80) !== 0;
  return negative ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes;
}

/** Fields of RFC 4251, section 5, one after the other. */
export function writeStrings(...parts: readonly Buffer[]): Buffer {
  return Buffer.concat(
    parts.flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  );
}

function malformed(why: string): SshKeyProblem {
  return { problem: 'malformed', why };
}
