import { z } from 'zod';
import { script } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { Layout } from '../layout.js';

/**
 * What is not done until something was started anew with it, which nobody sees by looking at files alone: `containers`
 * run with the settings and in the version that `.env` says, `host-keys` are those that sshd presents, `quarantine` holds
 * Coolify's queue and scheduler still until all is proven.
 */
const beginningSchema = z.enum(['containers', 'host-keys', 'quarantine']);
export type Beginning = z.infer<typeof beginningSchema>;

/**
 * What a restore writes down on the target before it changes anything, and removes when all is proven: a run that
 * broke off is recognised by it and completed, and the admin's own lines of authorized_keys are known although the
 * installer has meanwhile deleted some.
 */
const notesSchema = z.object({
  snapshot: z.string(),
  kind: z.enum(['bare', 'installed']),
  /** Version of Coolify that the target is to have. */
  version: z.string().optional(),
  startedAt: z.string(),
  /** The safety generation that was taken of what stood here. */
  safety: z.string().optional(),
  /** What the machine that began it keeps of this restore. */
  restore: z.string().optional(),
  /** The restore is being taken back: one that broke off, or one that was complete. */
  rollback: z.enum(['broken-off', 'complete']).optional(),
  /** authorized_keys as it was before the installer ran. */
  authorizedKeys: z.string(),
  /** Fingerprints of the keys with which the replaced instance reached its own host. */
  formerLocalKeys: z.array(z.string()).default([]),
  /** What was begun and is not known to be finished. */
  begun: z.array(beginningSchema).default([]),
  /** Artifacts that were to be put back by the runs so far; all where it is not said. */
  parts: z.array(z.string()).optional(),
  /** All is proven, and only mark and notes are to go: the database is replaced for good. */
  proven: z.boolean().optional(),
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

/** What a run knows of its notes. */
interface Noted {
  readonly connection: Connection;
  readonly layout: Layout;
  notes: RestoreNotes;
}

export function isBegun({ notes }: Noted, what: Beginning): boolean {
  return notes.begun.includes(what);
}

/** Written down before the first change, so that whoever goes on after a run that died finishes it. */
export async function begin(target: Noted, what: Beginning): Promise<void> {
  if (isBegun(target, what)) return;
  await update(target, [...target.notes.begun, what]);
}

/** Marks what will be begun without writing it: for whoever writes the notes next. */
export function withBegun(notes: RestoreNotes, what: Beginning): RestoreNotes {
  return notes.begun.includes(what) ? notes : { ...notes, begun: [...notes.begun, what] };
}

export async function finish(target: Noted, what: Beginning): Promise<void> {
  if (!isBegun(target, what)) return;
  await update(
    target,
    target.notes.begun.filter((other) => other !== what),
  );
}

async function update(target: Noted, begun: Beginning[]): Promise<void> {
  target.notes = { ...target.notes, begun };
  await writeNotes(target.connection, target.layout, target.notes);
}

/**
 * Removes the notes, and what runs that died may have left: staged keys, and files that were on their way into one of
 * the `folders`.
 */
export async function removeNotes(
  connection: Connection,
  layout: Layout,
  folders: readonly string[],
): Promise<void> {
  await connection.run(script(CLEAR_UP, stagedKeysFolder(layout)), { input: `${folders.join('\n')}\n` });
  await connection.files.remove(layout.restoreNotes, { recursive: true });
}

/** Where key files wait to be renamed into Coolify's folder beside it. */
export function stagedKeysFolder(layout: Layout): string {
  return `${layout.data}/ssh/.coolify-state-keys`;
}

const CLEAR_UP = `
rm -rf -- "$1"
while IFS= read -r folder; do
  if [ -d "$folder" ]; then
    find "$folder" -maxdepth 1 -type f -name '.*.coolify-state-????????????' -exec rm -f -- {} +
  fi
done
`;

function notesPath(layout: Layout): string {
  return `${layout.restoreNotes}/notes.json`;
}
