import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { deflateSync } from 'node:zlib';
import { DumpReader, type DumpReaderOptions, type DumpSummary } from '../../../src/postgres/dump-reader.js';

/** An entry to be written, and its data. */
export interface WrittenEntry {
  readonly id: number;
  readonly tag: string;
  readonly desc: string;
  readonly namespace?: string | null;
  readonly owner?: string;
  readonly section?: number;
  readonly definition?: string | null;
  readonly copy?: string;
  readonly dependencies?: readonly number[];
  /** Pieces of a table's data, each a chunk when not compressed. */
  readonly data?: readonly (string | Buffer)[];
  readonly objects?: readonly { readonly oid: number; readonly data: readonly (string | Buffer)[] }[];
}

export interface WrittenArchive {
  readonly minor?: 14 | 15 | 16;
  readonly compression?: 'none' | 'gzip' | 'lz4' | 'zstd';
  readonly intSize?: number;
  readonly offsetSize?: number;
  /** As pg_dump does where it can go back in its file: note where the blocks begin. */
  readonly offsets?: boolean;
  readonly entries: readonly WrittenEntry[];
}

/** What `written` returns: the archive, and where its data begins. */
export interface Written {
  readonly bytes: Buffer;
  readonly dataAt: number;
}

const ALGORITHMS = ['none', 'gzip', 'lz4', 'zstd'];

/** Encodes an archive of pg_dump's custom format by hand: what no pg_dump at hand can make. */
export function written(archive: WrittenArchive): Written {
  const { intSize = 4, compression = 'none', entries } = archive;
  const blocks = entries.filter(hasData).map((entry) => ({
    id: entry.id,
    bytes: blockOf(entry, intSize, compression),
  }));
  const length = contentsOf(archive, new Map()).length;
  const places = new Map<number, number>();
  let at = length;
  for (const { id, bytes } of blocks) {
    places.set(id, at);
    at += bytes.length;
  }
  const contents = archive.offsets === true ? contentsOf(archive, places) : contentsOf(archive, new Map());
  return { bytes: Buffer.concat([contents, ...blocks.map(({ bytes }) => bytes)]), dataAt: length };
}

/** Reads a dump that arrives in pieces of the given sizes, in turn. */
export async function readDump(
  dump: Buffer,
  options: DumpReaderOptions = {},
  sizes: readonly number[] = [65536],
): Promise<DumpSummary> {
  const reader = new DumpReader(options);
  await pipeline(Readable.from(piecesOf(dump, sizes)), reader);
  return reader.summary();
}

function* piecesOf(dump: Buffer, sizes: readonly number[]): Generator<Buffer> {
  for (let at = 0, turn = 0; at < dump.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    yield dump.subarray(at, at + size);
    at += size;
  }
}

function contentsOf(archive: WrittenArchive, places: ReadonlyMap<number, number>): Buffer {
  const { minor = 14, compression = 'none', intSize = 4, offsetSize = 8, entries } = archive;
  const int = (value: number): Buffer => encodedInt(value, intSize);
  const text = (value: string | null | undefined): Buffer =>
    value === null || value === undefined
      ? int(-1)
      : Buffer.concat([int(Buffer.byteLength(value)), Buffer.from(value)]);
  const parts: Buffer[] = [
    Buffer.from('PGDMP'),
    Buffer.from([1, minor, 0, intSize, offsetSize, 1]),
    minor >= 15 ? Buffer.from([ALGORITHMS.indexOf(compression)]) : int(compression === 'none' ? 0 : -1),
    ...[59, 58, 23, 31, 0, 126, 0].map(int),
    ...['shop', '15.18', '16.4'].map(text),
    int(entries.length),
  ];
  for (const entry of entries) {
    const offset = Buffer.alloc(1 + offsetSize);
    const place = places.get(entry.id);
    offset[0] = !hasData(entry) ? 3 : place === undefined ? 1 : 2;
    offset.writeUIntLE(place ?? 0, 1, Math.min(offsetSize, 6));
    parts.push(
      int(entry.id),
      int(hasData(entry) ? 1 : 0),
      ...['1259', String(16000 + entry.id), entry.tag, entry.desc].map(text),
      int(entry.section ?? 2),
      ...[entry.definition, '', entry.copy, entry.namespace, '', 'heap'].map(text),
      ...(minor >= 16 ? [int(114)] : []),
      ...[entry.owner ?? 'postgres', 'false', ...(entry.dependencies ?? []).map(String), null].map(text),
      offset,
    );
  }
  return Buffer.concat(parts);
}

function hasData(entry: WrittenEntry): boolean {
  return entry.data !== undefined || entry.objects !== undefined;
}

function blockOf(entry: WrittenEntry, intSize: number, compression: string): Buffer {
  const chunks = (data: readonly (string | Buffer)[]): Buffer => {
    const pieces = data.map((piece) => Buffer.from(piece));
    const stored = compression === 'gzip' ? cut(deflateSync(Buffer.concat(pieces))) : pieces;
    return Buffer.concat([
      ...stored
        .filter((piece) => piece.length > 0)
        .flatMap((piece) => [encodedInt(piece.length, intSize), piece]),
      encodedInt(0, intSize),
    ]);
  };
  const type = entry.objects === undefined ? 1 : 3;
  return Buffer.concat([
    Buffer.from([type]),
    encodedInt(entry.id, intSize),
    ...(entry.objects === undefined
      ? [chunks(entry.data ?? [])]
      : [
          ...entry.objects.flatMap(({ oid, data }) => [encodedInt(oid | 0, intSize), chunks(data)]),
          encodedInt(0, intSize),
        ]),
  ]);
}

function cut(bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 50) pieces.push(bytes.subarray(at, at + 50));
  return pieces;
}

function encodedInt(value: number, intSize: number): Buffer {
  const bytes = Buffer.alloc(1 + intSize);
  bytes[0] = value < 0 ? 1 : 0;
  bytes.writeUIntLE(Math.abs(value), 1, Math.min(intSize, 6));
  return bytes;
}
