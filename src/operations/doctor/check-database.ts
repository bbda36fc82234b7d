import { z } from 'zod';
import { type KeyRing, PAYLOAD_PREFIX } from '../../coolify/app-key.js';
import { databaseAccessOf } from '../../coolify/database/commands.js';
import { DatabaseSession } from '../../coolify/database/session.js';
import type { EnvFile } from '../../coolify/env-file.js';
import type { Layout } from '../../coolify/layout.js';
import { StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { command } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import { bad, type Finding, fine, skipped, warning } from '../hosts/finding.js';

// A few rows are enough to tell a wrong key: it opens none.
const SAMPLE = `SELECT json_build_object('bytes', pg_database_size(current_database()), 'version', current_setting('server_version'),
  'keys', (SELECT coalesce(json_agg(private_key), '[]') FROM (SELECT private_key FROM private_keys ORDER BY id LIMIT 20) AS few));`;

const sample = z.object({
  bytes: z.number().nonnegative(),
  version: z.string(),
  keys: z.array(z.string().nullable()),
});

/** Whether the database answers, whether APP_KEY opens what is in it, and whether there is room for a second one. */
export async function databaseFindings(
  connection: Connection,
  layout: Layout,
  { env, keys: ring }: { readonly env: EnvFile | undefined; readonly keys: KeyRing | undefined },
  signal: AbortSignal,
): Promise<Finding[]> {
  if (env === undefined) return [];
  await using session = await DatabaseSession.open(
    connection,
    databaseAccessOf(layout.databaseContainer, env),
    signal,
  );
  const { bytes, version, keys } = sample.parse(JSON.parse(await session.value(SAMPLE)));
  const reached = fine(
    'coolify.database',
    `PostgreSQL ${printable(version)} answers, ${Math.ceil(bytes / 1024 / 1024)} MiB`,
  );
  const room = await spaceFindings(connection, bytes, signal);
  return [
    reached,
    ring === undefined ? skipped('coolify.app-key', 'there is no APP_KEY to try') : opened(ring, keys),
    ...room,
  ];
}

function opened(ring: KeyRing, keys: readonly (string | null)[]): Finding {
  const sealed = keys.filter((key) => key?.startsWith(PAYLOAD_PREFIX) === true);
  const failing = sealed.filter((key) => !ring.open(key ?? '').ok).length;
  if (failing === 0) {
    return sealed.length === 0
      ? skipped('coolify.app-key', 'the database has no encrypted keys to try APP_KEY on')
      : fine('coolify.app-key', `APP_KEY opens the ${sealed.length} keys that were tried`);
  }
  return bad(
    'coolify.app-key',
    new StateError({
      kind: 'proof',
      code: 'coolify.app-key-wrong',
      what: `APP_KEY does not open ${failing} of the ${sealed.length} keys that were tried`,
      why: 'it is not the key that the database was written with, and a backup of it would be worthless',
      next: 'find the right one; older copies of .env stand beside it as .env-*',
    }),
  );
}

/** A restore puts a second database beside the first one, and a pull of images wants some more. */
const SPARE = 1024 * 1024 * 1024;

async function spaceFindings(
  connection: Connection,
  database: number,
  signal: AbortSignal,
): Promise<Finding[]> {
  const folder = await connection.run(command('docker', 'info', '--format', '{{.DockerRootDir}}'), {
    signal,
  });
  const { stdout } = await connection.run(command('df', '-Pk', folder.stdout.toString('utf8').trim()), {
    signal,
  });
  const free = freeBytes(stdout.toString('utf8'));
  if (free === undefined) return [skipped('host.space', 'df told nothing that could be understood')];
  const text = `${Math.floor(free / 1024 / 1024)} MiB are free where Docker keeps its data`;
  return [
    free >= 2 * database + SPARE
      ? fine('host.space', text)
      : warning(
          'host.space',
          `${text}; a restore wants ${Math.ceil((2 * database + SPARE) / 1024 / 1024)} MiB`,
          'remove what is not needed ("docker system df" tells what there is)',
        ),
  ];
}

/** The fourth column of the last line of `df -Pk`, in bytes. */
export function freeBytes(df: string): number | undefined {
  const fields = df.trim().split('\n').at(-1)?.trim().split(/\s+/) ?? [];
  const kibibytes = Number(fields[3]);
  return fields.length >= 6 && Number.isFinite(kibibytes) ? kibibytes * 1024 : undefined;
}
