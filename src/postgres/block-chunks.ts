import type { ArchiveNumbers } from './archive-numbers.js';
import type { ByteCursor } from './byte-cursor.js';
import type { ByteSink } from './byte-sink.js';
import { dumpFailure } from './dump-failures.js';
import { Inflation } from './inflation.js';

/**
 * Passes what a block holds to `sink`, inflated if need be. A block is a row of chunks, each led by its length; a
 * length of 0 ends it. Compressed, the chunks together are one zlib stream.
 */
export async function readChunks(
  cursor: ByteCursor,
  numbers: ArchiveNumbers,
  compression: 'none' | 'gzip',
  sink: ByteSink,
): Promise<void> {
  if (compression === 'none') return copyChunks(cursor, numbers, sink);
  const inflation = new Inflation(sink, () => cursor.place());
  try {
    await copyChunks(cursor, numbers, inflation);
    await inflation.finish();
  } finally {
    inflation.release();
  }
}

/**
 * Uncompressed, pg_dump makes a chunk of each row, so this loop waits only where it must: chunks are pushed together
 * over the lengths that part them, within the window of the cursor, and go to the sink as one piece.
 */
async function copyChunks(cursor: ByteCursor, numbers: ArchiveNumbers, sink: ByteSink): Promise<void> {
  let start = 0;
  let end = 0;
  for (;;) {
    let left = numbers.intAtHand();
    if (left === undefined) {
      await flush();
      left = await numbers.int();
    }
    if (left === 0) return flush();
    if (left < 0) throw dumpFailure('malformed', `a chunk has the length ${left}`, cursor.place());
    while (left > 0) {
      if (cursor.offset === cursor.window.length) {
        await flush();
        if (!(await cursor.fill())) throw cursor.cutOff();
      }
      const from = cursor.offset;
      const to = Math.min(from + left, cursor.window.length);
      if (end === start) start = end = from;
      if (end !== from) cursor.window.copyWithin(end, from, to);
      end += to - from;
      cursor.moveTo(to);
      left -= to - from;
    }
  }

  async function flush(): Promise<void> {
    if (end > start) await sink.write(cursor.window, start, end);
    start = end = 0;
  }
}
