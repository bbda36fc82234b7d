import type { Transform } from 'node:stream';

/**
 * What a stream of zlib gives while it does one step; it stays open for the next.
 *
 * @param step begins it, and calls back when it is done
 */
export async function outputOf(stream: Transform, step: (done: () => void) => void): Promise<Buffer[]> {
  const pieces: Buffer[] = [];
  const collect = (piece: Buffer): unknown => pieces.push(piece);
  let fail: (error: Error) => void = () => undefined;
  const stop = (): void => fail(new Error('the compression was stopped'));
  try {
    await new Promise<void>((resolve, reject) => {
      fail = reject;
      stream.on('data', collect).on('error', fail).on('close', stop);
      step(resolve);
    });
  } finally {
    stream.off('data', collect).off('error', fail).off('close', stop);
  }
  return pieces;
}
