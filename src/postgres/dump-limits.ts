/** What a reader holds in memory at most, so that a hostile dump cannot exhaust it. Sizes in bytes. */
export interface DumpLimits {
  /** Entries of the table of contents. */
  readonly entries: number;
  /** A name, kind, owner or sequence statement of the table of contents. */
  readonly nameBytes: number;
  /** The COPY statement of a table: every column's name stands in it. */
  readonly statementBytes: number;
  /** All that is kept of the table of contents. */
  readonly contentsBytes: number;
  /**
   * A row. Longer rows are counted, checked and hashed piece by piece, but not shown to `onRow` or searched for
   * `onMatch`; the table's summary says how many.
   */
  readonly rowBytes: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

/** PostgreSQL itself allows 1,600 columns of 63-byte names in a table; the rest leaves ample room. */
export const DEFAULT_LIMITS: DumpLimits = {
  entries: 2_000_000,
  nameBytes: 256 * KIB,
  statementBytes: MIB,
  contentsBytes: 256 * MIB,
  rowBytes: 32 * MIB,
};
