import type { ByteFeed } from './byte-feed.js';
import { dumpFailure } from './dump-failures.js';

/** What the head of an archive says. Source: PostgreSQL, src/bin/pg_dump/pg_backup_archiver.c (ReadHead). */
export interface DumpHeader {
  /** `1.14`, `1.15`, `1.16`. */
  readonly archiveVersion: string;
  readonly compression: 'none' | 'gzip';
  readonly database: string;
  readonly serverVersion: string;
  readonly dumpVersion: string;
}

/** An entry of the table of contents. */
export interface TocEntry {
  readonly id: number;
  readonly tag: string;
  /** `TABLE DATA`, `SEQUENCE SET`, ... */
  readonly description: string;
  readonly schema: string;
  readonly definition: string;
  readonly copyStatement: string;
  /** Whether a block with its data has to follow. */
  readonly hasData: boolean;
}

/** Numbers and strings as an archive writes them: a sign byte and little-endian bytes; strings with their length. */
export class DumpFields {
  readonly #feed: ByteFeed;
  #intSize = 4;
  #offsetSize = 8;

  constructor(feed: ByteFeed) {
    this.#feed = feed;
  }

  *byte(): Generator<undefined, number> {
    return (yield* this.bytes(1))[0] ?? 0;
  }

  *bytes(count: number): Generator<undefined, Buffer> {
    const bytes = yield* this.#feed.take(count);
    if (bytes === undefined) throw this.truncated();
    return bytes;
  }

  *int(): Generator<undefined, number> {
    const bytes = yield* this.bytes(1 + this.#intSize);
    return (bytes[0] === 0 ? 1 : -1) * bytes.readUIntLE(1, Math.min(6, this.#intSize));
  }

  *text(): Generator<undefined, string | undefined> {
    const length = yield* this.int();
    if (length < 0) return undefined;
    if (length > MAX_TEXT) throw dumpFailure('malformed', 'a text is absurdly long', this.#feed.taken);
    return (yield* this.bytes(length)).toString('utf8');
  }

  /** Whether the entry has data, by the flag before the offset; the offset itself is not needed here. */
  *dataFlag(): Generator<undefined, boolean> {
    const flag = yield* this.byte();
    yield* this.bytes(this.#offsetSize);
    if (flag < 1 || flag > 3)
      throw dumpFailure('malformed', 'an entry has no valid data flag', this.#feed.taken);
    return flag !== NO_DATA;
  }

  sizes(int: number, offset: number): void {
    if (int < 1 || int > 8 || offset < 1 || offset > 8) {
      throw dumpFailure('unsupported', 'numbers have a size that is not known here', this.#feed.taken);
    }
    this.#intSize = int;
    this.#offsetSize = offset;
  }

  truncated(): Error {
    return dumpFailure('truncated', 'it ends before it is complete', this.#feed.taken);
  }
}

const MAX_TEXT = 256 * 1024 * 1024;
const MAX_ENTRIES = 5_000_000;
const NO_DATA = 3;
const CUSTOM_FORMAT = 1;
const OLDEST = 14;
const NEWEST = 16;

/** Reads magic, versions, compression and names. PostgreSQL 12 to 18 write archive versions 1.14 to 1.16. */
export function* readHeader(
  fields: DumpFields,
  feed: ByteFeed,
): Generator<undefined, DumpHeader & { minor: number }> {
  const magic = yield* feed.take(11);
  if (magic === undefined || magic.subarray(0, 5).toString('latin1') !== 'PGDMP') {
    throw dumpFailure('not-a-dump', "it does not begin as pg_dump's custom format does", 0);
  }
  const [major = 0, minor = 0, , intSize = 0, offsetSize = 0, format = 0] = magic.subarray(5);
  if (major !== 1 || minor < OLDEST || minor > NEWEST) {
    throw dumpFailure(
      'unsupported',
      `its archive version is ${major}.${minor}, known are 1.${OLDEST} to 1.${NEWEST}`,
      5,
    );
  }
  if (format !== CUSTOM_FORMAT) throw dumpFailure('unsupported', 'it is not in custom format', 10);
  fields.sizes(intSize, offsetSize);
  const compression = minor >= 15 ? yield* fields.byte() : (yield* fields.int()) === 0 ? 0 : 1;
  if (compression > 1) {
    throw dumpFailure(
      'unsupported',
      `it is compressed with ${compression === 2 ? 'lz4' : 'zstd'}`,
      feed.taken,
    );
  }
  for (let part = 0; part < 7; part++) yield* fields.int(); // seconds to daylight saving of its creation
  return {
    minor,
    archiveVersion: `${major}.${minor}`,
    compression: compression === 0 ? 'none' : 'gzip',
    database: (yield* fields.text()) ?? '',
    serverVersion: (yield* fields.text()) ?? '',
    dumpVersion: (yield* fields.text()) ?? '',
  };
}

/** Reads the table of contents. Source: pg_backup_archiver.c (ReadToc), pg_backup_custom.c (_ReadExtraToc). */
export function* readToc(
  fields: DumpFields,
  feed: ByteFeed,
  minor: number,
): Generator<undefined, TocEntry[]> {
  const count = yield* fields.int();
  if (count < 0 || count > MAX_ENTRIES) {
    throw dumpFailure('malformed', `its table of contents claims ${count} entries`, feed.taken);
  }
  const entries: TocEntry[] = [];
  const ids = new Set<number>();
  for (let index = 0; index < count; index++) {
    const entry = yield* readEntry(fields, minor);
    if (entry.id <= 0 || ids.has(entry.id)) {
      throw dumpFailure(
        'malformed',
        `its table of contents has an entry numbered ${entry.id} out of place`,
        feed.taken,
      );
    }
    ids.add(entry.id);
    entries.push(entry);
  }
  return entries;
}

function* readEntry(fields: DumpFields, minor: number): Generator<undefined, TocEntry> {
  const id = yield* fields.int();
  const hadDumper = yield* fields.int();
  yield* fields.text(); // oid of the catalog
  yield* fields.text(); // oid of the object
  const tag = (yield* fields.text()) ?? '';
  const description = (yield* fields.text()) ?? '';
  yield* fields.int(); // section
  const definition = (yield* fields.text()) ?? '';
  yield* fields.text(); // drop statement
  const copyStatement = (yield* fields.text()) ?? '';
  const schema = (yield* fields.text()) ?? '';
  yield* fields.text(); // tablespace
  yield* fields.text(); // table access method
  if (minor >= 16) yield* fields.int(); // kind of relation
  yield* fields.text(); // owner
  yield* fields.text(); // "with oids", long gone
  while ((yield* fields.text()) !== undefined) {
    // Numbers of entries it depends on, up to a text that is not there.
  }
  const flagged = yield* fields.dataFlag();
  return { id, tag, description, definition, copyStatement, schema, hasData: hadDumper !== 0 && flagged };
}
