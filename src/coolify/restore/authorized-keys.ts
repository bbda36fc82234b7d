import { readFile } from 'node:fs/promises';
import { sshFingerprint } from '../../core/ssh-fingerprint.js';
import type { Inspection, TaskReporter } from '../../engine/task.js';
import { authorizedBlob, authorizedBlobs } from '../managed-keys.js';
import { contentOf, readPaths } from '../remote-files.js';
import { AUTHORIZED_KEYS_PATH } from '../stored-paths.js';
import type { Target } from './target.js';

export async function inspectAuthorizedKeys(target: Target, reporter: TaskReporter): Promise<Inspection> {
  const present = await presentFile(target, reporter.signal);
  const desired = await desiredText(target, present?.text ?? '');
  const origin = originOf(target);
  if (present?.text === desired && present.mode === origin.mode && present.uid === origin.uid) {
    return { unchanged: "holds the snapshot's lines" };
  }
  const before = authorizedBlobs(present?.text ?? '');
  const after = authorizedBlobs(desired);
  const added = [...after.keys()].filter((blob) => !before.has(blob)).length;
  const removed = [...before.keys()].filter((blob) => !after.has(blob)).length;
  return { summary: `merge authorized_keys (${added} keys added, ${removed} keys of the installer removed)` };
}

export async function applyAuthorizedKeys(target: Target, reporter: TaskReporter): Promise<undefined> {
  const present = await presentFile(target, reporter.signal);
  const content = Buffer.from(await desiredText(target, present?.text ?? ''));
  await target.connection.files.mkdir(target.layout.rootSsh, { mode: 0o700, uid: 0, gid: 0 });
  await target.connection.files.write(target.layout.authorizedKeys, content, originOf(target));
}

/**
 * The snapshot's file, then the lines that only the target has: the admin's own way in survives, with `before`, the file
 * as it was when the restore began, because the installer deletes lines. A line as the installer writes it goes where it
 * is for a localhost key that the snapshot has replaced: one that only the file of `now` has, or one of `formerLocalKeys`, the
 * fingerprints of the replaced instance's own.
 */
export function mergeAuthorizedKeys(
  snapshot: string,
  before: string,
  now: string,
  formerLocalKeys: readonly string[] = [],
): string {
  const known = new Set(authorizedBlobs(snapshot).keys());
  const own = new Set(authorizedBlobs(before).keys());
  const extra: string[] = [];
  for (const line of [...before.split('\n'), ...now.split('\n')]) {
    const blob = authorizedBlob(line);
    if (blob === undefined || known.has(blob)) continue;
    if (
      isInstallersLine(line, blob) &&
      (!own.has(blob) || formerLocalKeys.includes(sshFingerprint(Buffer.from(blob, 'base64'))))
    )
      continue;
    known.add(blob);
    extra.push(line);
  }
  if (extra.length === 0) return snapshot;
  const separator = snapshot === '' || snapshot.endsWith('\n') ? '' : '\n';
  return `${snapshot}${separator}${extra.join('\n')}\n`;
}

function isInstallersLine(line: string, blob: string): boolean {
  return line.trim() === `ssh-ed25519 ${blob} coolify`;
}

async function desiredText(target: Target, present: string): Promise<string> {
  const snapshot = await readFile(target.localPath(AUTHORIZED_KEYS_PATH), 'utf8');
  const { authorizedKeys, formerLocalKeys } = target.notes;
  return mergeAuthorizedKeys(snapshot, authorizedKeys, present, formerLocalKeys);
}

/** authorized_keys of the target as it is, empty when it has none. */
export async function presentAuthorizedKeys(
  target: Pick<Target, 'connection' | 'layout'>,
  signal: AbortSignal,
): Promise<string> {
  return (await presentFile(target, signal))?.text ?? '';
}

async function presentFile(
  { connection, layout }: Pick<Target, 'connection' | 'layout'>,
  signal: AbortSignal,
): Promise<{ text: string; mode: number; uid: number } | undefined> {
  let found: { text: string; mode: number; uid: number } | undefined;
  await readPaths(
    connection,
    [layout.authorizedKeys],
    async ({ origin }, content) => {
      const text = (await contentOf(content, 4 * 1024 * 1024, layout.authorizedKeys)).toString('utf8');
      found = { text, mode: origin.mode, uid: origin.uid };
    },
    signal,
  );
  return found;
}

function originOf(target: Target): { mode: number; uid: number; gid: number } {
  const { mode, uid, gid } = target.file(AUTHORIZED_KEYS_PATH)?.origin ?? { mode: 0o600, uid: 0, gid: 0 };
  return { mode, uid, gid };
}
