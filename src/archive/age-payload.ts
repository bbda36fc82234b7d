import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { StateError } from '../core/errors.js';
import { Rechunker } from './rechunker.js';

/**
 * The payload of an age file (https://c2sp.org/age, "Payload"): ChaCha20-Poly1305 in chunks of 64 KiB, each under a
 * nonce of an 11 byte counter and one byte that is 1 on the last chunk. Only an empty payload has an empty chunk.
 * Node's cipher does the work: it is about eight times as fast as one in JavaScript.
 */

/** Plaintext bytes of every chunk but the last. */
const CHUNK_BYTES = 64 * 1024;
/** What a chunk grows by. */
const TAG_BYTES = 16;
/** Random bytes between header and first chunk. */
export const NONCE_BYTES = 16;

const CIPHER = 'chacha20-poly1305';
const OPTIONS = { authTagLength: TAG_BYTES } as const;

/** Takes a piece of output. Must not change it. */
export type Emit = (piece: Buffer) => void;

/** Encrypts a payload. Pieces of any size go in. */
export class PayloadSealer {
  readonly #key: Buffer;
  readonly #nonce = new ChunkNonce();
  readonly #chunks = new Rechunker(CHUNK_BYTES);
  readonly #emit: Emit;

  constructor(fileKey: Uint8Array, nonce: Uint8Array, emit: Emit) {
    this.#key = payloadKey(fileKey, nonce);
    this.#emit = emit;
  }

  push(data: Buffer): void {
    this.#chunks.push(data, (chunk) => this.#seal(chunk, false));
  }

  finish(): void {
    this.#seal(this.#chunks.rest(), true);
  }

  #seal(chunk: Buffer, last: boolean): void {
    const cipher = createCipheriv(CIPHER, this.#key, this.#nonce.take(last), OPTIONS);
    if (chunk.length > 0) this.#emit(cipher.update(chunk));
    cipher.final();
    this.#emit(cipher.getAuthTag());
  }
}

/**
 * Decrypts a payload. A chunk is emitted once it is authenticated and in its place, never before. What came before an
 * error is therefore genuine, but only `finish` proves that nothing is missing.
 */
export class PayloadOpener {
  readonly #key: Buffer;
  readonly #nonce = new ChunkNonce();
  readonly #chunks = new Rechunker(CHUNK_BYTES + TAG_BYTES);
  readonly #emit: Emit;

  constructor(fileKey: Uint8Array, nonce: Uint8Array, emit: Emit) {
    this.#key = payloadKey(fileKey, nonce);
    this.#emit = emit;
  }

