import { createHash } from 'node:crypto';

/** A table whose data stands in a dump. */
export interface DumpTable {
  readonly schema: string;
  readonly name: string;
  readonly columns: readonly string[];
}

/** One row of a table, looked at on demand. Only good while it is being told of. */
export interface RowView {
  /** The value of a column, its escapes undone; null for NULL and for columns that are not there. */
  field(column: number): string | null;
}

export interface RowListener {
  readonly onRow?: ((table: DumpTable, row: RowView) => void) | undefined;
  readonly wantsRows?: ((table: DumpTable) => boolean) | undefined;
  /** Told of every field that begins with `payloadPrefix`, of any table. */
  readonly onMatch?: ((table: DumpTable, column: string, value: string) => void) | undefined;
  readonly payloadPrefix?: Buffer | undefined;
}

const BLOCK_BYTES = 256 * 1024;
/** A row is held whole up to here; a longer one is still counted and hashed, but its fields cannot be looked at. */
const HELD_ROW_BYTES = 32 * 1024 * 1024;
const NEWLINE = 10;
const TAB = 9;
const TERMINATOR = Buffer.from('\\.\n');

/**
 * The COPY lines of one table as they stream past: counted, hashed in order, searched. Pieces are gathered into
 * blocks of whole lines, because a dump without compression comes row by row.
 */
export class CopyLines {
  readonly #table: DumpTable;
  readonly #listener: RowListener;
  readonly #wanted: boolean;
  readonly #hash = createHash('sha256');
  #block = Buffer.allocUnsafe(BLOCK_BYTES);
  #filled = 0;
  #inLongRow = false;
  #terminated = false;
  rows = 0;
  bytes = 0;

  constructor(table: DumpTable, listener: RowListener) {
    this.#table = table;
    this.#listener = listener;
    this.#wanted = listener.onRow !== undefined && (listener.wantsRows?.(table) ?? true);
  }

