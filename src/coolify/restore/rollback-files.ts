import { readFile } from 'node:fs/promises';
import { script } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import { type HostKey, hostKeyOf } from '../../ssh/host-key.js';
import type { Layout } from '../layout.js';
import { statesOf } from '../remote-files.js';
import { type FormerFile, type FormerState, readTree } from './former-state.js';

/** Where the content of a former file is kept on this machine. */
export type KeptPath = (stored: string) => string;

/** Whether a file belongs to the host's identity, which goes back last. */
export function isHostKey({ systemSsh }: Pick<Layout, 'systemSsh'>, path: string): boolean {
  return path.startsWith(`${systemSsh}/ssh_host_`);
}

/** Files that are not as they were, those that were not there among them. */
export async function changedFiles(
  connection: Connection,
  files: readonly FormerFile[],
  signal: AbortSignal,
): Promise<FormerFile[]> {
  const present = await statesOf(
    connection,
    files.map(({ path }) => path),
    signal,
  );
  return files.filter(({ path, was }) => {
    const now = present.get(path);
    if (was === undefined || now === undefined) return was !== undefined || now !== undefined;
    return now.sha256 !== was.sha256 || now.uid !== was.uid || now.gid !== was.gid || now.mode !== was.mode;
  });
}

/** Puts files back as they were; what was not there is removed. */
export async function putBackFiles(
  connection: Connection,
  files: readonly FormerFile[],
  kept: KeptPath,
  signal: AbortSignal,
): Promise<void> {
  for (const { path, was } of files) {
    if (was === undefined) {
      await connection.files.remove(path, { signal });
      continue;
    }
    const { mode, uid, gid } = was;
    await connection.files.write(path, await readFile(kept(was.stored)), { mode, uid, gid, signal });
  }
}

/** What differs in the tree below a folder: what was not there, and whose owner or mode is another. */
export interface TreeChanges {
  readonly surplus: readonly string[];
  readonly altered: readonly {
    readonly path: string;
    readonly uid: number;
    readonly gid: number;
    readonly mode: number;
  }[];
}

/** Compares what stands below `scope` with what stood there; undefined when it was not written down. */
export async function treeChanges(
  connection: Connection,
  former: FormerState,
  scope: string,
  signal: AbortSignal,
): Promise<TreeChanges | undefined> {
  const { tree } = former;
  if (tree === undefined) return undefined;
  const now = await readTree(connection, scope, signal);
  if (now === undefined) return undefined;
  const before = new Map(tree.map((entry) => [entry.path, entry]));
  const surplus = now.filter(({ path }) => !before.has(path)).map(({ path }) => path);
  const altered = now.flatMap(({ path, uid, gid, mode }) => {
    const was = before.get(path);
    return was !== undefined && (was.uid !== uid || was.gid !== gid || was.mode !== mode) ? [was] : [];
  });
  return { surplus: topmost(surplus), altered };
}

export async function applyTreeChanges(
  connection: Connection,
  { surplus, altered }: TreeChanges,
  signal: AbortSignal,
): Promise<void> {
  const lines = [
    ...surplus.map((path) => `- ${path}`),
    ...altered.map(({ path, uid, gid, mode }) => `${uid}:${gid} ${mode.toString(8)} ${path}`),
  ];
  await connection.run(script(SET_TREE), { input: `${lines.join('\n')}\n`, signal });
}

/** The public host keys among former files. */
export async function formerHostKeys(
  layout: Pick<Layout, 'systemSsh'>,
  files: readonly FormerFile[],
  kept: KeptPath,
): Promise<HostKey[]> {
  const keys: HostKey[] = [];
  for (const { path, was } of files) {
    if (was === undefined || !isHostKey(layout, path) || !path.endsWith('_key.pub')) continue;
    const line = await readFile(kept(was.stored), 'utf8');
    const key = hostKeyOf(Buffer.from(line.trim().split(/\s+/)[1] ?? '', 'base64'));
    if (key !== undefined) keys.push(key);
  }
  return keys;
}

/** With a folder goes all that is in it. */
function topmost(paths: readonly string[]): string[] {
  const all = new Set(paths);
  return paths.filter((path) => {
    for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1))
      if (all.has(path.slice(0, cut))) return false;
    return true;
  });
}

const SET_TREE = `
while IFS= read -r line; do
  case $line in
    '') ;;
    '- '*) rm -rf -- "\${line#- }" ;;
    *)
      owner=\${line%% *}; line=\${line#* }
      mode=\${line%% *}; path=\${line#* }
      chown -h -- "$owner" "$path"
      [ -L "$path" ] || chmod -- "$mode" "$path"
      ;;
  esac
done
`;
