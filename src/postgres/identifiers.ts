/** A name as SQL text: `"Mixed ""case"""`. Names with NUL do not exist in PostgreSQL. */
export function quoteIdentifier(name: string): string {
  refuseNul(name);
  return `"${name.replaceAll('"', '""')}"`;
}

/** A text as an SQL literal that means the same whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  refuseNul(text);
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

function refuseNul(text: string): void {
  if (text.includes('\0')) throw new RangeError('PostgreSQL knows no text with a NUL character');
}
