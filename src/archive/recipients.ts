import { createPrivateKey, createPublicKey } from 'node:crypto';
import { Encrypter, identityToRecipient, type Recipient } from 'age-encryption';
import { messageOf, StateError } from '../core/errors.js';
import { readOpenSshEnvelope } from '../core/openssh-envelope.js';
import { sshFingerprint } from '../core/ssh-fingerprint.js';
import { findKeyFile, readKeyFile } from './key-file.js';
import { Ed25519Recipient } from './ssh-ed25519.js';
import { isPassphraseProtected, privateKeyFormat } from './ssh-private-key.js';
import { publicBlobOf, readPublicBlob } from './ssh-public-key.js';
import { MIN_RSA_BITS, RsaRecipient } from './ssh-rsa.js';

export type KeyType = 'ssh-ed25519' | 'ssh-rsa' | 'age' | 'age-pq';

/** Somebody that archives are encrypted for. Nothing in it is secret. */
export interface NamedRecipient {
  /** What age-encryption's `Encrypter.addRecipient` takes. */
  readonly recipient: Recipient | string;
  readonly type: KeyType;
  /**
   * `SHA256:...` of an SSH key as `ssh-keygen -l` prints it; the `age1...` text itself of a native key; `age1pq:SHA256:...`
   * over the text of a post-quantum one, which is two thousand letters long.
   */
  readonly fingerprint: string;
  /** What stands behind the key on its line: untrusted text. */
  readonly comment?: string;
}

/**
 * Reads public keys, one a line, as `age -R` and authorized_keys have them: SSH keys with options before and a comment
 * behind, native `age1...` and post-quantum `age1pq1...` keys, empty lines and comments. A key that stands there twice
 * counts once.
 *
 * @param where for messages: a path, or the name of a setting
 * @throws StateError `recipient.malformed`, `recipient.unsupported`, `recipient.weak`, `recipient.private-key`, each
 *   with the line's number, and `recipient.none` when there is no key at all
 */
export function parseRecipients(text: string, where: string): NamedRecipient[] {
  const found = new Map<string, NamedRecipient>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const named = parseLine(line, `${where}:${index + 1}`);
    if (!found.has(named.fingerprint)) found.set(named.fingerprint, named);
  }
  if (found.size === 0) throw refuse('none', where, 'it holds no public key');
  return [...found.values()];
}

/**
 * Reads recipients from a file of public keys, or takes the public half of the private key or age identity file at
 * that path, for which no passphrase is needed where the format shows it. Where only `PATH.pub` exists, or the public
 * half is hidden, that file is read: a machine that takes backups need not be able to read them.
 *
 * @throws StateError as `parseRecipients`, and `key-file.*`
 */
export async function recipientsFromFile(path: string): Promise<NamedRecipient[]> {
  const file = await findKeyFile(path, `${path}.pub`);
  const text = await readKeyFile(file);
  try {
    return await recipientsOf(text, file);
  } catch (error) {
    if (!(error instanceof StateError && error.code === 'recipient.hidden') || file !== path) throw error;
    const pub = await findKeyFile(`${path}.pub`).catch(() => undefined);
    if (pub === undefined) throw error;
    return parseRecipients(await readKeyFile(pub), pub);
  }
}

async function recipientsOf(text: string, path: string): Promise<NamedRecipient[]> {
  const format = privateKeyFormat(text);
  if (format === 'openssh') {
    const envelope = readOpenSshEnvelope(text);
    if (envelope === undefined) throw refuse('malformed', path, 'this private key is damaged or cut short');
    return [sshRecipient(envelope.publicBlob, path)];
  }
  if (format === 'pem' && isPassphraseProtected(text)) {
    throw hidden(path, `make its public half with: ssh-keygen -y -f ${path} > ${path}.pub`);
  }
  if (format === 'pem' || /-----BEGIN (RSA )?PUBLIC KEY-----/.test(text)) {
    return [sshRecipient(pemToBlob(text, path, format === 'pem'), path)];
  }
  if (/^age-encryption\.org\/|-----BEGIN AGE ENCRYPTED FILE-----/.test(text)) {
    throw hidden(path, `put its age1... line into ${path}.pub`);
  }
  const identities = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line.startsWith('AGE-SECRET-KEY-'));
  if (identities.length === 0) return parseRecipients(text, path);
  return Promise.all(identities.map((identity) => recipientOfIdentity(identity, path)));
}

/** The public key of an `AGE-SECRET-KEY-...` text. `@throws StateError` `recipient.malformed` */
export async function recipientOfIdentity(identity: string, where: string): Promise<NamedRecipient> {
  const text = await identityToRecipient(identity).catch(() => {
    // The library's message might repeat the key.
    throw refuse('malformed', where, 'an age identity in it is damaged or cut short');
  });
  return nativeRecipient(text, where);
}

