import { z } from 'zod';
import type { Connection } from '../ssh/connection.js';
import type { Layout } from './layout.js';

/**
 * What a restore writes down on the target before it changes anything, and removes when all is proven: a run that
 * broke off is recognised by it and completed, and the admin's own lines of authorized_keys are known although the
 * installer has meanwhile deleted some.
 */
const notesSchema = z.object({
  snapshot: z.string(),
  kind: z.enum(['bare', 'installed']),
  startedAt: z.string(),
  /** The safety generation that was taken of what stood here. */
  safety: z.string().optional(),
  /** authorized_keys as it was before the installer ran. */
  authorizedKeys: z.string(),
});

export type RestoreNotes = z.infer<typeof notesSchema>;

const LIMIT = 8 * 1024 * 1024;

export async function readNotes(connection: Connection, layout: Layout): Promise<RestoreNotes | undefined> {
  const path = notesPath(layout);
  if ((await connection.files.stat(path)) === undefined) return undefined;
  const text = (await connection.files.read(path, { limitBytes: LIMIT })).toString('utf8');
  try {
    return notesSchema.parse(JSON.parse(text));
  } catch {
    return undefined; // notes that cannot be read are no better than none: the restore starts from the beginning
  }
}

export async function writeNotes(connection: Connection, layout: Layout, notes: RestoreNotes): Promise<void> {
  await connection.files.mkdir(layout.restoreNotes, { mode: 0o700, uid: 0, gid: 0 });
  await connection.files.write(notesPath(layout), Buffer.from(JSON.stringify(notes)), {
    mode: 0o600,
    uid: 0,
    gid: 0,
  });
}

export async function removeNotes(connection: Connection, layout: Layout): Promise<void> {
  await connection.files.remove(layout.restoreNotes, { recursive: true });
}

function notesPath(layout: Layout): string {
  return `${layout.restoreNotes}/notes.json`;
}
