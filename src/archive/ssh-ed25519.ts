import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { ed25519 } from '@noble/curves/ed25519.js';
import { type Identity, type Recipient, Stanza } from 'age-encryption';
import { base64, fromBase64 } from './unpadded-base64.js';
import { scalarMult, scalarMultBase } from './x25519.js';

/**
 * The `ssh-ed25519` stanza of age, which its specification leaves to implementations and
 * https://github.com/FiloSottile/age/blob/main/agessh/agessh.go defines:
 *
 * `-> ssh-ed25519 tag share`, where tag is the first four bytes of the SHA-256 of the key's wire form and share is an
 * ephemeral X25519 public key. The Ed25519 key is moved to Curve25519 by the birational map. The shared secret is
 * multiplied once more by a tweak that is derived from the wire form, so that it is bound to the SSH key. The body is
 * the file key under ChaCha20-Poly1305 with HKDF-SHA256(shared secret, salt share || Curve25519 key) and a zero nonce.
 */
const TYPE = 'ssh-ed25519';
const LABEL = 'age-encryption.org/v1/ssh-ed25519';
const FILE_KEY_BYTES = 16;
const TAG_BYTES = 16;

/** Wraps file keys for the owner of an SSH Ed25519 key. `@throws Error` when `point` is not on the curve. */
export class Ed25519Recipient implements Recipient {
  readonly #blob: Buffer;
  readonly #theirs: Uint8Array;

  constructor({ blob, point }: { readonly blob: Buffer; readonly point: Buffer }) {
    this.#blob = blob;
    this.#theirs = ed25519.utils.toMontgomery(point);
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    const ephemeral = randomBytes(32);
    const share = scalarMultBase(ephemeral);
    const key = wrappingKey(this.#blob, scalarMult(ephemeral, this.#theirs), share, this.#theirs);
    return [new Stanza([TYPE, stanzaTag(this.#blob), base64(share)], encrypt(key, fileKey))];
  }
}

/** Unwraps them with the 32 byte seed of the private key. */
export class Ed25519Identity implements Identity {
  readonly #blob: Buffer;
  readonly #scalar: Uint8Array;
  readonly #ours: Uint8Array;

  constructor({ blob, seed }: { readonly blob: Buffer; readonly seed: Uint8Array }) {
    this.#blob = blob;
    this.#scalar = ed25519.utils.toMontgomerySecret(seed);
    this.#ours = scalarMultBase(this.#scalar);
  }

  /** `@throws Error` when a stanza bears this key's tag and is malformed or does not open. */
  unwrapFileKey(stanzas: readonly Stanza[]): Uint8Array | null {
    const mine = stanzas.filter(({ args }) => args[0] === TYPE && args[1] === stanzaTag(this.#blob));
    for (const { args, body } of mine) {
      const share = fromBase64(args[2] ?? '');
      if (args.length !== 3 || share?.length !== 32 || body.length !== FILE_KEY_BYTES + TAG_BYTES) {
        throw new Error('malformed ssh-ed25519 stanza');
      }
      const key = wrappingKey(this.#blob, scalarMult(this.#scalar, share), share, this.#ours);
      const fileKey = decrypt(key, body);
      if (fileKey !== undefined) return fileKey;
    }
    if (mine.length > 0) throw new Error('an ssh-ed25519 stanza for this key does not open');
    return null;
  }
}

/** Four bytes that tell whose stanza it is without naming the key. */
export function stanzaTag(blob: Buffer): string {
  return base64(createHash('sha256').update(blob).digest().subarray(0, 4));
}

function wrappingKey(blob: Buffer, secret: Uint8Array, share: Uint8Array, publicKey: Uint8Array): Buffer {
  const tweak = new Uint8Array(hkdfSync('sha256', '', blob, LABEL, 32));
  const salt = Buffer.concat([share, publicKey]);
  return Buffer.from(hkdfSync('sha256', scalarMult(tweak, secret), salt, LABEL, 32));
}

function encrypt(key: Buffer, fileKey: Uint8Array): Buffer {
  const cipher = createCipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: TAG_BYTES });
  return Buffer.concat([cipher.update(fileKey), cipher.final(), cipher.getAuthTag()]);
}

function decrypt(key: Buffer, body: Uint8Array): Buffer | undefined {
  const cipher = createDecipheriv('chacha20-poly1305', key, Buffer.alloc(12), { authTagLength: TAG_BYTES });
  cipher.setAuthTag(body.subarray(FILE_KEY_BYTES));
  try {
    return Buffer.concat([cipher.update(body.subarray(0, FILE_KEY_BYTES)), cipher.final()]);
  } catch {
    return undefined;
  }
}