function parseLine(line: string, where: string): NamedRecipient {
  if (line.startsWith('age1')) {
    const [text = '', ...comment] = line.split(/\s+/);
    return withComment(nativeRecipient(text, where), comment.join(' '));
  }
  if (/^AGE-(SECRET-KEY|PLUGIN)-/i.test(line) || line.includes('PRIVATE KEY-----')) {
    throw refuse('private-key', where, 'this is a private key; a list of recipients holds public keys');
  }
  const fields = keyFields(line) ?? keyFields(withoutOptions(line));
  if (fields === undefined) throw refuse('malformed', where, 'this line is no public key');
  const [type, encoded, comment] = fields;
  const blob = Buffer.from(encoded, 'base64');
  const known = readPublicBlob(blob);
  const named = 'problem' in known && known.problem === 'unsupported' ? known.type : type;
  const isSupported = named === 'ssh-ed25519' || named === 'ssh-rsa';
  if (!isSupported) throw unsupported(named, where);
  if (!('problem' in known) && known.type !== type) {
    throw refuse('malformed', where, `the line says ${type}, the key in it is of type ${known.type}`);
  }
  return withComment(sshRecipient(blob, where), comment);
}

/** Type, key and comment of an SSH public key line without options. */
function keyFields(line: string): readonly [string, string, string] | undefined {
  const match = /^((?:ssh-|ecdsa-sha2-|sk-|webauthn-)[\w@.-]+)\s+([A-Za-z0-9+/]+={0,3})(?:\s+(\S.*)?)?$/.exec(
    line,
  );
  if (match === null) return undefined;
  const [, type = '', encoded = '', comment = ''] = match;
  return [type, encoded, comment];
}

/** Drops the options that authorized_keys allows before a key; quoted text in them may hold spaces. */
function withoutOptions(line: string): string {
  return line.replace(/^(?:[^\s"]|"(?:[^"\\]|\\.)*")+\s+/, '');
}

function sshRecipient(blob: Buffer, where: string): NamedRecipient {
  const key = readPublicBlob(blob);
  if ('problem' in key) {
    throw key.problem === 'malformed'
      ? refuse('malformed', where, `the key is damaged: ${key.why}`)
      : unsupported(key.type, where);
  }
  const fingerprint = sshFingerprint(blob);
  if (key.type === 'ssh-rsa') {
    if (key.bits < MIN_RSA_BITS) {
      throw refuse(
        'weak',
        where,
        `this RSA key has ${key.bits} bits; fewer than ${MIN_RSA_BITS} are too weak`,
      );
    }
    return { recipient: new RsaRecipient(key), type: key.type, fingerprint };
  }
  try {
    return { recipient: new Ed25519Recipient(key), type: key.type, fingerprint };
  } catch {
    throw refuse('malformed', where, 'the key is damaged: it is no point on the curve');
  }
}

function nativeRecipient(text: string, where: string): NamedRecipient {
  const type = text.startsWith('age1pq1') ? 'age-pq' : 'age';
  if (!/^age1(pq1)?[02-9ac-hj-np-z]+$/.test(text)) {
    throw /^age1[a-z0-9]+1/.test(text)
      ? unsupported(text.slice(0, text.indexOf('1', 4)), where)
      : refuse('malformed', where, 'this is no age public key');
  }
  try {
    new Encrypter().addRecipient(text);
  } catch (error) {
    throw refuse('malformed', where, `this age public key is damaged (${messageOf(error)})`);
  }
  return {
    recipient: text,
    type,
    fingerprint: type === 'age' ? text : `age1pq:${sshFingerprint(Buffer.from(text))}`,
  };
}

function pemToBlob(text: string, path: string, isPrivate: boolean): Buffer {
  let key: ReturnType<typeof createPublicKey>;
  try {
    key = isPrivate ? createPrivateKey(text) : createPublicKey(text);
  } catch {
    throw refuse('malformed', path, 'this key is damaged or cut short');
  }
  const blob = publicBlobOf(key);
  if (blob === undefined) throw unsupported(key.asymmetricKeyType ?? 'unknown', path);
  return blob;
}

function withComment(named: NamedRecipient, comment: string): NamedRecipient {
  return comment === '' ? named : { ...named, comment };
}

function unsupported(type: string, where: string): StateError {
  return refuse('unsupported', where, `age cannot encrypt to keys of type ${JSON.stringify(type)}`);
}

function hidden(path: string, next: string): StateError {
  return new StateError({
    kind: 'usage',
    code: 'recipient.hidden',
    what: `The public half of ${path} cannot be read`,
    why: 'all of that file is protected by its passphrase',
    next,
  });
}

function refuse(problem: string, where: string, why: string): StateError {
  return new StateError({
    kind: 'usage',
    code: `recipient.${problem}`,
    what: `${where} cannot be used as a recipient`,
    why,
    next: 'use an ssh-ed25519 key, an ssh-rsa key of 2048 bits or more, or an age1... key',
  });
}
