import { WireReader } from './ssh-wire.js';

/** What the outside of an OpenSSH private key tells without its passphrase. */
export interface OpenSshEnvelope {
  /** `none`, or the cipher that protects the private half. */
  readonly cipher: string;
  /** The public half in wire form. Not authenticated. */
  readonly publicBlob: Buffer;
}

export const OPENSSH_MAGIC = 'openssh-key-v1\0';

const ARMOR = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]*)-----END OPENSSH PRIVATE KEY-----/;

/** The armored key in a text, whatever stands before and behind it. */
export function openSshArmor(text: string): string | undefined {
  return ARMOR.exec(text)?.[0];
}

/**
 * Reads the outside of an OpenSSH private key (PROTOCOL.key of OpenSSH), which holds the public half unencrypted.
 * `undefined` when it is damaged, or the text is something else.
 */
export function readOpenSshEnvelope(text: string): OpenSshEnvelope | undefined {
  const data = Buffer.from(ARMOR.exec(text)?.[1] ?? '', 'base64');
  if (data.toString('latin1', 0, OPENSSH_MAGIC.length) !== OPENSSH_MAGIC) return undefined;
  const reader = new WireReader(data.subarray(OPENSSH_MAGIC.length));
  const cipher = reader.text();
  reader.string(); // key derivation
  reader.string(); // and its parameters
  const count = reader.uint32();
  const publicBlob = reader.string();
  const privatePart = reader.string();
  if (cipher === undefined || count !== 1 || publicBlob === undefined || privatePart === undefined) {
    return undefined;
  }
  return { cipher, publicBlob };
}
