import { createHash } from 'node:crypto';
import { Readable, type Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { StateError } from '../../../src/core/errors.js';

/** Cuts bytes into pieces whose sizes are given in turn, again and again. */
export function* pieces(bytes: Uint8Array, ...sizes: readonly number[]): Generator<Buffer> {
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let start = 0;
  for (let turn = 0; start < all.length; turn++) {
    const size = Math.max(1, sizes[turn % sizes.length] ?? all.length);
    yield all.subarray(start, start + size);
    start += size;
  }
}

/** What a stage made of some input, and how it ended. */
export interface Outcome {
  readonly output: Buffer;
  /** `undefined` when it ended well. */
  readonly code: string | undefined;
  readonly error: unknown;
}

/** Sends pieces through a stage; an error is an outcome. */
export async function run(
  stage: Transform | NodeJS.ReadWriteStream,
  input: Iterable<Buffer>,
): Promise<Outcome> {
  const output: Buffer[] = [];
  const sink = new Writable({
    write(chunk: Buffer, _encoding, done) {
      output.push(chunk);
      done();
    },
  });
  try {
    await pipeline(Readable.from(input, { objectMode: false }), stage, sink);
    return { output: Buffer.concat(output), code: undefined, error: undefined };
  } catch (error) {
    const code = error instanceof StateError ? error.code : `no StateError: ${String(error)}`;
    return { output: Buffer.concat(output), code, error };
  }
}

export async function collect(source: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** Bytes that look random and are always the same. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length);
  let state = seed >>> 0 || 1;
  for (let i = 0; i < length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[i] = state & 0xff;
  }
  return bytes;
}

/** The code of the StateError that a promise rejects with. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'no error';
  } catch (error) {
    return error instanceof StateError ? error.code : `no StateError: ${String(error)}`;
  }
}
