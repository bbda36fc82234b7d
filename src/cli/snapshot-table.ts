import { printable } from '../core/terminal-text.js';
import type { SnapshotLine, SnapshotRetention } from '../operations/snapshots/list-snapshots.js';
import { shortFingerprint } from '../repository/retention/retention.js';
import { age, bytes, wholeSeconds } from './figures.js';
import { type Column, fittingTable } from './fitting-table.js';

const COLUMNS: readonly Column[] = [
  { title: 'HOST' },
  { title: 'ID' },
  { title: 'TAKEN', dispensable: 5 },
  { title: 'AGE', dispensable: 1 },
  { title: 'SIZE', dispensable: 4 },
  { title: 'COOLIFY', dispensable: 6 },
  { title: 'PROOFS' },
  { title: 'OPENED BY', dispensable: 7 },
  { title: 'KEPT', dispensable: 3 },
  { title: 'DRILLED', dispensable: 8 },
  { title: 'WHERE', dispensable: 0 },
];

/**
 * What there is, as a table. A snapshot that several repositories hold, and that is the same in all that is shown of it, is
 * one row with all its places.
 */
export function snapshotTable(
  lines: readonly SnapshotLine[],
  now: number,
  width: number | undefined,
): { readonly text: string; readonly leftOut: readonly string[] } {
  const rows = new Map<string, string[]>();
  for (const line of lines) {
    const cells = cellsOf(line, now);
    const key = line.kind === 'snapshot' ? cells.join('\0') : `${rows.size}`;
    const before = rows.get(key);
    const where = printable(line.where);
    rows.set(key, [...cells, before === undefined ? where : `${before.at(-1)}, ${where}`]);
  }
  return fittingTable(COLUMNS, [...rows.values()], width);
}

function cellsOf(line: SnapshotLine, now: number): string[] {
  const { host, id, createdAt, size, coolify = '', recipients, retention, drill } = line;
  return [
    printable(host),
    id,
    wholeSeconds(createdAt),
    age(now - Date.parse(createdAt)),
    size === undefined ? '?' : bytes(size),
    coolify,
    proofsOf(line),
    recipientsOf(recipients),
    retention === undefined ? '' : keptOf(retention),
    drill === undefined ? '-' : `${drill.at.slice(0, 10)} ${drill.passed ? 'passed' : 'FAILED'}`,
  ];
}

function proofsOf({ standing, problem }: SnapshotLine): string {
  switch (standing) {
    case 'good':
      return 'proven';
    case 'aside':
      return 'way back';
    case 'missing':
      return 'GONE';
    default:
      return printable(problem ?? 'NOT PROVEN');
  }
}

function recipientsOf([first, ...others]: readonly string[]): string {
  if (first === undefined) return '';
  return others.length === 0 ? shortFingerprint(first) : `${shortFingerprint(first)} +${others.length}`;
}

function keptOf({ keep, reasons, until }: SnapshotRetention): string {
  if (!keep) return 'no';
  if (until === 'always') return 'always';
  if (until !== undefined) return `until ${until.slice(0, 10)}`;
  return printable(reasons[0] ?? '');
}
