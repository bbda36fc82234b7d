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

const DATA = 1;
const LARGE_OBJECTS = 3;
const LARGE_OBJECT_KIND = 'BLOBS';

/**
 * Reads the blocks that follow the table of contents to the end of the dump. Each entry that has data must have
 * exactly one block, at its place where the table of contents knows it, and nothing else may follow.
 */
export async function readBlocks(
  cursor: ByteCursor,
  { header, numbers }: ArchiveHead,
  entries: readonly ContentsEntry[],
  largeObjects: LargeObjectTally,
  sinkOf: (entry: ContentsEntry) => EntrySink,
): Promise<void> {
  const missing = new Map(entries.filter((entry) => entry.hasData).map((entry) => [entry.id, entry]));
  while (await cursor.fill()) {
    if (missing.size === 0) {
      throw dumpFailure('trailing-data', 'bytes follow its last block', cursor.place());
    }
    const { type, entry } = await readBlockHead();
    missing.delete(entry.id);
    cursor.table = titleOf(entry);
    if (type === LARGE_OBJECTS) {
      await readLargeObjects();
    } else {
      const sink = sinkOf(entry);
      await readChunks(cursor, numbers, header.compression, sink);
      sink.finish();
    }
    cursor.table = undefined;
  }
  const [first] = missing.values();
  if (first !== undefined) {
    const others = missing.size === 1 ? '' : ` and of ${missing.size - 1} more`;
    throw dumpFailure('missing-data', `it ends before the data of ${titleOf(first)}${others}`, {
      byte: cursor.position,
      table: titleOf(first),
    });
  }

  async function readBlockHead(): Promise<{ type: number; entry: ContentsEntry }> {
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
    if ((entry.desc === LARGE_OBJECT_KIND) !== (type === LARGE_OBJECTS)) {
      throw dumpFailure('malformed', `a block of type ${type} belongs to an entry of another kind`, {
        byte: at,
        table: titleOf(entry),
      });
    }
    if (entry.dataAt !== undefined && entry.dataAt !== at) {
      throw dumpFailure('malformed', `the table of contents expects this block at byte ${entry.dataAt}`, {
        byte: at,
        table: titleOf(entry),
      });
    }
    return { type, entry };
  }

  /** Objects follow one another, each led by its number; the number 0 ends them. */
  async function readLargeObjects(): Promise<void> {
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
}

function titleOf(entry: ContentsEntry): string {
  if (entry.desc === LARGE_OBJECT_KIND) return 'of large objects';
  return entry.namespace === '' ? entry.tag : `${entry.namespace}.${entry.tag}`;
}
