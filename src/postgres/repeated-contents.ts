import type { StateError } from '../core/errors.js';
import type { ArchiveHead } from './archive-header.js';
import type { ByteCursor } from './byte-cursor.js';
import { dumpFailure } from './dump-failures.js';
import type { DumpLimits } from './dump-limits.js';
import { type ContentsEntry, readContents } from './table-of-contents.js';

/**
 * Reads what may follow the last block: the table of contents once more, with the places of the blocks filled in.
 * Since PostgreSQL 16, `pg_dump > file` ends so: it opens its standard output for appending, so that its way back to
 * the first table of contents leads to the end of the file (`_allocAH` of pg_backup_archiver.c). pg_restore never
 * looks there. Anything else is `dump.trailing-data`.
 */
export async function expectContentsAgain(
  cursor: ByteCursor,
  head: ArchiveHead,
  limits: DumpLimits,
  entries: readonly ContentsEntry[],
  places: ReadonlyMap<number, number>,
): Promise<void> {
  const at = cursor.position;
  const trailing = (cause?: unknown): StateError =>
    dumpFailure('trailing-data', 'something else follows its last block', { byte: at }, cause);
  let again: readonly ContentsEntry[];
  try {
    again = await readContents(head, limits);
  } catch (error) {
    throw trailing(error);
  }
  const same =
    again.length === entries.length &&
    again.every((entry, index) => {
      const first = entries[index];
      return first !== undefined && isSame(first, entry) && entry.dataAt === places.get(entry.id);
    });
  if (!same || (await cursor.fill())) throw trailing();
}

function isSame(one: ContentsEntry, other: ContentsEntry): boolean {
  return (
    one.id === other.id &&
    one.tag === other.tag &&
    one.desc === other.desc &&
    one.owner === other.owner &&
    one.namespace === other.namespace &&
    one.hasData === other.hasData &&
    one.copyStatement === other.copyStatement &&
    one.definitionSha256 === other.definitionSha256
  );
}
