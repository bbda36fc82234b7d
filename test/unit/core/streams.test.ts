import { Readable, Writable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fanOut } from '../../../src/core/streams.js';

const signal = new AbortController().signal;

class Collector extends Writable {
  readonly pieces: Buffer[] = [];
  constructor(highWaterMark: number) {
    super({ highWaterMark });
  }
  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    this.pieces.push(chunk);
    setImmediate(callback);
  }
  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

describe('fanOut', () => {
  it('gives every sink all bytes in order, whatever their pace', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 64 }), { minLength: 1, maxLength: 4 }),
        async (pieces, marks) => {
          const sinks = marks.map((mark) => new Collector(mark));
          let seen = 0;
          await fanOut(Readable.from(pieces.map((piece) => Buffer.from(piece))), sinks, {
            signal,
            onChunk: (chunk) => {
              seen += chunk.length;
            },
          });
          const whole = Buffer.concat(pieces);
          for (const sink of sinks) expect(sink.bytes.equals(whole)).toBe(true);
          expect(seen).toBe(whole.length);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('fails with the error of the sink that fails, and destroys all', async () => {
    const good = new Collector(1);
    const bad = new Writable({ write: (_chunk, _encoding, callback) => callback(new Error('no space')) });
    const source = Readable.from([Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]);
    await expect(fanOut(source, [good, bad], { signal })).rejects.toThrow('no space');
    expect([source.destroyed, good.destroyed, bad.destroyed]).toEqual([true, true, true]);
  });

  it('fails when the source fails', async () => {
    const source = new Readable({ read: () => undefined });
    const sink = new Collector(16);
    const run = fanOut(source, [sink], { signal });
    source.destroy(new Error('connection lost'));
    await expect(run).rejects.toThrow('connection lost');
    expect(sink.destroyed).toBe(true);
  });

  it('ends when the signal fires, also while a sink does not take anything', async () => {
    const controller = new AbortController();
    const stuck = new Writable({ highWaterMark: 1, write: () => undefined });
    const run = fanOut(Readable.from([Buffer.alloc(8), Buffer.alloc(8)]), [stuck], {
      signal: controller.signal,
    });
    setImmediate(() => controller.abort(new Error('stop')));
    await expect(run).rejects.toThrow('stop');
    expect(stuck.destroyed).toBe(true);
  });
});