  push(piece: Buffer): void {
    let offset = 0;
    while (offset < piece.length) {
      if (this.#filled === this.#block.length) this.#makeRoom();
      const count = Math.min(piece.length - offset, this.#block.length - this.#filled);
      piece.copy(this.#block, this.#filled, offset, offset + count);
      this.#filled += count;
      offset += count;
    }
  }

  /** @returns what is wrong with the lines, or undefined, and their hash (hex) */
  end(): { readonly fault: string | undefined; readonly sha256: string } {
    this.#drain();
    const fault = !this.#terminated
      ? 'its rows have no end mark'
      : this.#filled > 0 && this.#block.subarray(0, this.#filled).some((byte) => byte !== NEWLINE)
        ? 'something follows the end mark of its rows'
        : this.#fault;
    return { fault, sha256: this.#hash.digest('hex') };
  }

  #fault: string | undefined;

  #makeRoom(): void {
    this.#drain();
    if (this.#filled < this.#block.length) return;
    if (this.#block.length < HELD_ROW_BYTES) {
      const larger = Buffer.allocUnsafe(this.#block.length * 2);
      this.#block.copy(larger);
      this.#block = larger;
      return;
    }
    // Too long to be held: all but its end, which could be a line's, is counted and let go.
    this.#consume(this.#block.subarray(0, this.#filled));
    this.#filled = 0;
    this.#inLongRow = true;
  }

  /** Takes the whole lines out of the block; what is left is the beginning of a line. */
  #drain(): void {
    const end = this.#block.subarray(0, this.#filled).lastIndexOf(NEWLINE) + 1;
    if (end === 0) return;
    let lines = this.#block.subarray(0, end);
    if (this.#terminated) lines = lines.subarray(0, 0);
    const mark = this.#terminatorIn(lines);
    if (mark !== -1) {
      this.#terminated = true;
      const rest = lines.subarray(mark + TERMINATOR.length);
      if (rest.some((byte) => byte !== NEWLINE)) this.#fault ??= 'something follows the end mark of its rows';
      lines = lines.subarray(0, mark);
    }
    if (lines.length > 0) this.#readLines(lines);
    this.#block.copyWithin(0, end, this.#filled);
    this.#filled -= end;
  }

  #terminatorIn(lines: Buffer): number {
    if (!this.#inLongRow && lines.subarray(0, 3).equals(TERMINATOR)) return 0;
    const at = lines.indexOf('\n\\.\n', 0, 'latin1');
    return at === -1 ? -1 : at + 1;
  }

  #readLines(lines: Buffer): void {
    this.#consume(lines);
    let searched = lines;
    if (this.#inLongRow) {
      searched = lines.subarray(lines.indexOf(NEWLINE) + 1);
      this.rows++;
      this.#inLongRow = false;
    }
    if (this.#wanted) this.#tellRows(searched);
    else
      for (let at = searched.indexOf(NEWLINE); at !== -1; at = searched.indexOf(NEWLINE, at + 1)) this.rows++;
    this.#search(searched);
  }

  #consume(bytes: Buffer): void {
    this.#hash.update(bytes);
    this.bytes += bytes.length;
  }

  #tellRows(lines: Buffer): void {
    let start = 0;
    for (let end = lines.indexOf(NEWLINE); end !== -1; end = lines.indexOf(NEWLINE, start)) {
      this.rows++;
      const fields = lines.subarray(start, end).toString('utf8').split('\t');
      const { columns } = this.#table;
      // A table without columns has empty lines.
      if (fields.length !== Math.max(1, columns.length)) {
        this.#fault ??= `row ${this.rows} has ${fields.length} fields instead of ${columns.length}`;
      }
      this.#listener.onRow?.(this.#table, { field: (column) => unescaped(fields[column]) });
      start = end + 1;
    }
  }

  #search(lines: Buffer): void {
    const { payloadPrefix, onMatch } = this.#listener;
    if (payloadPrefix === undefined || onMatch === undefined) return;
    for (let at = lines.indexOf(payloadPrefix); at !== -1; at = lines.indexOf(payloadPrefix, at + 1)) {
      const before = at === 0 ? NEWLINE : lines[at - 1];
      if (before !== NEWLINE && before !== TAB) continue;
      let end = at;
      while (end < lines.length && lines[end] !== TAB && lines[end] !== NEWLINE) end++;
      const lineStart = at === 0 ? 0 : lines.lastIndexOf(NEWLINE, at - 1) + 1;
      let column = 0;
      for (let tab = lines.indexOf(TAB, lineStart); tab !== -1 && tab < at; tab = lines.indexOf(TAB, tab + 1))
        column++;
      const value = unescaped(lines.subarray(at, end).toString('utf8'));
      onMatch(this.#table, this.#table.columns[column] ?? `column ${column + 1}`, value ?? '');
      at = end;
    }
  }
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v' };

/** Undoes COPY's escapes; null for `\N`. Source: PostgreSQL's documentation of COPY, text format. */
function unescaped(field: string | undefined): string | null {
  if (field === undefined || field === '\\N') return null;
  if (!field.includes('\\')) return field;
  return field.replace(/\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|([\s\S]))/g, (_all, octal, hex, other) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    if (hex !== undefined) return String.fromCharCode(Number.parseInt(hex, 16));
    return ESCAPES[other] ?? other;
  });
}

/** The columns of a `COPY schema.table (a, "b c") FROM stdin;`, quotes undone. */
export function copyColumns(statement: string): string[] {
  const start = statement.indexOf('(', statement.startsWith('COPY "') ? endOfName(statement) : 0);
  const end = statement.lastIndexOf(')');
  if (start === -1 || end < start) return [];
  const names = statement.slice(start + 1, end).match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? [];
  return names.map((name) => (name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name));
}

/** Where a quoted, possibly qualified name behind COPY ends: names may hold parentheses. */
function endOfName(statement: string): number {
  return (
    /^COPY (?:"(?:[^"]|"")*"|[^\s."]+)(?:\.(?:"(?:[^"]|"")*"|[^\s."]+))?/.exec(statement)?.[0].length ?? 0
  );
}