  /** `@throws StateError` `archive.corrupt`, `archive.reordered`, `archive.trailing-data` */
  push(data: Buffer): void {
    this.#chunks.push(data, (chunk) => {
      const nonce = this.#nonce.take(false);
      const plain = this.#open(chunk, nonce);
      if (plain === undefined) throw this.#notInTheMiddle(chunk, nonce);
      this.#emit(plain);
    });
  }

  /** `@throws StateError` `archive.no-payload`, `archive.truncated`, `archive.corrupt`, `archive.reordered`, `archive.trailing-data` */
  finish(): void {
    const chunk = this.#chunks.rest();
    if (chunk.length === 0) throw noPayload();
    if (chunk.length < TAG_BYTES) throw truncated();
    const first = this.#nonce.isFirst;
    const nonce = this.#nonce.take(true);
    const plain = this.#open(chunk, nonce);
    if (plain === undefined) {
      throw this.#notAtTheEnd(chunk, nonce);
    }
    if (plain.length === 0 && !first) throw corrupt('it ends in an empty chunk, which age never writes');
    this.#emit(plain);
  }

  /** A chunk that is followed by others did not open. When it is the genuine last one, it is emitted. */
  #notInTheMiddle(chunk: Buffer, nonce: Buffer): StateError {
    nonce[LAST_FLAG] = 1;
    const plain = this.#open(chunk, nonce);
    if (plain === undefined)
      return this.#outOfPlace(chunk) ?? corrupt('a part of it was changed or left out');
    this.#emit(plain);
    return trailingData();
  }

  /** The last chunk that came did not open as the last. When it is a genuine one from before the end, it is emitted. */
  #notAtTheEnd(chunk: Buffer, nonce: Buffer): StateError {
    nonce[LAST_FLAG] = 0;
    const plain = this.#open(chunk, nonce);
    if (plain !== undefined) {
      if (plain.length === CHUNK_BYTES) this.#emit(plain);
      return truncated();
    }
    nonce[LAST_FLAG] = 1;
    for (let added = 1; added <= ADDED_BYTES && chunk.length - added >= TAG_BYTES; added++) {
      if (this.#open(chunk.subarray(0, chunk.length - added), nonce) !== undefined) return trailingData();
    }
    return this.#outOfPlace(chunk) ?? corrupt('its end is damaged or was cut off');
  }

  /** Looks for the place where a chunk that did not open belongs. */
  #outOfPlace(chunk: Buffer): StateError | undefined {
    const { taken } = this.#nonce;
    for (let place = Math.max(1, taken - PLACES_BACK); place <= taken + PLACES_AHEAD; place++) {
      if (place === taken || this.#open(chunk, ChunkNonce.of(place - 1, false)) === undefined) continue;
      return new StateError({
        kind: 'proof',
        code: 'archive.reordered',
        what: 'The parts of the encrypted archive are not in their order',
        why: `where part ${taken} belongs, part ${place} stands`,
        next: 'fetch it again; if that does not help, use another snapshot',
      });
    }
    return undefined;
  }

  #open(chunk: Buffer, nonce: Buffer): Buffer | undefined {
    const split = chunk.length - TAG_BYTES;
    const cipher = createDecipheriv(CIPHER, this.#key, nonce, OPTIONS);
    cipher.setAuthTag(chunk.subarray(split));
    const plain = cipher.update(chunk.subarray(0, split));
    try {
      cipher.final();
      return plain;
    } catch {
      return undefined;
    }
  }
}

/** `archive.truncated`, for whoever finds that the end is missing. */
export function truncated(): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.truncated',
    what: 'The encrypted archive is incomplete',
    why: 'it ends too early',
    next: 'fetch it again; if that does not help, use another snapshot',
  });
}

/** `archive.no-payload`: an archive is never empty, so that this is not one. */
export function noPayload(): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.no-payload',
    what: 'The encrypted archive has no content',
    why: 'it ends with its header',
    next: 'fetch it again; if that does not help, use another snapshot',
  });
}

function trailingData(): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.trailing-data',
    what: 'The encrypted archive is not as it was written',
    why: 'more data follows after its end',
    next: 'fetch it again; if that does not help, use another snapshot',
  });
}

function corrupt(why: string): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.corrupt',
    what: 'The encrypted archive is damaged',
    why,
    next: 'fetch it again; if that does not help, use another snapshot',
  });
}

function payloadKey(fileKey: Uint8Array, nonce: Uint8Array): Buffer {
  return Buffer.from(hkdfSync('sha256', fileKey, nonce, 'payload', 32));
}

/**
 * How far is looked for the reason why a chunk does not open; it takes some milliseconds. Ahead: a part of a multipart
 * upload, in chunks.
 */
const PLACES_BACK = 4;
const PLACES_AHEAD = 136;
/** Bytes that something appended, such as a newline or a message. */
const ADDED_BYTES = 128;

const LAST_FLAG = 11;

class ChunkNonce {
  readonly #bytes = Buffer.alloc(12);
  #taken = 0;

  /** The nonce of the chunk at a place, counted from 0. */
  static of(place: number, last: boolean): Buffer {
    const nonce = new ChunkNonce();
    nonce.#taken = place;
    return nonce.take(last);
  }

  get isFirst(): boolean {
    return this.#taken === 0;
  }

  /** How many were taken. */
  get taken(): number {
    return this.#taken;
  }

  /** The next nonce. Valid until the next call. 2^53 chunks are 512 EiB, so that a number is enough. */
  take(last: boolean): Buffer {
    this.#bytes.writeUInt32BE(Math.floor(this.#taken / 2 ** 32), 3);
    this.#bytes.writeUInt32BE(this.#taken % 2 ** 32, 7);
    this.#bytes[LAST_FLAG] = last ? 1 : 0;
    this.#taken++;
    return this.#bytes;
  }
}
