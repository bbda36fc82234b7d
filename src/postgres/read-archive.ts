import { printable } from '../core/terminal-text.js';
import { readHead } from './archive-header.js';
import { ByteCursor } from './byte-cursor.js';
import { CopyScanner } from './copy-scanner.js';
import { copiedColumns } from './copy-statement.js';
import type { FieldEncoding, RowView } from './copy-text.js';
import { type EntrySink, readBlocks } from './data-blocks.js';
import { dumpFailure } from './dump-failures.js';
import { DEFAULT_LIMITS, type DumpLimits } from './dump-limits.js';
import type { DumpedTable, DumpSummary, DumpTable } from './dump-summary.js';
import { LargeObjectTally } from './large-objects.js';
import { expectContentsAgain } from './repeated-contents.js';
import { type DumpSequence, sequenceOf } from './sequence-statement.js';
import { type ContentsEntry, type DumpEntry, readContents } from './table-of-contents.js';

/** What to look out for while a dump is read. A callback that throws ends the reading with what it threw. */
export interface DumpWishes {
  /** Which tables' rows `onRow` gets. Asked once a table, before its rows. */
  readonly wantsRows?: (table: DumpTable) => boolean;
  readonly onRow?: (table: DumpTable, row: RowView) => void;
  /** The beginning of the values that `onMatch` gets, from all columns of all tables, as COPY writes it. */
  readonly payloadPrefix?: Buffer;
  readonly onMatch?: (table: DumpTable, column: string, value: string) => void;
  readonly limits?: Partial<DumpLimits>;
}

/** Reads a dump from its first byte to its last. Throws the errors of `dumpFailure`. */
export async function readArchive(source: AsyncIterable<Buffer>, wishes: DumpWishes): Promise<DumpSummary> {
  const limits = { ...DEFAULT_LIMITS, ...wishes.limits };
  const cursor = new ByteCursor(source);
  const head = await readHead(cursor, limits);
  const contents = await readContents(head, limits);
  const encoding = encodingOf(contents);
  const sequences = contents.filter((entry) => entry.desc === 'SEQUENCE SET').map(sequenceFrom);
  const tables: DumpedTable[] = [];
  const largeObjects = new LargeObjectTally();
  const places = await readBlocks(cursor, head, contents, largeObjects, (entry) => {
    const table = tableOf(entry);
    const scanner = new CopyScanner(
      table.columns.length,
      fieldEncoding(encoding),
      limits.rowBytes,
      wishesFor(table, wishes),
      () => cursor.place(),
    );
    return sinkFor(scanner, (tally) => tables.push({ ...table, ...tally }));
  });
  if (await cursor.fill()) await expectContentsAgain(cursor, head, limits, contents, places);
  return {
    header: head.header,
    encoding,
    tables,
    sequences,
    largeObjects: largeObjects.total(),
    entries: contents.map(entryOf),
    bytes: cursor.position,
  };
}

function sinkFor(scanner: CopyScanner, done: (tally: ReturnType<CopyScanner['finish']>) => void): EntrySink {
  return {
    write: (source, from, to) => scanner.write(source, from, to),
    finish: () => done(scanner.finish()),
  };
}

function wishesFor(table: DumpTable, { wantsRows, onRow, payloadPrefix, onMatch }: DumpWishes) {
  const rows = onRow !== undefined && (wantsRows?.(table) ?? true);
  return {
    onRow: rows ? (row: RowView): void => onRow(table, row) : undefined,
    prefix: payloadPrefix,
    onMatch:
      onMatch === undefined || payloadPrefix === undefined
        ? undefined
        : (column: number, value: string): void => onMatch(table, table.columns[column] ?? '', value),
  };
}

function tableOf(entry: ContentsEntry): DumpTable {
  const title = `${entry.namespace}.${entry.tag}`;
  if (entry.copyStatement === undefined || entry.copyStatement === '') {
    throw dumpFailure('unsupported', 'its rows are INSERT statements or of an unknown kind', {
      table: title,
    });
  }
  const columns = copiedColumns(entry.copyStatement);
  if (columns === undefined) {
    throw dumpFailure('malformed', 'the statement that loads it is not a COPY statement of pg_dump', {
      table: title,
    });
  }
  return { schema: entry.namespace, name: entry.tag, columns };
}

function sequenceFrom(entry: ContentsEntry): DumpSequence {
  const sequence = sequenceOf(entry);
  if (sequence === undefined) {
    throw dumpFailure('malformed', `the state of the sequence ${printable(entry.tag)} is unreadable`);
  }
  return sequence;
}

/** `SET client_encoding = 'UTF8';` */
function encodingOf(contents: readonly ContentsEntry[]): string {
  const definition = contents.find((entry) => entry.desc === 'ENCODING')?.definition;
  if (definition === undefined) return '';
  const [, name] = /^SET client_encoding = '([A-Za-z0-9_-]+)';\s*$/.exec(definition) ?? [];
  if (name === undefined) throw dumpFailure('malformed', 'it names its encoding in no known way');
  return name;
}

function fieldEncoding(encoding: string): FieldEncoding {
  return encoding === 'UTF8' ? 'utf8' : 'latin1';
}

function entryOf({ id, tag, desc, owner, namespace, definitionSha256 }: ContentsEntry): DumpEntry {
  return { id, tag, desc, owner, namespace, definitionSha256 };
}
