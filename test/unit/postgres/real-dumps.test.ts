import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readDump } from './archive-writer.js';

/**
 * Dumps of one small database, made by pg_dump of Debian: `piped` with `pg_dump -Fc -Z6 small | cat`, `redirected`
 * with `pg_dump -Fc -Z0 small > file`, which ends with the table of contents once more.
 */
describe.each([
  ['postgres-17-piped.dump', '17.12', 'gzip'],
  ['postgres-17-redirected.dump', '17.12', 'none'],
  ['postgres-18-piped.dump', '18.6', 'gzip'],
  ['postgres-18-redirected.dump', '18.6', 'none'],
])('%s', (file, version, compression) => {
  it('is read to its end', async () => {
    const dump = await readFile(join(import.meta.dirname, 'data', file));
    const shown: (string | null)[][] = [];
    const summary = await readDump(dump, {
      onRow: ({ columns }, row) => shown.push(columns.map((_, index) => row.field(index))),
    });
    expect(shown).toEqual([
      ['1', 'Ada', null],
      ['2', 'Grëtê', 'one\ttwo\\'],
      ['3', 'eyJpdiI6', '\\N'],
    ]);
    expect(summary).toMatchObject({
      header: { archiveVersion: '1.16-0', compression, database: 'small' },
      encoding: 'UTF8',
      tables: [
        { schema: 'public', name: 'nobody_yet', columns: ['id'], rows: 0 },
        { schema: 'public', name: 'people', columns: ['id', 'name', 'Note, of'], rows: 3 },
      ],
      sequences: [{ schema: 'public', name: 'people_id_seq', lastValue: '3', isCalled: true }],
      largeObjects: { count: 2, bytes: 5 },
      bytes: dump.length,
    });
    expect(summary.header.dumpVersion.startsWith(version)).toBe(true);
  });

  it('is refused when it is cut in half or by one byte', async () => {
    const dump = await readFile(join(import.meta.dirname, 'data', file));
    for (const length of [dump.length / 2, dump.length - 1]) {
      await expect(readDump(dump.subarray(0, length))).rejects.toMatchObject({ kind: 'proof' });
    }
  });
});
