import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { OPENSSH_MAGIC } from '../core/openssh-envelope.js';
import { Secret } from '../core/secret.js';
import { sshFingerprint } from '../core/ssh-fingerprint.js';
import { strings, uint32 } from '../core/ssh-wire.js';
import { publicBlobOf } from './ssh-public-key.js';

/** A fresh pair, as `ssh-keygen -t ed25519 -N ''` would write it. */
export interface NewKeyPair {
  /** The text of the private key's file, without a passphrase. */
  readonly privateText: Secret;
  /** The line of the `.pub` file. */
  readonly publicLine: string;
  /** `SHA256:...` */
  readonly fingerprint: string;
}

/** Makes an Ed25519 key pair in OpenSSH's own format (PROTOCOL.key of OpenSSH), which age can encrypt to. */
export function newKeyPair(comment: string): NewKeyPair {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const blob = publicBlobOf(publicKey);
  const { d, x } = privateKey.export({ format: 'jwk' });
  if (blob === undefined || d === undefined || x === undefined)
    throw new Error('Node made a key that is not an Ed25519 key');
  const point = Buffer.from(x, 'base64url');
  const secret = Buffer.concat([Buffer.from(d, 'base64url'), point]);
  // The same random number twice, by which a reader sees that it was opened with the right passphrase.
  const check = randomBytes(4);
  const fields = strings('ssh-ed25519', point, secret, comment);
  const body = padded(Buffer.concat([check, check, fields]));
  const whole = Buffer.concat([
    Buffer.from(OPENSSH_MAGIC),
    strings('none', 'none', ''),
    uint32(1),
    strings(blob, body),
  ]);
  return {
    privateText: new Secret(armored(whole)),
    publicLine: `ssh-ed25519 ${blob.toString('base64')} ${comment}`,
    fingerprint: sshFingerprint(blob),
  };
}

/** Block size of the cipher "none". */
const BLOCK = 8;

/** Bytes 1, 2, 3, ... up to the next whole block. */
function padded(body: Buffer): Buffer {
  const missing = (BLOCK - (body.length % BLOCK)) % BLOCK;
  return Buffer.concat([body, Buffer.from(Array.from({ length: missing }, (_, index) => index + 1))]);
}

function armored(bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,70}/g) ?? [];
  return ['-----BEGIN OPENSSH PRIVATE KEY-----', ...lines, '-----END OPENSSH PRIVATE KEY-----', ''].join(
    '\n',
  );
}
