import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** What a run did to files, as `fs-recorder.mjs` wrote it down. */

/** One call, which may be several changes: its number in the run, and a name that it has in every run. */
const step = z.object({ number: z.number(), name: z.string() });
const changeSchema = z.discriminatedUnion('op', [
  z.object({ step, op: z.literal('mkdir'), path: z.string() }),
  z.object({ step, op: z.literal('create'), path: z.string(), id: z.number() }),
  z.object({ step, op: z.literal('write'), id: z.number(), bytes: z.number() }),
  z.object({ step, op: z.literal('sync'), id: z.number() }),
  // What is synced for certain are the changes that were made before the sync began: so many.
  z.object({ step, op: z.literal('sync-folder'), path: z.string(), before: z.number() }),
  z.object({ step, op: z.literal('rename'), from: z.string(), to: z.string() }),
  z.object({ step, op: z.literal('link'), from: z.string(), to: z.string() }),
  z.object({ step, op: z.literal('remove'), path: z.string() }),
]);
export type Change = z.infer<typeof changeSchema>;
/** Those that change which names there are. */
export type ChangeOfNames = Extract<Change, { op: 'mkdir' | 'create' | 'rename' | 'link' | 'remove' }>;

export async function readChanges(log: string): Promise<Change[]> {
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n');
  return lines.map((line) => changeSchema.parse(JSON.parse(line)));
}

/** For titles: the kind of a change and the last name in it, without what is random. */
export function shownChange(change: Change | undefined): string {
  if (change === undefined) return 'nothing';
  if (change.op === 'write' || change.op === 'sync') return change.op;
  const path = 'path' in change ? change.path : change.to;
  const name = (path.split('/').at(-1) ?? '').replaceAll(/[0-9a-f]{12,}|[0-9a-f]{8}-[0-9a-f-]+/g, '*');
  return `${change.op} ${name}`;
}
