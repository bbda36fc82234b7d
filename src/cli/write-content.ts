import { randomBytes } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { errnoOf, messageOf, StateError } from '../core/errors.js';

/** How much of a content is looked at to tell text from other things. Bytes. */
const LOOKED_AT = 4096;

/**
 * Writes a content to standard output as it comes. That nobody reads any more (`| head`) is no error.
 *
 * @throws StateError `cli.binary-terminal` before a byte is written, where it is no text and a terminal would get it
 */
export async function intoStandardOutput(content: Readable, signal: AbortSignal): Promise<void> {
  const guard = process.stdout.isTTY ? [refusingBinary()] : [];
  try {
    await pipeline([content, ...guard, process.stdout], { signal, end: false });
  } catch (error) {
    if (errnoOf(error) !== 'EPIPE') throw error;
  }
}

/**
 * Writes a content to a new file, 0600, that appears under its name when it is whole and what it should be.
 *
 * @returns how many bytes
 * @throws StateError `cli.output-exists`, `cli.output-unwritable`; what the content throws
 */
export async function intoFile(path: string, content: Readable, signal: AbortSignal): Promise<number> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.part`);
  content.on('error', () => undefined);
  try {
    const handle = await open(temporary, 'wx', 0o600).catch((error: unknown) => {
      throw unwritable(path, error);
    });
    const sink = handle.createWriteStream({ flush: true });
    await pipeline(content, sink, { signal });
    // A link and not a rename, which would replace what has that name.
    await link(temporary, path).catch((error: unknown) => {
      throw unwritable(path, error);
    });
    return sink.bytesWritten;
  } finally {
    content.destroy();
    await rm(temporary, { force: true });
  }
}

function refusingBinary(): Transform {
  let isChecked = false;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      if (!isChecked && !isText(chunk.subarray(0, LOOKED_AT))) {
        done(
          new StateError({
            kind: 'usage',
            code: 'cli.binary-terminal',
            what: 'That is no text, and standard output is a terminal',
            next: 'write it into a file with --output FILE, or into a pipe',
          }),
        );
        return;
      }
      isChecked = true;
      done(null, chunk);
    },
  });
}

/** No control characters but those of text. A letter that is cut at the end is no matter. */
function isText(bytes: Buffer): boolean {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return !/[^\P{Cc}\t\n\r\f]/u.test(text);
  } catch {
    return false;
  }
}

function unwritable(path: string, cause: unknown): StateError {
  const exists = errnoOf(cause) === 'EEXIST';
  return new StateError({
    kind: exists ? 'usage' : 'failed',
    code: exists ? 'cli.output-exists' : 'cli.output-unwritable',
    what: `${path} cannot be written`,
    why: exists ? 'something is there already' : messageOf(cause),
    next: exists ? 'choose another name, or remove it first' : 'check the folder and its permissions',
    cause,
  });
}
