import type { RestoreContext } from '../restore/context.js';
import type { RestoreRecord } from '../restore/record.js';

/** Where this machine keeps the content of a former file. */
export function keptOf(context: RestoreContext): (stored: string) => string {
  const { id } = recordIn(context);
  return (stored) => context.folders.path(id, stored);
}

/** The record that a rollback goes by; it was found before the first change. */
export function recordIn({ record }: RestoreContext): RestoreRecord {
  if (record === undefined) throw new Error('there is no record to go back by');
  return record;
}
