import { createHash } from 'node:crypto';

/** The rows of a table as pg_restore prints them. */
export interface RestoredTable {
  /** Name and schema of the comment before them. */
  readonly title: string;
  readonly statement: string;
  readonly rows: number;
  readonly bytes: number;
  readonly sha256: string;
}

/** The COPY blocks in the SQL of `pg_restore -f -`, in order. */
export function restoredTables(sql: Buffer): RestoredTable[] {
  const tables: RestoredTable[] = [];
  let title = '';
  let current: { statement: string; start: number; rows: number } | undefined;
  for (let start = 0; start < sql.length; ) {
    const end = sql.indexOf('\n', start);
    const line = sql.subarray(start, end);
    if (current === undefined) {
      const text = line.toString();
      title = /^-- Data for Name: (.*); Owner: /.exec(text)?.[1] ?? title;
      if (/^COPY .* FROM stdin;$/.test(text)) current = { statement: text, start: end + 1, rows: 0 };
    } else if (line.toString('latin1') === '\\.') {
      const rows = sql.subarray(current.start, start);
      tables.push({
        title,
        statement: current.statement,
        rows: current.rows,
        bytes: rows.length,
        sha256: createHash('sha256').update(rows).digest('hex'),
      });
      current = undefined;
    } else {
      current.rows++;
    }
    start = end + 1;
  }
  return tables;
}

/** The entries of `pg_restore -l`: `217 TABLE public users owner`, without the numbers of the catalogue. */
export function listedEntries(list: Buffer): string[] {
  return list
    .toString()
    .split('\n')
    .flatMap((line) => {
      const [, id, rest] = /^(\d+); \d+ \d+ (.*)$/.exec(line) ?? [];
      return id === undefined ? [] : [`${id} ${rest}`];
    });
}
