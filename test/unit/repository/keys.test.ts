import { join, relative } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedKey, checkedPrefix, isKey, TEMPORARY_PREFIX } from '../../../src/repository/keys.js';

describe('keys of objects', () => {
  it('stay inside of the folder they are put under, whatever is tried', () => {
    const segment = fc.oneof(
      fc.constantFrom('..', '.', '', 'a', '/', '\\', '\0', '...', '~', ' '),
      fc.string({ unit: 'binary' }),
    );
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 6 }), (segments) => {
        const key = segments.join('/');
        if (!isKey(key)) return;
        const inside = relative('/root/folder', join('/root/folder', checkedKey(key)));
        expect(inside).toBe(key);
      }),
    );
  });

  it('are limited like those of S3 and like names of files', () => {
    const long = Array.from({ length: 5 }, () => 'x'.repeat(200)).join('/');
    expect(checkedKey(long)).toBe(long);
    expect(() => checkedKey(`${long}/${'y'.repeat(100)}`)).toThrow(/longer than 1024 bytes/);
    expect(() => checkedKey('ü'.repeat(128))).toThrow(/longer than 255 bytes/);
    expect(() => checkedKey(`a/${TEMPORARY_PREFIX}1`)).toThrow(/reserved/);
  });

  it('have beginnings that may be empty or end with a slash', () => {
    for (const prefix of ['', 'a', 'a/', 'a/b', 'a/b/']) expect(checkedPrefix(prefix)).toBe(prefix);
    for (const prefix of ['/', 'a//', '../', 'a/../']) {
      expect(() => checkedPrefix(prefix)).toThrow(expect.objectContaining({ code: 'repository.bad-key' }));
    }
  });

  it('are escaped where they are refused', () => {
    expect(() => checkedKey('a\u001b[2Jb')).toThrow(/"a\\x1b\[2Jb"/);
  });
});
