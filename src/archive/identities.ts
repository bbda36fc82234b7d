import { armor, Decrypter } from 'age-encryption';
import { StateError } from '../core/errors.js';
import { readOpenSshEnvelope } from '../core/openssh-envelope.js';
import { Secret } from '../core/secret.js';
import { sshFingerprint } from '../core/ssh-fingerprint.js';
import { readKeyFile } from './key-file.js';
import { type KeyType, recipientOfIdentity } from './recipients.js';
import { Ed25519Identity } from './ssh-ed25519.js';
import {
  isPassphraseProtected,
  malformedKey,
  openPrivateKey,
  privateKeyFormat,
  wrongPassphrase,
} from './ssh-private-key.js';
import { publicBlobOf, readPublicBlob } from './ssh-public-key.js';
import { RsaIdentity } from './ssh-rsa.js';

/** Somebody who can open archives. Its secret stays inside. */
export interface NamedIdentity {
  readonly type: KeyType;
  /** The same text as that of the recipient it belongs to. */
  readonly fingerprint: string;
  /** Lets a decrypter of age-encryption try it. */
  addTo(decrypter: Decrypter): void;
}

export interface IdentityOptions {
  /** Asked once for each file that is protected. Absent where nobody can be asked. */
  readonly passphrase?: (path: string) => Promise<Secret>;
}

/**
 * Reads the private keys of a file: an OpenSSH key (Ed25519, RSA; with or without passphrase), a PEM key (PKCS #1 and
 * PKCS #8, likewise), an age identity file with comments, or one that is itself encrypted with a passphrase.
 *
 * @throws StateError `identity.passphrase-needed`, `identity.wrong-passphrase`, `identity.unsupported`,
 *   `identity.malformed`, `identity.public-key`, `identity.none`, and `key-file.*`
 */
export async function identitiesFromFile(
  path: string,
  options: IdentityOptions = {},
): Promise<NamedIdentity[]> {
  const text = await readKeyFile(path);
  if (privateKeyFormat(text) !== undefined) return [await sshIdentity(text, path, options)];
  if (/^age-encryption\.org\/|^\s*-----BEGIN AGE ENCRYPTED FILE-----/.test(text)) {
    const passphrase = await askPassphrase(path, options);
    return nativeIdentities(await decryptIdentityFile(text, path, passphrase), path);
  }
  return nativeIdentities(text, path);
}

async function sshIdentity(text: string, path: string, options: IdentityOptions): Promise<NamedIdentity> {
  const envelope = readOpenSshEnvelope(text);
  if (envelope !== undefined) {
    // Said before anybody is asked for a passphrase in vain.
    const half = readPublicBlob(envelope.publicBlob);
    if ('problem' in half && half.problem === 'unsupported') throw unsupportedType(path, half.type);
  }
  const passphrase = isPassphraseProtected(text) ? await askPassphrase(path, options) : undefined;
  const key = await openPrivateKey(text, path, passphrase);
  const blob = publicBlobOf(key);
  if (blob === undefined) throw unsupportedType(path, key.asymmetricKeyType ?? 'unknown');
  const fingerprint = sshFingerprint(blob);
  if (key.asymmetricKeyType === 'rsa') {
    const identity = new RsaIdentity({ blob, key });
    return { type: 'ssh-rsa', fingerprint, addTo: (decrypter) => decrypter.addIdentity(identity) };
  }
  const { d } = key.export({ format: 'jwk' });
  if (d === undefined) throw malformedKey(path);
  const identity = new Ed25519Identity({ blob, seed: Buffer.from(d, 'base64url') });
  return { type: 'ssh-ed25519', fingerprint, addTo: (decrypter) => decrypter.addIdentity(identity) };
}

async function nativeIdentities(text: string, path: string): Promise<NamedIdentity[]> {
  const identities: NamedIdentity[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    identities.push(await nativeIdentity(line, `${path}:${index + 1}`));
  }
  if (identities.length === 0) throw refuse('none', path, 'it holds no private key');
  return identities;
}

async function nativeIdentity(line: string, where: string): Promise<NamedIdentity> {
  if (line.startsWith('AGE-PLUGIN-')) throw unsupportedType(where, 'age plugin');
  if (/^(ssh-|ecdsa-|sk-|age1)/.test(line)) {
    throw refuse('public-key', where, 'this is a public key; only its private half opens archives');
  }
  if (!line.startsWith('AGE-SECRET-KEY-'))
    throw refuse('malformed', where, 'this is no private key that is known here');
  const { type, fingerprint } = await recipientOfIdentity(line, where);
  const secret = new Secret(line);
  return { type, fingerprint, addTo: (decrypter) => decrypter.addIdentity(secret.reveal()) };
}

async function decryptIdentityFile(text: string, path: string, passphrase: Secret): Promise<string> {
  const decrypter = new Decrypter();
  decrypter.addPassphrase(passphrase.reveal());
  let sealed: Uint8Array;
  try {
    sealed = text.startsWith('age-encryption') ? Buffer.from(text, 'latin1') : armor.decode(text);
  } catch (cause) {
    throw malformedKey(path, cause);
  }
  try {
    return await decrypter.decrypt(sealed, 'text');
  } catch {
    throw wrongPassphrase(path);
  }
}

async function askPassphrase(path: string, { passphrase }: IdentityOptions): Promise<Secret> {
  if (passphrase !== undefined) return passphrase(path);
  throw new StateError({
    kind: 'usage',
    code: 'identity.passphrase-needed',
    what: `The private key ${path} cannot be opened`,
    why: 'it is protected by a passphrase, and nobody could be asked for it',
    next: 'run this on a terminal, or name a key without passphrase',
  });
}

function unsupportedType(where: string, type: string): StateError {
  return refuse('unsupported', where, `age does not work with keys of type ${JSON.stringify(type)}`);
}

function refuse(problem: string, where: string, why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: `identity.${problem}`,
    what: `${where} cannot be used to open archives`,
    why,
    next: 'use an ssh-ed25519 or ssh-rsa private key, or an age identity file',
  });
}
