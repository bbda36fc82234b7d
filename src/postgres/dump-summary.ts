import type { DumpHeader } from './archive-header.js';
import type { CopyTally } from './copy-scanner.js';
import type { DumpSequence } from './sequence-statement.js';
import type { DumpEntry } from './table-of-contents.js';

/** A table whose rows the dump holds. Names are as in the catalogue, unquoted. */
export interface DumpTable {
  readonly schema: string;
  readonly name: string;
  /** The dumped columns in the order of the fields; generated columns are not among them. */
  readonly columns: readonly string[];
}

/** A table, and what was counted in it. */
export interface DumpedTable extends DumpTable, CopyTally {}

export interface DumpedLargeObjects {
  readonly count: number;
  /** Length of all contents together. */
  readonly bytes: number;
  /** SHA-256, in hexadecimal, over each object's number and length (as `oid:bytes;`) after its contents. */
  readonly sha256: string;
}

/** A dump that was read to its last byte. */
export interface DumpSummary {
  readonly header: DumpHeader;
  /** The client encoding of the dump: `UTF8`. Empty when the dump does not say (`--section`). */
  readonly encoding: string;
  /** Tables in the order of their data. */
  readonly tables: readonly DumpedTable[];
  readonly sequences: readonly DumpSequence[];
  readonly largeObjects: DumpedLargeObjects;
  /** The table of contents, in its order. */
  readonly entries: readonly DumpEntry[];
  /** Length of the dump. */
  readonly bytes: number;
}
