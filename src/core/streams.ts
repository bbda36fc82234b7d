import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/**
 * Feeds every sink with the same bytes and waits for all of them: what is hashed, checked and written is read
 * once. The slowest sink sets the pace. On any failure, or when the signal fires, source and sinks are destroyed
 * and the first error is thrown.
 */
export async function fanOut(
  source: Readable,
  sinks: readonly Writable[],
  { signal, onChunk }: { readonly signal: AbortSignal; readonly onChunk?: (chunk: Buffer) => void },
): Promise<void> {
  const ends = sinks.map((sink) => finished(sink, { signal }));
  // An end that fails while chunks still flow is seen below; this keeps it from counting as unhandled.
  for (const end of ends) end.catch(() => undefined);
  const failed = new Promise<never>((_resolve, reject) => {
    for (const end of ends) end.catch(reject);
  });
  failed.catch(() => undefined);
  const abort = (): void => {
    source.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    for await (const chunk of source) {
      const full = sinks.filter((sink) => !sink.write(chunk));
      onChunk?.(chunk);
      const drained = full.map((sink) => once(sink, 'drain', { signal }));
      if (drained.length > 0) await Promise.race([Promise.all(drained), failed]);
    }
    for (const sink of sinks) sink.end();
    await Promise.all(ends);
  } catch (error) {
    for (const sink of sinks) sink.destroy();
    source.destroy();
    await Promise.allSettled(ends);
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
