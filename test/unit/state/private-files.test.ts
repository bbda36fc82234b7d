import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { PrivateFileWriter } from '../../../src/state/private-files.js';
import { writeFailure } from '../../../src/state/write-failures.js';

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coolify-state-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

describe('a private file that is written from a stream', () => {
  it('tells size and hash of what was written, and is for its owner alone', async () => {
    const writer = new PrivateFileWriter(join(root, 'new/file'));
    writer.write('some ');
    writer.end('text');
    await finished(writer);
    expect(writer.result()).toEqual({
      size: 9,
      sha256: 'b94f6f125c79e3a5ffaa826f584c10d52ada669e6762051b826b55776d05aed2',
    });
    expect((await stat(join(root, 'new/file'))).mode & 0o777).toBe(0o600);
    expect(await readFile(join(root, 'new/file'), 'utf8')).toBe('some text');
  });

  it('takes more pieces at once than one system call does, empty ones among them', async () => {
    const writer = new PrivateFileWriter(join(root, 'file'));
    const pieces = Array.from({ length: 5000 }, (_, index) => `${index}`.repeat(index % 4));
    for (const piece of pieces) writer.write(piece);
    writer.end();
    await finished(writer);
    const text = pieces.join('');
    expect(await readFile(join(root, 'file'), 'utf8')).toBe(text);
    expect(writer.result()).toEqual({
      size: text.length,
      sha256: createHash('sha256').update(text).digest('hex'),
    });
  });

  it('stops when it is destroyed with many pieces still to be written', async () => {
    const writer = new PrivateFileWriter(join(root, 'file'));
    const closed = new Promise((resolve) => writer.on('close', resolve));
    writer.on('error', () => undefined);
    for (let piece = 0; piece < 200; piece++) writer.write(Buffer.alloc(64 * 1024));
    await new Promise((resolve) => setTimeout(resolve, 2));
    writer.destroy(new Error('stopped'));
    await closed;
    expect(() => writer.result()).toThrow('still being written');
  });

  it('never replaces a file', async () => {
    const write = async (text: string): Promise<void> => {
      const writer = new PrivateFileWriter(join(root, 'file'));
      writer.end(text);
      await finished(writer);
    };
    await write('first');
    await expect(write('second')).rejects.toMatchObject({ code: 'EEXIST' });
    expect(await readFile(join(root, 'file'), 'utf8')).toBe('first');
  });
});

describe('a write that fails', () => {
  it.each([
    ['ENOSPC', 'the disk is full (ENOSPC)'],
    ['EDQUOT', 'the disk quota is used up (EDQUOT)'],
  ])('is told in a sentence for %s', (code, why) => {
    const failure = writeFailure(Object.assign(new Error(code), { code }), '/state/file');
    expect(failure).toBeInstanceOf(StateError);
    expect(failure).toMatchObject({ kind: 'failed', code: 'state.disk-full', why });
    expect(failure.message).toContain('/state/file');
  });

  it.each([
    ['EROFS', 'state.read-only'],
    ['EACCES', 'state.forbidden'],
    ['EPERM', 'state.forbidden'],
    ['EIO', 'state.disk-broken'],
  ])('is told in a sentence for %s, which is no matter of space', (errno, code) => {
    const failure = writeFailure(Object.assign(new Error(errno), { code: errno }), '/state/file');
    expect(failure).toMatchObject({ kind: 'failed', code, what: '/state/file could not be written' });
  });

  it('is what it was for every other reason', () => {
    const error = Object.assign(new Error('EMFILE'), { code: 'EMFILE' });
    expect(writeFailure(error, '/state/file')).toBe(error);
  });
});
