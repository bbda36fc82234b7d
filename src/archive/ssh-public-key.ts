import type { KeyObject } from 'node:crypto';
import { publicBlobOf as anyPublicBlobOf, publicKeyOf } from '../core/ssh-public-key.js';
import { WireReader } from '../core/ssh-wire.js';

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
  const type = reader.text();
  if (type === undefined || !/^[\x21-\x7e]{1,64}$/.test(type)) return malformed('it names no key type');
  if (type === 'ssh-ed25519') {
    const point = reader.string();
    if (point?.length !== 32 || !reader.atEnd) return malformed('an Ed25519 key has exactly 32 bytes');
    return { type, blob, point };
  }
  if (type === 'ssh-rsa') {
    const [exponent, modulus] = [reader.string(), reader.string()];
    if (exponent === undefined || modulus === undefined || !reader.atEnd) {
      return malformed('an RSA key has an exponent and a modulus');
    }
    return readRsa(blob);
  }
  return { problem: 'unsupported', type };
}

/** The wire form of a public or private key held by Node; `undefined` for other kinds than Ed25519 and RSA. */
export function publicBlobOf(key: KeyObject): Buffer | undefined {
  const found = anyPublicBlobOf(key);
  return found?.type === 'ssh-ed25519' || found?.type === 'ssh-rsa' ? found.blob : undefined;
}

function readRsa(blob: Buffer): SshPublicKey | SshKeyProblem {
  try {
    const key = publicKeyOf(blob)?.key;
    if (key === undefined) return malformed(NO_RSA);
    return { type: 'ssh-rsa', blob, key, bits: key.asymmetricKeyDetails?.modulusLength ?? 0 };
  } catch {
    return malformed(NO_RSA);
  }
}

const NO_RSA = 'its numbers are no RSA key';

function malformed(why: string): SshKeyProblem {
  return { problem: 'malformed', why };
}
