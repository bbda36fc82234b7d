const NAME = String.raw`(?:[^\s"(),.]+|"[^"]*(?:""[^"]*)*")`;
const OPENING = new RegExp(String.raw`^COPY ${NAME}(?:\.${NAME})* *`);
const COLUMN = new RegExp(String.raw`^(${NAME})(?:, (?!\))|(?=\)))`);

/**
 * The columns named by a COPY statement of pg_dump, in order:
 * `COPY public.users (id, "Full Name") FROM stdin;`. A table without columns has an empty list.
 * Undefined when the text is no such statement.
 */
export function copiedColumns(statement: string): string[] | undefined {
  const opening = OPENING.exec(statement);
  if (opening === null) return undefined;
  let rest = statement.slice(opening[0].length);
  const columns: string[] = [];
  if (rest.startsWith('(')) {
    rest = rest.slice(1);
    while (!rest.startsWith(')')) {
      const [whole, name] = COLUMN.exec(rest) ?? [];
      if (whole === undefined || name === undefined) return undefined;
      columns.push(name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name);
      rest = rest.slice(whole.length);
    }
    rest = rest.slice(1);
  }
  return /^ *FROM stdin;\s*$/.test(rest) ? columns : undefined;
}
