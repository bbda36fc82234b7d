import { Transform, type TransformCallback } from 'node:stream';
import type { Recipient } from 'age-encryption';
import { Dearmor } from './age-armor.js';
import { HeaderCollector, openHeader, sealHeader } from './age-header.js';
import type { NamedIdentity } from './identities.js';
import { PayloadIntake } from './payload-intake.js';

const HIGH_WATER_MARK = 512 * 1024;

/**
 * Makes an age file for other recipients: opens the header, seals the same file key in a new one, and passes the payload
 * on byte for byte. The payload is decrypted on the way to see that it is genuine and complete, and thrown away. ASCII
 * armor is taken off. Whoever could open the file before can still open it with a file key that they kept.
 *
 * The stream fails as `decryptionStream`, before its end in any case, and with `archive.no-recipients`.
 */
export function rewrapStream(
  identities: readonly NamedIdentity[],
  recipients: readonly (Recipient | string)[],
): Transform {
  return new RewrapStream(identities, recipients);
}

class RewrapStream extends Transform {
  readonly #identities: readonly NamedIdentity[];
  readonly #recipients: readonly (Recipient | string)[];
  readonly #dearmor = new Dearmor();
  readonly #collector = new HeaderCollector();
  #payload: PayloadIntake | undefined;

  constructor(identities: readonly NamedIdentity[], recipients: readonly (Recipient | string)[]) {
    super({ readableHighWaterMark: HIGH_WATER_MARK, writableHighWaterMark: HIGH_WATER_MARK });
    this.#identities = identities;
    this.#recipients = recipients;
  }

  override _transform(piece: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    this.#take(piece).then(() => done(), done);
  }

  override _flush(done: TransformCallback): void {
    this.#finish().then(() => done(), done);
  }

  async #take(piece: Buffer): Promise<void> {
    const binary = this.#dearmor.push(piece);
    if (this.#payload !== undefined) {
      this.#pass(this.#payload, binary);
      return;
    }
    const complete = this.#collector.push(binary);
    if (complete === undefined) return;
    const fileKey = await openHeader(complete.header, this.#identities);
    const { bytes } = await sealHeader(this.#recipients, fileKey);
    this.#payload = new PayloadIntake(fileKey, () => undefined);
    this.push(bytes);
    this.#pass(this.#payload, complete.rest);
  }

  #pass(payload: PayloadIntake, binary: Buffer): void {
    payload.push(binary);
    if (binary.length > 0) this.push(binary);
  }

  async #finish(): Promise<void> {
    this.#dearmor.finish();
    if (this.#payload === undefined) throw this.#collector.ended();
    this.#payload.finish();
  }
}
