import type { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import type { ArchiveHead } from './archive-header.js';
import { readChunks } from './block-chunks.js';
import type { ByteCursor } from './byte-cursor.js';
import type { ByteSink } from './byte-sink.js';
import { dumpFailure } from './dump-failures.js';
import type { LargeObjectTally } from './large-objects.js';
import type { ContentsEntry } from './table-of-contents.js';

/** Where the data of one entry goes. */
export interface EntrySink extends ByteSink {
  /** Called when all of it was written. */
  finish(): void;
}

/** Where the block of each entry began: bytes from the start of the dump, by the entry's number. */
export type BlockPlaces = ReadonlyMap<number, number>;

const DATA = 1;
const LARGE_OBJECTS = 3;
const LARGE_OBJECT_KIND = 'BLOBS';

/**
 * Reads the blocks that follow the table of contents. Each entry that has data must have exactly one, at its place
 * where the table of contents knows it. Returns when there is none left to come; what follows is not read.
 */
export async function readBlocks(
  cursor: ByteCursor,
  head: ArchiveHead,
  entries: readonly ContentsEntry[],
  largeObjects: LargeObjectTally,
  sinkOf: (entry: ContentsEntry) => EntrySink,
): Promise<BlockPlaces> {
  const missing = new Map(entries.filter((entry) => entry.hasData).map((entry) => [entry.id, entry]));
  const places = new Map<number, number>();
  while (missing.size > 0) {
    if (!(await cursor.fill())) throw missingData(cursor, [...missing.values()]);
    const at = cursor.position;
    const { type, entry } = await readBlockHead(cursor, head, missing);
    missing.delete(entry.id);
    places.set(entry.id, at);
    cursor.table = titleOf(entry);
    if (type === LARGE_OBJECTS) {
      await readLargeObjects(cursor, head, largeObjects);
    } else {
      const sink = sinkOf(entry);
      await readChunks(cursor, head.numbers, head.header.compression, sink);
      sink.finish();
    }
    cursor.table = undefined;
  }
  return places;
}

async function readBlockHead(
  cursor: ByteCursor,
  { numbers }: ArchiveHead,
  missing: ReadonlyMap<number, ContentsEntry>,
): Promise<{ type: number; entry: ContentsEntry }> {
  const at = cursor.position;
  const type = await cursor.byte();
  if (type !== DATA && type !== LARGE_OBJECTS) {
    throw dumpFailure('malformed', `a block is of the unknown type ${type}`, { byte: at });
  }
  const id = await numbers.int();
  const entry = missing.get(id);
  if (entry === undefined) {
    throw dumpFailure('malformed', `a block belongs to entry ${id}, which awaits none`, { byte: at });
  }
  const place = { byte: at, table: titleOf(entry) };
  if ((entry.desc === LARGE_OBJECT_KIND) !== (type === LARGE_OBJECTS)) {
    throw dumpFailure('malformed', `a block of type ${type} belongs to an entry of another kind`, place);
  }
  if (entry.dataAt !== undefined && entry.dataAt !== at) {
    throw dumpFailure('malformed', `the table of contents expects this block at byte ${entry.dataAt}`, place);
  }
  return { type, entry };
}

/** Objects follow one another, each led by its number; the number 0 ends them. */
async function readLargeObjects(
  cursor: ByteCursor,
  { header, numbers }: ArchiveHead,
  largeObjects: LargeObjectTally,
): Promise<void> {
  for (;;) {
    const at = cursor.position;
    const number = await numbers.int();
    if (number === 0) return;
    if (number < -0x8000_0000 || number > 0x7fff_ffff) {
      throw dumpFailure('malformed', `a large object has the number ${number}`, { byte: at });
    }
    await readChunks(cursor, numbers, header.compression, largeObjects);
    // An OID is unsigned but was written as a signed integer of 32 bits.
    largeObjects.endObject(number >>> 0);
  }
}

function missingData(cursor: ByteCursor, missing: readonly ContentsEntry[]): StateError {
  const [table = ''] = missing.map(titleOf);
  const others = missing.length === 1 ? '' : ` and of ${missing.length - 1} more`;
  const why = `it ends before the data of ${printable(table)}${others}`;
  return dumpFailure('missing-data', why, { byte: cursor.position, table });
}

function titleOf(entry: ContentsEntry): string {
  if (entry.desc === LARGE_OBJECT_KIND) return 'of large objects';
  return entry.namespace === '' ? entry.tag : `${entry.namespace}.${entry.tag}`;
}
