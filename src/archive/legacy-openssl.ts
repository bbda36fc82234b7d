import { createDecipheriv, type Decipher, pbkdf2Sync } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { StateError } from '../core/errors.js';
import { Secret } from '../core/secret.js';
import { readKeyFile } from './key-file.js';

/**
 * The `.tar.gz.enc` archives of the Ansible role that this program replaces:
 * `openssl enc -aes-256-cbc -salt -pbkdf2 -pass file:KEY`. The password is only the first line of KEY, which for every
 * OpenSSH private key is the same words, so that anybody can read such an archive; and nothing in it is authenticated.
 * They are only read here. Whoever offers this must say both to the user.
 */
const MAGIC = 'Salted__';
const HEAD_BYTES = 16;
const BLOCK_BYTES = 16;
/** The defaults of `openssl enc -pbkdf2`, which used SHA-256 since OpenSSL 1.1. */
const ITERATIONS = 10_000;
const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);
/** The magic and the only method there is. */
const GZIP_START = Buffer.from([0x1f, 0x8b, 8]);
/** How private keys begin, whoever's they are. */
const FIRST_LINES: readonly string[] = [
  '-----BEGIN OPENSSH PRIVATE KEY-----',
  '-----BEGIN RSA PRIVATE KEY-----',
  '-----BEGIN PRIVATE KEY-----',
  '-----BEGIN ENCRYPTED PRIVATE KEY-----',
  '-----BEGIN EC PRIVATE KEY-----',
];

/** How much of an archive tells which password opens it: salt and first block. */
export const LEGACY_HEAD_BYTES = 32;

/** Whether a file that begins so is such an archive. Eight bytes are enough. */
export function isLegacyArchive(start: Buffer): boolean {
  return start.toString('latin1', 0, MAGIC.length) === MAGIC;
}

/** The password that openssl took from a key file: its first line. `@throws StateError` `key-file.*` */
export async function legacyPassword(keyFile: string): Promise<Secret> {
  const [line = ''] = (await readKeyFile(keyFile)).split('\n');
  return new Secret(line);
}

/**
 * The password of an archive, told by its first bytes (`LEGACY_HEAD_BYTES`): the first line of the key file, or else one
 * of the first lines that all private keys of a kind have. `wellKnown` says that it is one of these, so that whoever has
 * the archive can read it.
 *
 * @throws StateError `archive.wrong-password`, `archive.truncated`
 */
export async function findLegacyPassword(
  head: Buffer,
  keyFile: string,
): Promise<{ readonly password: Secret; readonly wellKnown: boolean }> {
  if (head.length < LEGACY_HEAD_BYTES) throw truncated();
  const own = await legacyPassword(keyFile).catch(() => undefined);
  const candidates = [...(own === undefined ? [] : [own]), ...FIRST_LINES.map((line) => new Secret(line))];
  const password = candidates.find((candidate) => opens(head, candidate));
  if (password === undefined) throw wrongPassword();
  return { password, wellKnown: FIRST_LINES.includes(password.reveal()) };
}

function opens(head: Buffer, password: Secret): boolean {
  const decipher = decipherOf(password, head.subarray(MAGIC.length, HEAD_BYTES));
  const start = decipher.setAutoPadding(false).update(head.subarray(HEAD_BYTES, LEGACY_HEAD_BYTES));
  return start.subarray(0, GZIP_START.length).equals(GZIP_START);
}

/**
 * Decrypts such an archive to the gzip file in it. Unlike with age, what comes out is not authenticated; the checksums
 * of gzip and the manifest have to do.
 *
 * The stream fails with StateError `archive.not-legacy`, `archive.wrong-password`, `archive.truncated`.
 */
export function legacyDecryptionStream(password: Secret): Transform {
  return new LegacyDecryption(password);
}

class LegacyDecryption extends Transform {
  readonly #password: Secret;
  #head = Buffer.alloc(0);
  #decipher: Decipher | undefined;
  #bytes = 0;
  #start = Buffer.alloc(0);

  constructor(password: Secret) {
    super({ readableHighWaterMark: 256 * 1024, writableHighWaterMark: 256 * 1024 });
    this.#password = password;
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#bytes += piece.length;
    done(this.#take(piece));
  }

  override _flush(done: TransformCallback): void {
    done(this.#finish());
  }

  #take(piece: Buffer): StateError | null {
    if (this.#decipher !== undefined) return this.#emit(this.#decipher.update(piece));
    this.#head = Buffer.concat([this.#head, piece]);
    if (this.#head.length < HEAD_BYTES) return null;
    if (!isLegacyArchive(this.#head)) return notLegacy();
    this.#decipher = decipherOf(this.#password, this.#head.subarray(MAGIC.length, HEAD_BYTES));
    return this.#emit(this.#decipher.update(this.#head.subarray(HEAD_BYTES)));
  }

  #finish(): StateError | null {
    if (this.#decipher === undefined) return isLegacyArchive(this.#head) ? truncated() : notLegacy();
    if (this.#bytes % BLOCK_BYTES !== 0) return truncated();
    try {
      const error = this.#emit(this.#decipher.final());
      if (error !== null || this.#start.length >= GZIP_MAGIC.length) return error;
    } catch {
      // The padding is wrong. When gzip's magic was right, only the end can be at fault.
      if (this.#start.length >= GZIP_MAGIC.length) return truncated();
    }
    return wrongPassword();
  }

  /** Passes plaintext on, once its first bytes have shown that the password is right. */
  #emit(plain: Buffer): StateError | null {
    if (this.#start.length >= GZIP_MAGIC.length) {
      this.push(plain);
      return null;
    }
    this.#start = Buffer.concat([this.#start, plain]);
    if (this.#start.length < GZIP_MAGIC.length) return null;
    if (!this.#start.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) return wrongPassword();
    this.push(this.#start);
    return null;
  }
}

function decipherOf(password: Secret, salt: Buffer): Decipher {
  const secret = pbkdf2Sync(Buffer.from(password.reveal(), 'latin1'), salt, ITERATIONS, 48, 'sha256');
  return createDecipheriv('aes-256-cbc', secret.subarray(0, 32), secret.subarray(32));
}

function notLegacy(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'archive.not-legacy',
    what: 'This is no archive of the replaced role',
    why: 'it does not begin as files of "openssl enc" do',
    next: 'check that this is the right file',
  });
}

function wrongPassword(): StateError {
  return new StateError({
    kind: 'usage',
    code: 'archive.wrong-password',
    what: 'The old archive did not open',
    why: 'it was encrypted with another key file',
    next: 'name the key file that the replaced role used (backup_encryption_key_path)',
  });
}

function truncated(): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.truncated',
    what: 'The old archive is incomplete or damaged',
    why: 'its end is missing or was changed',
    next: 'fetch it again; if that does not help, use another archive',
  });
}
