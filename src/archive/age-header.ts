import { Decrypter, Encrypter, type Recipient, type Stanza } from 'age-encryption';
import { StateError } from '../core/errors.js';
import type { NamedIdentity } from './identities.js';

/** A header and the key that it wraps. */
export interface AgeHeader {
  /** The header's text, MAC and final newline included. */
  readonly bytes: Buffer;
  /** 16 bytes from which the payload's key is derived. */
  readonly fileKey: Uint8Array;
}

/** The first line of every age file. */
const AGE_INTRO = 'age-encryption.org/v1\n';
/** A header of a thousand post-quantum recipients is larger than this; nobody has one. */
const MAX_HEADER_BYTES = 1024 * 1024;
/** HMAC-SHA256 in base64 without padding. */
const MAC_LINE = /\n--- [A-Za-z0-9+/]{43}\n$/;
/** age-encryption encrypts an empty payload as a nonce of 16 bytes and one chunk that is only a tag. */
const EMPTY_PAYLOAD_BYTES = 32;

/**
 * Writes a header for all recipients. The file key comes out through a recipient that adds nothing.
 *
 * With `existingKey` the header wraps that one instead of a new one, so that it fits a payload that is there already.
 * age-encryption has no call for this: a first recipient, which adds nothing either, writes the key over the random one
 * that all recipients are given in turn. That this worked is checked before the header is given out.
 *
 * @throws StateError `archive.no-recipients`
 */
export async function sealHeader(
  recipients: readonly (Recipient | string)[],
  existingKey?: Uint8Array,
): Promise<AgeHeader> {
  if (recipients.length === 0) {
    throw new StateError({
      kind: 'usage',
      code: 'archive.no-recipients',
      what: 'There is nobody to encrypt the archive for',
      next: 'name a public key, or a file of public keys, as the recipient',
    });
  }
  const encrypter = new Encrypter();
  if (existingKey !== undefined) {
    encrypter.addRecipient({
      wrapFileKey(key) {
        key.set(existingKey);
        return [];
      },
    });
  }
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  let fileKey = new Uint8Array();
  encrypter.addRecipient({
    wrapFileKey(key) {
      fileKey = Uint8Array.from(key);
      return [];
    },
  });
  // As a stream: of bytes age-encryption makes a Response, for which Node loads all of its fetch.
  const pieces: Uint8Array[] = [];
  for await (const piece of await encrypter.encrypt(emptyStream())) pieces.push(piece);
  const bytes = Buffer.concat(pieces).subarray(0, -EMPTY_PAYLOAD_BYTES);
  if (existingKey !== undefined) await requireKey(bytes, fileKey, existingKey);
  return { bytes, fileKey };
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}

/** The recipients got the key that was meant (the last one tells), and the header's MAC was made with it. */
async function requireKey(header: Buffer, got: Uint8Array, meant: Uint8Array): Promise<void> {
  const decrypter = new Decrypter();
  decrypter.addIdentity({ unwrapFileKey: () => Uint8Array.from(meant) });
  await decrypter.decryptHeader(header);
  if (Buffer.compare(got, meant) !== 0)
    throw new Error('age-encryption gave its recipients another file key');
}

/**
 * Opens a complete header with the first identity that fits, and checks its MAC.
 *
 * @throws StateError `archive.no-identity`, `archive.bad-header`, `archive.header-changed`
 */
export async function openHeader(
  header: Uint8Array,
  identities: readonly NamedIdentity[],
): Promise<Uint8Array> {
  // age-encryption would take a checksum of the wrong length for a wrong one.
  if (!MAC_LINE.test(Buffer.from(header).toString('latin1'))) throw badHeader('its last line is malformed');
  let stanzas: readonly Stanza[] | undefined;
  let allTried = false;
  const decrypter = new Decrypter();
  decrypter.addIdentity({
    unwrapFileKey(all: Stanza[]) {
      stanzas = all;
      return null;
    },
  });
  for (const identity of identities) identity.addTo(decrypter);
  decrypter.addIdentity({
    unwrapFileKey() {
      allTried = true;
      return null;
    },
  });
  try {
    return await decrypter.decryptHeader(header);
  } catch (cause) {
    if (allTried) throw noIdentity(stanzas ?? [], identities, cause);
    if (cause instanceof Error && cause.message === 'invalid header HMAC') throw headerChanged(cause);
    throw badHeader('its recipient lines are malformed or were changed', cause);
  }
}

/** Gathers the header from the pieces of a file. */
export class HeaderCollector {
  #buffer = Buffer.alloc(4096);
  #length = 0;
  #scanned = 0;

