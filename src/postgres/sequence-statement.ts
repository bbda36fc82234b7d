import type { ContentsEntry } from './table-of-contents.js';

/** Where a sequence stands. */
export interface DumpSequence {
  readonly schema: string;
  readonly name: string;
  /** A 64-bit number in decimal. */
  readonly lastValue: string;
  /** True when `lastValue` was handed out; false when it is the next one to be. */
  readonly isCalled: boolean;
}

/**
 * Reads a `SEQUENCE SET` entry: `SELECT pg_catalog.setval('public.users_id_seq', 17, true);`
 * Undefined when its SQL is something else.
 */
export function sequenceOf(entry: ContentsEntry): DumpSequence | undefined {
  const call = /^SELECT pg_catalog\.setval\(E?'[^']*(?:''[^']*)*', (-?\d{1,19}), (true|false)\);\s*$/.exec(
    entry.definition,
  );
  const [, lastValue, isCalled] = call ?? [];
  if (lastValue === undefined) return undefined;
  return { schema: entry.namespace, name: entry.tag, lastValue, isCalled: isCalled === 'true' };
}
