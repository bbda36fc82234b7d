import { type Emit, NONCE_BYTES, noPayload, PayloadOpener, truncated } from './age-payload.js';

/** Takes everything behind the header of an age file, in pieces of any size: the nonce, then the chunks. */
export class PayloadIntake {
  readonly #fileKey: Uint8Array;
  readonly #emit: Emit;
  #nonce = Buffer.alloc(0);
  #opener: PayloadOpener | undefined;

  constructor(fileKey: Uint8Array, emit: Emit) {
    this.#fileKey = fileKey;
    this.#emit = emit;
  }

  /** `@throws StateError` as `PayloadOpener.push` */
  push(piece: Buffer): void {
    if (this.#opener !== undefined) {
      this.#opener.push(piece);
      return;
    }
    const missing = NONCE_BYTES - this.#nonce.length;
    this.#nonce = Buffer.concat([this.#nonce, piece.subarray(0, missing)]);
    if (this.#nonce.length < NONCE_BYTES) return;
    this.#opener = new PayloadOpener(this.#fileKey, this.#nonce, this.#emit);
    this.#opener.push(piece.subarray(missing));
  }

  /** `@throws StateError` as `PayloadOpener.finish`, and `archive.no-payload` */
  finish(): void {
    if (this.#opener === undefined) throw this.#nonce.length === 0 ? noPayload() : truncated();
    this.#opener.finish();
  }
}