  /**
   * Gives header and what follows it as soon as the header is complete.
   *
   * @throws StateError `archive.not-age`, `archive.version-unsupported`, `archive.bad-header`
   */
  push(piece: Buffer): { readonly header: Buffer; readonly rest: Buffer } | undefined {
    this.#append(piece);
    if (this.#length >= AGE_INTRO.length) this.#checkIntro();
    const held = this.#buffer.subarray(0, this.#length);
    // No other line of a header begins with dashes: stanzas begin with an arrow, and base64 has no dash.
    const macLine = held.indexOf('\n---', Math.max(0, this.#scanned - 4));
    const end = macLine === -1 ? -1 : held.indexOf('\n', macLine + 1);
    if (end !== -1) return { header: held.subarray(0, end + 1), rest: held.subarray(end + 1) };
    this.#scanned = macLine === -1 ? this.#length : macLine + 4;
    if (this.#length > MAX_HEADER_BYTES) throw badHeader('it is absurdly long');
    return undefined;
  }

  /** The error for a file that ended before its header did. */
  ended(): StateError {
    const text = this.#buffer.toString('latin1', 0, this.#length);
    if (this.#length === 0) {
      return new StateError({
        kind: 'proof',
        code: 'archive.empty',
        what: 'The encrypted archive is empty',
        why: 'it has no bytes at all',
        next: 'fetch it again; if that does not help, use another snapshot',
      });
    }
    if (!AGE_INTRO.startsWith(text) && !text.startsWith(AGE_INTRO)) return notAge(text);
    return new StateError({
      kind: 'proof',
      code: 'archive.truncated',
      what: 'The encrypted archive is incomplete',
      why: 'it ends within its header',
      next: 'fetch it again; if that does not help, use another snapshot',
    });
  }

  #append(piece: Buffer): void {
    if (this.#length + piece.length > this.#buffer.length) {
      const larger = Buffer.alloc(Math.max(this.#buffer.length * 2, this.#length + piece.length));
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    this.#length += piece.copy(this.#buffer, this.#length);
  }

  #checkIntro(): void {
    const intro = this.#buffer.toString('latin1', 0, AGE_INTRO.length);
    if (intro !== AGE_INTRO) throw notAge(intro);
  }
}

/** `archive.not-age`, said as helpfully as the first bytes of the file allow. */
export function notAge(start: string): StateError {
  const version = /^age-encryption\.org\/(v[0-9.]+)\n?/.exec(start)?.[1];
  if (version !== undefined && version !== 'v1') {
    return new StateError({
      kind: 'usage',
      code: 'archive.version-unsupported',
      what: 'The encrypted archive cannot be read',
      why: `it is in version ${version} of the age format; only v1 is known here`,
      next: 'use a newer release of this program',
    });
  }
  const openssl = start.startsWith('Salted__');
  return new StateError({
    kind: 'proof',
    code: 'archive.not-age',
    what: 'This is no age file',
    why: openssl
      ? 'it was made by "openssl enc"'
      : 'it does not begin as every age file does, so it was damaged or is something else',
    next: openssl ? 'read it as an archive of the replaced role' : 'check that this is the right file',
  });
}

function noIdentity(
  stanzas: readonly Stanza[],
  identities: readonly NamedIdentity[],
  cause: unknown,
): StateError {
  const kinds = [...new Set(stanzas.map(({ args }) => args[0] ?? ''))].filter((kind) =>
    /^[\w.-]{1,40}$/.test(kind),
  );
  const tried = identities.map(({ type, fingerprint }) => `${type} ${fingerprint}`).join(', ');
  return new StateError({
    kind: 'usage',
    code: 'archive.no-identity',
    what: 'The archive cannot be opened with this key',
    why: `it was encrypted for ${stanzas.length} other recipient${stanzas.length === 1 ? '' : 's'} (${kinds.join(', ')}); tried: ${tried === '' ? 'no key at all' : tried}`,
    next: 'name the private key, or the age identity file, of one of its recipients',
    cause,
  });
}

function headerChanged(cause: unknown): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.header-changed',
    what: 'The encrypted archive is not as it was written',
    why: 'its header was changed: the key fits, the checksum of the header does not',
    next: 'fetch it again; if that does not help, use another snapshot',
    cause,
  });
}

function badHeader(why: string, cause?: unknown): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.bad-header',
    what: 'The header of the encrypted archive is damaged',
    why,
    next: 'fetch it again; if that does not help, use another snapshot',
    cause,
  });
}
