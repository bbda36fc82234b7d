import { createInflate } from 'node:zlib';
import type { ByteSink } from './byte-sink.js';
import { type DumpPlace, dumpFailure } from './dump-failures.js';

const INPUT_SIZE = 64 * 1024;
const OUTPUT_SIZE = 64 * 1024;

/**
 * Inflates one zlib stream into a sink that never makes it wait. pg_dump writes chunks of 4 KiB, so they are
 * gathered before they go to the thread that inflates. The stream has to end where its bytes end.
 */
export class Inflation implements ByteSink {
  readonly #inflate = createInflate({ chunkSize: OUTPUT_SIZE });
  readonly #place: () => DumpPlace;
  readonly #input = Buffer.allocUnsafe(INPUT_SIZE);
  #gathered = 0;
  #fed = 0;
  #ended = false;
  #fault: Error | undefined;
  /** What the sink threw; it goes to the caller as it is. */
  #refusal: { readonly thrown: unknown } | undefined;
  #wake: () => void = () => undefined;

  constructor(sink: ByteSink, place: () => DumpPlace) {
    this.#place = place;
    this.#inflate.on('data', (piece: Buffer) => {
      if (this.#refusal !== undefined) return;
      try {
        sink.write(piece, 0, piece.length);
      } catch (thrown) {
        this.#refusal = { thrown };
        this.#inflate.destroy();
      }
    });
    this.#inflate.on('error', (error) => {
      this.#fault ??= error;
      this.#wake();
    });
    this.#inflate.on('end', () => {
      this.#ended = true;
      this.#wake();
    });
    this.#inflate.on('close', () => this.#wake());
  }

  write(source: Buffer, from: number, to: number): Promise<void> | undefined {
    if (to - from > INPUT_SIZE - this.#gathered) return this.#writeInParts(source, from, to);
    this.#gathered += source.copy(this.#input, this.#gathered, from, to);
    return undefined;
  }

  /** Inflates what is left, and makes sure that the stream is complete. */
  async finish(): Promise<void> {
    await this.#feed();
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      if (this.#ended) resolve();
      else this.#inflate.end();
    });
    this.#check();
  }

  /** Frees the memory of zlib. */
  release(): void {
    this.#inflate.destroy();
  }

  async #writeInParts(source: Buffer, from: number, to: number): Promise<void> {
    for (let at = from; at < to; ) {
      if (this.#gathered === INPUT_SIZE) await this.#feed();
      const copied = source.copy(this.#input, this.#gathered, at, to);
      this.#gathered += copied;
      at += copied;
    }
  }

  async #feed(): Promise<void> {
    const input = this.#input.subarray(0, this.#gathered);
    this.#gathered = 0;
    if (input.length === 0) return;
    this.#fed += input.length;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
      this.#inflate.write(input, () => resolve());
    });
    this.#check();
  }

  #check(): void {
    if (this.#refusal !== undefined) throw this.#refusal.thrown;
    if (this.#fault !== undefined) {
      throw dumpFailure('malformed', 'its compressed data cannot be inflated', this.#place(), this.#fault);
    }
    // Node stops without an error where a zlib stream is followed by something else.
    if (this.#ended && this.#inflate.bytesWritten !== this.#fed) {
      throw dumpFailure('malformed', 'its compressed data is followed by other bytes', this.#place());
    }
  }
}
