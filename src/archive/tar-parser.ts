import { Readable } from 'node:stream';
import { type Extract, extract, type Header } from 'tar-stream';
import { messageOf, StateError } from '../core/errors.js';
import { drained, StreamxBridge } from './streamx-bridge.js';
import type { EntryHeader, EntryType } from './tar.js';

/** tar ends an archive with two blocks of zeros; POSIX, GNU tar and busybox all write them. */
const END_MARK_BYTES = 1024;
const BLOCK_BYTES = 512;

/**
 * Drives tar-stream over a source: entries in order, one at a time, names as they stand in the archive. The first
 * failure, wherever it happens, ends everything and is what is thrown.
 *
 * @throws StateError `archive.truncated`, `archive.corrupt`; errors of the source and of `onEntry` unchanged
 */
export async function parseTar(
  source: Readable,
  onEntry: (header: EntryHeader, content: Readable) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const parser = extract();
  const tail = new Tail();
  let failure: { readonly error: unknown } | undefined;
  const fail = (error: unknown): void => {
    failure ??= { error };
    const reason = error instanceof Error ? error : new Error(messageOf(error));
    parser.destroy(reason);
    source.destroy(reason);
  };
  const abort = (): void => fail(signal?.reason);
  parser.on('error', (error: unknown) => fail(parserFailure(error)));
  signal?.addEventListener('abort', abort, { once: true });
  try {
    signal?.throwIfAborted();
    await Promise.all([
      feed(source, parser, tail).catch(fail),
      takeEntries(parser, tail, onEntry).catch(fail),
    ]);
    if (failure === undefined) tail.requireEndMark();
  } catch (error) {
    fail(error);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
  if (failure !== undefined) throw failure.error;
}

async function feed(source: Readable, parser: Extract, tail: Tail): Promise<void> {
  const closed = new Promise<void>((resolve) => parser.once('close', resolve));
  for await (const chunk of source) {
    tail.pass(chunk);
    if (!parser.write(chunk)) await drained(parser);
    if (parser.destroyed) return;
  }
  parser.end(null);
  await closed;
}

async function takeEntries(
  parser: Extract,
  tail: Tail,
  onEntry: (header: EntryHeader, content: Readable) => Promise<void>,
): Promise<void> {
  for await (const entry of parser) {
    const header = headerOf(entry.header);
    tail.entry(entry.header, header.size);
    if (header.type === 'directory') {
      await onEntry(header, Readable.from([], { objectMode: false }));
      continue;
    }
    const content = new StreamxBridge(entry);
    // Without a listener an error that nobody waits for would end the process; whoever reads still gets it.
    content.on('error', () => undefined);
    await onEntry(header, content);
    if (!content.readableEnded) content.destroy();
    await content.exhausted;
  }
}

function headerOf(header: Header): EntryHeader {
  const pax = new Map(Object.entries(header.pax ?? {}));
  // tar-stream applies the names and the size of pax records, but not these.
  const number = (key: string, plain: number): number => {
    const value = Number(pax.get(key) ?? plain);
    return Number.isFinite(value) ? value : 0;
  };
  const text = (key: string, plain: string): string => String(pax.get(key) ?? plain);
  return {
    path: header.name,
    // Of a sparse file in the form of pax only what is not empty stands in the archive, led by a map of it.
    type: [...pax.keys()].some((key) => key.startsWith('GNU.sparse.')) ? 'other' : typeOf(header.type),
    // A folder may bear a size and still has no content; tar-stream never ends the stream of such an entry.
    size: header.type === 'directory' ? 0 : header.size,
    mode: header.mode & 0o7777,
    uid: number('uid', header.uid),
    gid: number('gid', header.gid),
    uname: text('uname', header.uname),
    gname: text('gname', header.gname),
    mtime: number('mtime', header.mtime.getTime() / 1000),
    ...(typeof header.linkname === 'string' && { linkname: header.linkname }),
  };
}

function typeOf(type: Header['type']): EntryType {
  switch (type) {
    case 'file':
    case 'contiguous-file':
      return 'file';
    case 'directory':
    case 'symlink':
    case 'link':
      return type;
    default:
      return 'other';
  }
}

/** tar-stream is content with an archive that just stops between two entries. This is not. */
class Tail {
  #total = 0;
  #zeros = 0;
  #end = 0;

  pass(chunk: Buffer): void {
    this.#total += chunk.length;
    let start = chunk.length;
    while (start > 0 && chunk[start - 1] === 0) start--;
    this.#zeros = start === 0 ? this.#zeros + chunk.length : chunk.length - start;
  }

  /** Notes where an entry's content ends. tar-stream tells where it begins, its types do not know. */
  entry(header: Header, size: number): void {
    const start = 'byteOffset' in header && typeof header.byteOffset === 'number' ? header.byteOffset : 0;
    this.#end = start + Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES;
  }

  requireEndMark(): void {
    const after = this.#total - this.#end;
    if (after < END_MARK_BYTES || this.#zeros < after) throw truncatedTar();
  }
}

function parserFailure(error: unknown): unknown {
  if (error instanceof StateError) return error;
  const message = messageOf(error);
  if (message === 'Unexpected end of data') return truncatedTar(error);
  return new StateError({
    kind: 'proof',
    code: 'archive.corrupt',
    what: 'The tar archive is damaged',
    why: /^Invalid|^Header exceeds/.test(message) ? 'a header in it does not make sense' : message,
    next: 'fetch it again; if that does not help, use another snapshot',
    cause: error,
  });
}

function truncatedTar(cause?: unknown): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.truncated',
    what: 'The tar archive is incomplete',
    why: 'it ends too early',
    next: 'fetch it again; if that does not help, use another snapshot',
    cause,
  });
}
