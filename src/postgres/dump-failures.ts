import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';

/** What can be wrong with a dump, as the last part of the error's code `dump.<fault>`. */
export type DumpFault =
  | 'not-a-dump'
  | 'truncated'
  | 'trailing-data'
  | 'malformed'
  | 'missing-data'
  | 'unsupported';

/** Where a fault was seen. */
export interface DumpPlace {
  /** Bytes of the dump before the place; inside compressed data, before the piece being inflated. */
  readonly byte?: number;
  /** Schema-qualified name of the table, as it came from the dump. */
  readonly table?: string;
  /** Number of the row in the table, from 1. */
  readonly row?: number;
}

const SENTENCES: Readonly<Record<DumpFault, string>> = {
  'not-a-dump': 'The file is not a database dump in the custom format of pg_dump',
  truncated: 'The database dump is cut off',
  'trailing-data': 'The database dump goes on after its end',
  malformed: 'The database dump is damaged',
  'missing-data': 'The database dump lacks data which its table of contents announces',
  unsupported: 'The database dump cannot be read',
};

const TAKE_ANOTHER = 'take another backup, or verify an older one';

const NEXT_STEPS: Readonly<Record<DumpFault, string>> = {
  'not-a-dump': 'make dumps with pg_dump --format=custom',
  truncated: TAKE_ANOTHER,
  'trailing-data': TAKE_ANOTHER,
  malformed: TAKE_ANOTHER,
  'missing-data': TAKE_ANOTHER,
  unsupported: 'make dumps with pg_dump --format=custom of PostgreSQL 12 to 18, with --compress=0 or gzip',
};

/** The error for a fault: kind `proof`, code `dump.<fault>`; names the place as exactly as it is known. */
export function dumpFailure(
  fault: DumpFault,
  why: string,
  place: DumpPlace = {},
  cause?: unknown,
): StateError {
  const where = [
    place.table === undefined ? undefined : `table ${printable(place.table)}`,
    place.row === undefined ? undefined : `row ${place.row}`,
    place.byte === undefined ? undefined : `byte ${place.byte} of the dump`,
  ].filter((part) => part !== undefined);
  return new StateError({
    kind: 'proof',
    code: `dump.${fault}`,
    what: SENTENCES[fault],
    why: where.length === 0 ? why : `${why} (${where.join(', ')})`,
    next: NEXT_STEPS[fault],
    ...(cause !== undefined && { cause }),
  });
}
