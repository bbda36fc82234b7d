import { once } from 'node:events';
import { Writable } from 'node:stream';
import { createInflate, type Inflate } from 'node:zlib';
import { StateError } from '../core/errors.js';
import { ByteFeed } from './byte-feed.js';
import { CopyLines, copyColumns, type DumpTable, type RowListener } from './copy-lines.js';
import { dumpFailure } from './dump-failures.js';
import { DumpFields, type DumpHeader, readHeader, readToc, type TocEntry } from './dump-toc.js';

export type { DumpTable } from './copy-lines.js';

export interface DumpedTable extends DumpTable {
  readonly rows: number;
  /** Bytes of its COPY lines. */
  readonly bytes: number;
  /** Over its COPY lines in the order of the dump, without the end mark; hex. */
  readonly sha256: string;
}

export interface DumpedSequence {
  readonly schema: string;
  readonly name: string;
  readonly lastValue: bigint;
  readonly isCalled: boolean;
}

/** What a dump holds, known once it was read to its end. */
export interface DumpSummary {
  readonly header: DumpHeader;
  readonly entries: readonly TocEntry[];
  readonly tables: readonly DumpedTable[];
  readonly sequences: readonly DumpedSequence[];
  readonly largeObjects: { readonly count: number; readonly bytes: number };
  readonly bytes: number;
}

export interface DumpReaderOptions extends RowListener {
  readonly signal?: AbortSignal;
}

/** What the parser waits for: more bytes, or a decompressor that is full or not yet done. */
type Wait = undefined | Promise<unknown>;

const BLOCK_OF_DATA = 1;
const BLOCK_OF_LARGE_OBJECTS = 3;
const MAX_CHUNK = 1024 * 1024 * 1024;

/**
 * Reads a dump in pg_dump's custom format (PostgreSQL 12 to 18; none or gzip) to its last block while it streams
 * past: every table is counted and hashed, and can be looked at row by row. Needs no PostgreSQL, keeps nothing.
 *
 * The stream fails with a StateError of kind `proof`: `dump.not-a-dump`, `dump.unsupported`, `dump.truncated`,
 * `dump.malformed`, `dump.missing-data`. The format has no checksums: what it promises is that all blocks which the
 * table of contents announces are there, whole and well formed. That bytes within a row are right is for
 * `sha256` to say, against a value from elsewhere.
 */
export class DumpReader extends Writable {
  readonly #feed = new ByteFeed();
  readonly #options: DumpReaderOptions;
  readonly #parser: Generator<Wait, DumpSummary>;
  #summary: DumpSummary | undefined;
  #inflate: Inflate | undefined;

  constructor(options: DumpReaderOptions = {}) {
    super({
      highWaterMark: 1024 * 1024,
      ...(options.signal !== undefined && { signal: options.signal }),
    });
    this.#options = options;
    this.#parser = this.#parse();
  }

  /** What was read. Only after the stream has finished. */
  summary(): DumpSummary {
    if (this.#summary === undefined) throw new Error('the dump is still being read');
    return this.#summary;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: (error?: Error | null) => void): void {
    this.#feed.push(chunk);
    this.#advance().then(() => callback(), callback);
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#feed.end();
    this.#advance().then(() => callback(), callback);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#inflate?.destroy();
    callback(error);
  }

  async #advance(): Promise<void> {
    for (;;) {
      const step = this.#parser.next();
      if (step.done === true) {
        this.#summary ??= step.value;
        return;
      }
      if (step.value === undefined) return;
      await step.value;
    }
  }

