import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { type Header, type Pack, pack } from 'tar-stream';
import { messageOf, StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { drained, StreamxBridge } from './streamx-bridge.js';
import type { EntryHeader, TarEntry } from './tar.js';
import { unsafe } from './tar-rules.js';

/** The largest owner and time that a plain header has room for; what is beyond goes into a pax record. */
const MAX_OCTAL_ID = 0o777777;
const MAX_PLAIN_TIME = 2 ** 31 - 1;

/** The bytes of a tar archive of these entries. Destroying the stream stops everything behind it. */
export function writeTar(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
  signal?: AbortSignal,
  onPacked?: (bytes: number) => void,
): Readable {
  const packer = pack();
  const output = new StreamxBridge(packer);
  const open: { content?: Readable } = {};
  const stop = (error: Error): void => {
    open.content?.destroy();
    packer.destroy(error);
    output.destroy(error);
  };
  const abort = (): void => stop(signal?.reason instanceof Error ? signal.reason : new Error('aborted'));
  signal?.addEventListener('abort', abort, { once: true });
  output.once('close', () => {
    signal?.removeEventListener('abort', abort);
    open.content?.destroy();
    packer.destroy();
  });
  if (signal?.aborted === true) abort();
  else
    writeEntries(packer, entries, open, onPacked).catch((error: unknown) => {
      stop(error instanceof Error ? error : new Error(messageOf(error)));
    });
  return output;
}

async function writeEntries(
  packer: Pack,
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
  open: { content?: Readable },
  onPacked?: (bytes: number) => void,
): Promise<void> {
  for await (const { header, content, sha256 } of entries) {
    const source = Buffer.isBuffer(content) ? Readable.from([content], { objectMode: false }) : content;
    open.content = source;
    await writeEntry(packer, { header, content: source, sha256 }, onPacked);
    delete open.content;
  }
  packer.finalize();
}

async function writeEntry(
  packer: Pack,
  { header, content, sha256 }: TarEntry & { readonly content: Readable },
  onPacked?: (bytes: number) => void,
): Promise<void> {
  let size = 0;
  const hash = sha256 === undefined ? undefined : createHash('sha256');
  const sink = packer.entry(packable(header));
  sink.on('error', () => undefined); // told to whoever reads the archive
  const closed = new Promise<void>((resolve) => sink.once('close', resolve));
  for await (const chunk of content) {
    size += chunk.length;
    if (size > header.size) break;
    hash?.update(chunk);
    if (!sink.write(chunk)) await drained(sink);
    onPacked?.(chunk.length);
    if (sink.destroyed) return; // the archive's stream was destroyed and says why
  }
  if (size !== header.size) throw sourceChanged(header);
  if (sha256 !== undefined && hash?.digest('hex') !== sha256)
    throw sourceAltered(header.path, 'its SHA-256 is another than the one recorded');
  sink.end(null);
  await closed;
}

function packable(header: EntryHeader): Partial<Header> & { readonly name: string } {
  const { path, type, size, mode, uid, gid, uname, gname, mtime } = header;
  if (type !== 'file' && type !== 'directory') throw unsafe(path, `it is no plain file (${type})`);
  const pax: Record<string, string> = {};
  if (uid > MAX_OCTAL_ID) pax['uid'] = String(uid);
  if (gid > MAX_OCTAL_ID) pax['gid'] = String(gid);
  const seconds = Math.floor(mtime);
  const plainTime = Math.min(Math.max(seconds, 0), MAX_PLAIN_TIME);
  if (plainTime !== seconds) pax['mtime'] = String(seconds);
  // The type bit keeps tar-stream from taking a mode of 0 for a missing one; it is not written.
  const fileMode = type === 'file' ? 0o100000 | mode : 0o040000 | mode;
  const plain = {
    name: type === 'directory' && !path.endsWith('/') ? `${path}/` : path,
    type,
    size,
    mode: fileMode,
    uid: Math.min(uid, MAX_OCTAL_ID),
    gid: Math.min(gid, MAX_OCTAL_ID),
    uname,
    gname,
    mtime: new Date(plainTime * 1000),
  };
  return Object.keys(pax).length === 0 ? plain : { ...plain, pax };
}

function sourceChanged(header: EntryHeader): StateError {
  return new StateError({
    kind: 'failed',
    code: 'archive.source-changed',
    what: `${printable(header.path)} changed while it was packed`,
    why: `it was said to have ${header.size} bytes, which it does not have`,
    next: 'run it again',
  });
}

/** A file that is no longer what was written down of it. */
export function sourceAltered(path: string, why: string): StateError {
  return new StateError({
    kind: 'proof',
    code: 'archive.source-altered',
    what: `${printable(path)} is not what the manifest says`,
    why,
    next: 'take a new backup, and see what else writes to the state folder; nothing was stored',
  });
}
