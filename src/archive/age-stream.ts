import { randomBytes } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import type { Recipient } from 'age-encryption';
import { Dearmor } from './age-armor.js';
import { HeaderCollector, openHeader, sealHeader } from './age-header.js';
import { NONCE_BYTES, PayloadSealer } from './age-payload.js';
import type { NamedIdentity } from './identities.js';
import { PayloadIntake } from './payload-intake.js';

/**
 * Encryption as streams: what `age -R` and `age -d -i` do, in this process. The header is made and read by
 * age-encryption, the payload by Node's own cipher.
 */

/** Some chunks may wait on either side, so that the stages of a pipeline do not wait for each other. */
const HIGH_WATER_MARK = 512 * 1024;

/**
 * Encrypts for all recipients. Everything that can be wrong with them is thrown before the first byte.
 *
 * @throws StateError `archive.no-recipients`
 */
export async function encryptionStream(recipients: readonly (Recipient | string)[]): Promise<Transform> {
  const { bytes, fileKey } = await sealHeader(recipients);
  return new EncryptionStream(bytes, fileKey);
}

/**
 * Decrypts with the first identity that fits. Every byte that comes out is genuine and in its place; but only the
 * stream's regular end says that it is all, so that a reader must not act on what it got before that.
 *
 * The stream fails with StateError: `archive.no-identity` (wrong key), `archive.not-age`,
 * `archive.version-unsupported`, `archive.empty`, `archive.bad-header`, `archive.header-changed`,
 * `archive.bad-armor`, `archive.no-payload`, `archive.corrupt`, `archive.reordered`, `archive.truncated`,
 * `archive.trailing-data`.
 */
export function decryptionStream(identities: readonly NamedIdentity[]): Transform {
  return new DecryptionStream(identities);
}

class EncryptionStream extends Transform {
  readonly #sealer: PayloadSealer;

  constructor(header: Buffer, fileKey: Uint8Array) {
    super({ readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK });
    const nonce = randomBytes(NONCE_BYTES);
    this.#sealer = new PayloadSealer(fileKey, nonce, (piece) => this.push(piece));
    this.push(Buffer.concat([header, nonce]));
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#sealer.push(piece);
    done();
  }

  override _flush(done: TransformCallback): void {
    this.#sealer.finish();
    done();
  }
}

class DecryptionStream extends Transform {
  readonly #identities: readonly NamedIdentity[];
  readonly #dearmor = new Dearmor();
  readonly #collector = new HeaderCollector();
  #payload: PayloadIntake | undefined;

  constructor(identities: readonly NamedIdentity[]) {
    super({ readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK });
    this.#identities = identities;
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      const binary = this.#dearmor.push(piece);
      if (this.#payload === undefined) {
        this.#takeHeader(binary).then(() => done(), done);
        return;
      }
      this.#payload.push(binary);
      done();
    } catch (error) {
      done(asError(error));
    }
  }

  override _flush(done: TransformCallback): void {
    try {
      this.#dearmor.finish();
      if (this.#payload === undefined) throw this.#collector.ended();
      this.#payload.finish();
      done();
    } catch (error) {
      done(asError(error));
    }
  }

  async #takeHeader(piece: Buffer): Promise<void> {
    const complete = this.#collector.push(piece);
    if (complete === undefined) return;
    const fileKey = await openHeader(complete.header, this.#identities);
    this.#payload = new PayloadIntake(fileKey, (plain) => this.push(plain));
    this.#payload.push(complete.rest);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
