import { readFile } from 'node:fs/promises';
import { StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import type { Inspection, TaskReporter } from '../../engine/task.js';
import { script } from '../../ssh/command.js';
import type { Connection, RunResult } from '../../ssh/connection.js';
import { type HostKey, hostKeyOf } from '../../ssh/host-key.js';
import { contentOf, readPaths } from '../remote-files.js';
import { differingFiles, type PlacedFile, placeFiles } from './files.js';
import { begin, isBegun } from './notes.js';
import type { Target } from './target.js';

const ARTIFACT = 'host-keys';

export async function inspectHostKeys(target: Target, reporter: TaskReporter): Promise<Inspection> {
  const differing = await differingFiles(target, ARTIFACT, reporter.signal);
  if (differing.length === 0 && isBegun(target, 'host-keys'))
    return { summary: 'have sshd read its host keys, which an earlier run put in place' };
  if (differing.length === 0) return { unchanged: "equals the snapshot's" };
  return {
    summary: `put ${differing.length} host and identity keys in place and reload sshd`,
    diff: differing.map(({ origin }) => `write ${origin.path}`),
  };
}

/**
 * Lays the keys down, has sshd check them (`sshd -t`), and only then tells it to reload; sessions that are open
 * stay open. Keys that sshd refuses are taken back at once.
 */
export async function applyHostKeys(target: Target, reporter: TaskReporter): Promise<undefined> {
  const differing = await differingFiles(target, ARTIFACT, reporter.signal);
  const { systemSsh } = target.layout;
  if (differing.some(({ origin }) => origin.path.startsWith(`${systemSsh}/ssh_host_`)))
    await begin(target, 'host-keys');
  const before = await snapshotOf(target, differing, reporter.signal);
  await placeFiles(target, differing);
  const check = await checkSshd(target.connection, reporter.signal);
  if (check.code !== 0) {
    await putBack(target, differing, before);
    throw new StateError({
      kind: 'failed',
      code: 'host-keys.refused',
      what: 'sshd does not accept the host keys of the snapshot',
      why: lastLines(check.stderr, 3) || `"sshd -t" ended with status ${check.code}`,
      next: 'the former keys are back in place; everything else is restored',
    });
  }
  if (isBegun(target, 'host-keys')) {
    await reloadSshd(target.connection, reporter.signal);
    target.hostKeysChanged = true;
  }
}

/** Public host keys of the snapshot: one of them has to be presented after the restore. */
export async function restoredHostKeys(target: Target): Promise<HostKey[]> {
  const files = target
    .files(ARTIFACT)
    .filter(({ origin }) => origin !== undefined && /\/ssh_host_[^/]*_key\.pub$/.test(origin.path))
    .filter(({ origin }) => origin?.path.startsWith(`${target.layout.systemSsh}/`));
  const lines = await Promise.all(files.map(({ path }) => readFile(target.localPath(path), 'utf8')));
  return lines.flatMap((line) => {
    const key = hostKeyOf(Buffer.from(line.trim().split(/\s+/)[1] ?? '', 'base64'));
    return key === undefined ? [] : [key];
  });
}

/** Whether sshd could start with its keys and settings as they are. */
export function checkSshd(connection: Connection, signal: AbortSignal): Promise<RunResult> {
  return connection.run(script(CHECK_SSHD), { signal, check: false });
}

/** Has sshd read its keys anew. Open sessions stay open. */
export async function reloadSshd(connection: Connection, signal: AbortSignal): Promise<void> {
  await connection.run(script(RELOAD_SSHD), { signal });
}

const CHECK_SSHD = `PATH=$PATH:/usr/sbin:/sbin; exec "$(command -v sshd)" -t`;

const RELOAD_SSHD = `
if [ -d /run/systemd/system ]; then
  systemctl reload ssh 2>/dev/null || systemctl reload sshd
elif [ -f /run/sshd.pid ]; then
  kill -HUP "$(cat /run/sshd.pid)"
else
  echo 'neither systemd nor /run/sshd.pid is here to reload sshd' >&2; exit 1
fi
`;

async function snapshotOf(
  target: Target,
  files: readonly PlacedFile[],
  signal: AbortSignal,
): Promise<Map<string, Buffer>> {
  const contents = new Map<string, Buffer>();
  await readPaths(
    target.connection,
    files.map(({ origin }) => origin.path),
    async ({ origin }, content) => {
      contents.set(origin.path, await contentOf(content, 256 * 1024, origin.path));
    },
    signal,
  );
  return contents;
}

async function putBack(
  target: Target,
  files: readonly PlacedFile[],
  before: Map<string, Buffer>,
): Promise<void> {
  for (const { origin } of files) {
    const content = before.get(origin.path);
    if (content === undefined) await target.connection.files.remove(origin.path);
    else
      await target.connection.files.write(origin.path, content, {
        mode: origin.mode,
        uid: origin.uid,
        gid: origin.gid,
      });
  }
}
