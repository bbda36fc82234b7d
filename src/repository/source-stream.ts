import { addAbortSignal, type Readable } from 'node:stream';
import { messageOf, StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';

/**
 * The chunks of a body that is to be stored. Call it at once when a body is received: from then on an early error of the
 * body is kept for the reader instead of ending the process, and the signal destroys a body that stands still.
 * What the body throws arrives as a `StateError`, its own or `repository.source-failed`, so that it is never mistaken for
 * trouble with the store.
 */
export function sourceOf(
  body: Readable,
  key: string,
  signal: AbortSignal | undefined,
): AsyncIterable<Buffer> {
  body.on('error', () => {});
  if (signal !== undefined) addAbortSignal(signal, body);
  return chunksOf(body, key);
}

async function* chunksOf(body: Readable, key: string): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of body) yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
  } catch (error) {
    if (error instanceof StateError) throw error;
    throw new StateError({
      kind: 'failed',
      code: 'repository.source-failed',
      what: `Could not read what was to be stored as ${key}`,
      why: printable(messageOf(error)),
      next: 'nothing was stored; put the cause right and run it again',
      cause: error,
    });
  }
}
