import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { StateError } from '../core/errors.js';

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

  /** `@throws StateError` `archive.corrupt`, `archive.trailing-data` */
  push(data: Buffer): void {
    this.#chunks.push(data, (chunk) => {
      const nonce = this.#nonce.take(false);
      const plain = this.#open(chunk, nonce);
      if (plain === undefined) throw this.#notInTheMiddle(chunk, nonce);
      this.#emit(plain);
    });
  }

  /** `@throws StateError` `archive.truncated`, `archive.corrupt` */
  finish(): void {
    const chunk = this.#chunks.rest();
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
    if (plain === undefined) return corrupt('a part of it was changed, moved or left out');
    this.#emit(plain);
    return new StateError({
      kind: 'proof',
      code: 'archive.trailing-data',
      what: 'The encrypted archive is not as it was written',
      why: 'more data follows after its end',
      next: 'fetch it again; if that does not help, use another snapshot',
    });
  }

  /** The last chunk that came did not open as the last. When it is a genuine one from before the end, it is emitted. */
  #notAtTheEnd(chunk: Buffer, nonce: Buffer): StateError {
    nonce[LAST_FLAG] = 0;
    const plain = this.#open(chunk, nonce);
    if (plain === undefined) return corrupt('its end is damaged or was cut off');
    if (plain.length === CHUNK_BYTES) this.#emit(plain);
    return truncated();
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

const LAST_FLAG = 11;

class ChunkNonce {
  readonly #bytes = Buffer.alloc(12);
  #taken = 0;

  get isFirst(): boolean {
    return this.#taken === 0;
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

/**
 * Cuts a stream into chunks of one size. The newest chunk, even when full, is held back until more data comes, because
 * only then is it known not to be the last. Copies only where a chunk is spread over several pieces.
 */
class Rechunker {
  readonly #size: number;
  /** Either a view of somebody's piece, always full, or the first bytes of `#own`. */
  #held: Buffer = Buffer.alloc(0);
  #own: Buffer | undefined;

  constructor(size: number) {
    this.#size = size;
  }

  push(data: Buffer, onChunk: (chunk: Buffer) => void): void {
    let rest = data;
    while (rest.length > 0) {
      if (this.#held.length === this.#size) {
        const full = this.#held;
        this.#held = full.subarray(0, 0);
        onChunk(full);
      }
      const wanted = this.#size - this.#held.length;
      if (wanted === this.#size && rest.length >= this.#size) {
        this.#held = rest.subarray(0, this.#size);
      } else {
        this.#own ??= Buffer.allocUnsafeSlow(this.#size);
        const end = this.#held.length + rest.copy(this.#own, this.#held.length, 0, wanted);
        this.#held = this.#own.subarray(0, end);
      }
      rest = rest.subarray(Math.min(wanted, rest.length));
    }
  }

  /** What is left at the end: at most one chunk. */
  rest(): Buffer {
    return this.#held;
  }
}
