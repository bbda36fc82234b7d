import { constants, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import { type Identity, type Recipient, Stanza } from 'age-encryption';
import { stanzaTag } from './ssh-ed25519.js';

/**
 * The `ssh-rsa` stanza of age (https://github.com/FiloSottile/age/blob/main/agessh/agessh.go): `-> ssh-rsa tag`, where
 * tag is the first four bytes of the SHA-256 of the key's wire form. The body is the file key under RSA-OAEP with
 * SHA-256 and a label.
 */
const TYPE = 'ssh-rsa';
const OAEP = {
  padding: constants.RSA_PKCS1_OAEP_PADDING,
  oaepHash: 'sha256',
  oaepLabel: Buffer.from('age-encryption.org/v1/ssh-rsa'),
} as const;
const FILE_KEY_BYTES = 16;

/** Fewer bits are refused for new archives, as age does. */
export const MIN_RSA_BITS = 2048;

/** Wraps file keys for the owner of an SSH RSA key. */
export class RsaRecipient implements Recipient {
  readonly #blob: Buffer;
  readonly #key: KeyObject;

  constructor({ blob, key }: { readonly blob: Buffer; readonly key: KeyObject }) {
    this.#blob = blob;
    this.#key = key;
  }

  wrapFileKey(fileKey: Uint8Array): Stanza[] {
    return [new Stanza([TYPE, stanzaTag(this.#blob)], publicEncrypt({ key: this.#key, ...OAEP }, fileKey))];
  }
}

/** Unwraps them with the private key. */
export class RsaIdentity implements Identity {
  readonly #blob: Buffer;
  readonly #key: KeyObject;

  constructor({ blob, key }: { readonly blob: Buffer; readonly key: KeyObject }) {
    this.#blob = blob;
    this.#key = key;
  }

  /** `@throws Error` when a stanza bears this key's tag and is malformed or does not open. */
  unwrapFileKey(stanzas: readonly Stanza[]): Uint8Array | null {
    const mine = stanzas.filter(({ args }) => args[0] === TYPE && args[1] === stanzaTag(this.#blob));
    for (const { args, body } of mine) {
      if (args.length !== 2) throw new Error('malformed ssh-rsa stanza');
      const fileKey = this.#decrypt(body);
      if (fileKey?.length === FILE_KEY_BYTES) return fileKey;
    }
    if (mine.length > 0) throw new Error('an ssh-rsa stanza for this key does not open');
    return null;
  }

  #decrypt(body: Uint8Array): Buffer | undefined {
    try {
      return privateDecrypt({ key: this.#key, ...OAEP }, body);
    } catch {
      return undefined;
    }
  }
}
