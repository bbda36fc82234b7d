import type { Readable } from 'node:stream';

const NEWLINE = 0x0a;

/**
 * The lines of a UTF-8 stream without their ends, read as they are asked for. Of a line that does not end no more than
 * `limitBytes` are kept; then, as when the stream fails, the reading throws. The source is destroyed when it is left.
 */
export async function* linesOf(
  source: Readable,
  limitBytes: number,
  tooLong: () => Error,
): AsyncGenerator<string, void, undefined> {
  let pieces: Buffer[] = [];
  let size = 0;
  const keep = (piece: Buffer): void => {
    pieces.push(piece);
    size += piece.length;
    if (size > limitBytes) throw tooLong();
  };
  const take = (): string => {
    const line = Buffer.concat(pieces).toString('utf8');
    pieces = [];
    size = 0;
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  };
  for await (const chunk of source) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    let from = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      keep(bytes.subarray(from, end));
      yield take();
      from = end + 1;
    }
    if (from < bytes.length) keep(bytes.subarray(from));
  }
  if (size > 0) yield take();
}
