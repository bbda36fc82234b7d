import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { script } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { PrivateFileWriter } from '../../state/private-files.js';
import type { HostFacts } from '../facts.js';
import type { Layout } from '../layout.js';
import { readPaths } from '../remote-files.js';
import type { TargetKind } from './target.js';

const formerFileSchema = z.object({
  path: z.string().min(1),
  /** How it was, and under which name its content is kept; absent when nothing stood there. */
  was: z
    .object({
      uid: z.number().int(),
      gid: z.number().int(),
      mode: z.number().int(),
      sha256: z.string(),
      stored: z.string(),
    })
    .optional(),
});

/** What stood on a target before a restore touched it, beside the database: enough to take the restore back. */
export const formerStateSchema = z.object({
  files: z.array(formerFileSchema),
  /** Everything below `treeOf` the target, by path; undefined when it was too much to write down. */
  tree: z
    .array(
      z.object({ path: z.string(), uid: z.number().int(), gid: z.number().int(), mode: z.number().int() }),
    )
    .optional(),
  containers: z.array(z.string()),
  volumes: z.array(z.string()),
  networks: z.array(z.string()),
});

export type FormerFile = z.infer<typeof formerFileSchema>;
export type FormerState = z.infer<typeof formerStateSchema>;

/** Where the contents of files are kept. */
export type FileKeeper = (name: string) => PrivateFileWriter;

const TREE_LIMIT = 20_000;

/** Keeps the files at `paths` and writes down what stands below the folder `tree`. Changes nothing on the host. */
export async function keepFormerState(
  connection: Connection,
  facts: HostFacts,
  { paths, tree: folder }: { readonly paths: readonly string[]; readonly tree: string },
  keep: FileKeeper,
  signal: AbortSignal,
): Promise<FormerState> {
  const files = new Map<string, FormerFile>(paths.map((path) => [path, { path }]));
  let count = 0;
  await readPaths(
    connection,
    paths,
    async ({ origin: { path, uid, gid, mode } }, content) => {
      const stored = `files/${count++}`;
      const writer = keep(stored);
      await pipeline(content, writer, { signal });
      files.set(path, { path, was: { uid, gid, mode, stored, sha256: writer.result().sha256 } });
    },
    signal,
  );
  const docker = await readDocker(connection, facts, signal);
  const tree = await readTree(connection, folder, signal);
  return {
    files: [...files.values()],
    ...(tree !== undefined && { tree }),
    containers: facts.containers.map(({ name }) => name),
    ...docker,
  };
}

/** What of Coolify's folder a restore may fill: all of it on a bare host, elsewhere what the installer leaves beside `.env`. */
export function treeOf({ data }: Pick<Layout, 'data'>, kind: TargetKind): string {
  return kind === 'bare' ? data : `${data}/source`;
}

/** Files of Coolify's folder that its installer writes, beside `.env`. */
export function installerFiles({ data }: Layout): string[] {
  return [
    'docker-compose.yml',
    'docker-compose.prod.yml',
    'docker-compose.custom.yml',
    'docker-compose.postgres-upgrade.yml',
    '.env.production',
    'upgrade.sh',
  ].map((name) => `${data}/source/${name}`);
}

/** What stands below a folder, it included; nothing where there is none, undefined where it is too much. */
export async function readTree(
  connection: Connection,
  folder: string,
  signal: AbortSignal,
): Promise<FormerState['tree']> {
  const { stdout } = await connection.run(script(TREE, folder, String(TREE_LIMIT)), { signal });
  const lines = stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '');
  if (lines.length > TREE_LIMIT) return undefined;
  return lines.flatMap((line) => {
    const [, uid, gid, mode, path] = /^(\d+) (\d+) ([0-7]+) (.+)$/.exec(line) ?? [];
    if (path === undefined || mode === undefined) return [];
    return [{ path, uid: Number(uid), gid: Number(gid), mode: Number.parseInt(mode, 8) }];
  });
}

/** Names of all volumes and networks of the engine. */
export async function readDocker(
  connection: Connection,
  { docker }: HostFacts,
  signal: AbortSignal,
): Promise<Pick<FormerState, 'volumes' | 'networks'>> {
  if (docker === undefined) return { volumes: [], networks: [] };
  const { stdout } = await connection.run(script(DOCKER), { signal });
  const lines = stdout.toString('utf8').split('\n');
  const named = (kind: string): string[] =>
    lines.filter((line) => line.startsWith(`${kind}\t`)).map((line) => line.slice(kind.length + 1));
  return { volumes: named('volume'), networks: named('network') };
}

const TREE = `
[ -d "$1" ] || exit 0
find "$1" -xdev -exec stat -c '%u %g %a %n' -- {} + | head -n "$(($2 + 1))"
`;

const DOCKER = `
docker volume ls --format 'volume\t{{.Name}}'
docker network ls --format 'network\t{{.Name}}'
`;