  *#parse(): Generator<Wait, DumpSummary> {
    const feed = this.#feed;
    const fields = new DumpFields(feed);
    const { minor, ...header } = yield* readHeader(fields, feed);
    const entries = yield* readToc(fields, feed, minor);
    const expected = new Map(entries.filter(({ hasData }) => hasData).map((entry) => [entry.id, entry]));
    const tables: DumpedTable[] = [];
    const largeObjects = { count: 0, bytes: 0 };
    for (;;) {
      const type = yield* feed.take(1);
      if (type === undefined) break;
      const id = yield* fields.int();
      const entry = expected.get(id);
      expected.delete(id);
      if (type[0] === BLOCK_OF_LARGE_OBJECTS) {
        yield* this.#readLargeObjects(fields, header, largeObjects);
      } else if (type[0] !== BLOCK_OF_DATA || entry === undefined) {
        throw dumpFailure(
          'malformed',
          'a block is there that its table of contents does not announce',
          feed.taken,
        );
      } else {
        yield* this.#readTable(fields, header, entry, tables);
      }
    }
    const [missing] = expected.values();
    if (missing !== undefined) {
      throw dumpFailure(
        'missing-data',
        `the data of ${missing.tag || missing.description} is not there`,
        feed.taken,
      );
    }
    return {
      header,
      entries,
      tables,
      sequences: entries.flatMap(sequenceOf),
      largeObjects,
      bytes: feed.taken,
    };
  }

  *#readTable(
    fields: DumpFields,
    header: DumpHeader,
    entry: TocEntry,
    tables: DumpedTable[],
  ): Generator<Wait, void> {
    const table = { schema: entry.schema, name: entry.tag, columns: copyColumns(entry.copyStatement) };
    const lines = new CopyLines(table, this.#options);
    yield* this.#readChunks(fields, header, (piece) => lines.push(piece));
    const { fault, sha256 } = lines.end();
    if (fault !== undefined) throw dumpFailure('malformed', `${entry.tag}: ${fault}`, this.#feed.taken);
    tables.push({ ...table, rows: lines.rows, bytes: lines.bytes, sha256 });
  }

  *#readLargeObjects(
    fields: DumpFields,
    header: DumpHeader,
    found: { count: number; bytes: number },
  ): Generator<Wait, void> {
    while ((yield* fields.int()) !== 0) {
      found.count++;
      yield* this.#readChunks(fields, header, (piece) => {
        found.bytes += piece.length;
      });
    }
  }

  /** The chunks of one block, decompressed. Source: pg_backup_custom.c, compress_io.c. */
  *#readChunks(
    fields: DumpFields,
    header: DumpHeader,
    onPiece: (piece: Buffer) => void,
  ): Generator<Wait, void> {
    const feed = this.#feed;
    const inflate = header.compression === 'gzip' ? this.#startInflate(onPiece) : undefined;
    for (let left = yield* this.#chunkLength(fields); left > 0; left = yield* this.#chunkLength(fields)) {
      while (left > 0) {
        const piece = yield* feed.takeSome(left);
        if (piece === undefined) throw fields.truncated();
        left -= piece.length;
        if (inflate === undefined) onPiece(piece);
        // The feed's bytes move on at the next push, the decompressor works later: it gets its own.
        else if (!inflate.stream.write(Buffer.from(piece)))
          yield Promise.race([once(inflate.stream, 'drain'), inflate.done]);
      }
    }
    if (inflate !== undefined) {
      inflate.stream.end();
      yield inflate.done;
      this.#inflate = undefined;
    }
  }

  *#chunkLength(fields: DumpFields): Generator<Wait, number> {
    const length = yield* fields.int();
    if (length < 0 || length > MAX_CHUNK) {
      throw dumpFailure('malformed', `a block claims a chunk of ${length} bytes`, this.#feed.taken);
    }
    return length;
  }

  #startInflate(onPiece: (piece: Buffer) => void): { stream: Inflate; done: Promise<void> } {
    const stream = createInflate({ chunkSize: 256 * 1024 });
    this.#inflate = stream;
    const done = new Promise<void>((resolve, reject) => {
      stream.on('data', onPiece);
      stream.on('end', resolve);
      stream.on('error', (error) =>
        reject(dumpFailure('malformed', 'a compressed block is damaged', this.#feed.taken, error)),
      );
      stream.on('close', () =>
        reject(new StateError({ kind: 'interrupted', code: 'interrupted', what: 'Interrupted' })),
      );
    });
    done.catch(() => undefined);
    return { stream, done };
  }
}

function sequenceOf({ description, schema, tag, definition }: TocEntry): DumpedSequence[] {
  if (description !== 'SEQUENCE SET') return [];
  const match = /setval\('(?:[^']|'')*', (-?\d+), (true|false)\)/.exec(definition);
  if (match?.[1] === undefined) return [];
  return [{ schema, name: tag, lastValue: BigInt(match[1]), isCalled: match[2] === 'true' }];
}
