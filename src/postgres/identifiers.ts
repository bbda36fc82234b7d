import { StateError } from '../core/errors.js';

/**
 * A name as SQL text, always in double quotes: `users` -> `"users"`. PostgreSQL cuts names after 63 bytes; that is
 * left to it. A NUL cannot stand in SQL: StateError `sql.nul`.
 */
export function quoteIdentifier(name: string): string {
  refuseNul(name);
  if (name === '') {
    throw new StateError({
      kind: 'failed',
      code: 'sql.empty-identifier',
      what: 'A name for SQL is empty',
      why: 'PostgreSQL has no empty names',
    });
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/**
 * A text as an SQL string constant, in whichever way `standard_conforming_strings` is set: with a backslash in it,
 * the escape form ` E'...'` is used, led by a blank so that it cannot join a word before it. StateError `sql.nul`.
 */
export function quoteLiteral(text: string): string {
  refuseNul(text);
  const quoted = text.replaceAll("'", "''");
  return quoted.includes('\\') ? ` E'${quoted.replaceAll('\\', '\\\\')}'` : `'${quoted}'`;
}

function refuseNul(text: string): void {
  if (!text.includes('\0')) return;
  throw new StateError({
    kind: 'failed',
    code: 'sql.nul',
    what: 'A text cannot be put into SQL',
    why: 'it holds a NUL character, which PostgreSQL cannot store',
  });
}
