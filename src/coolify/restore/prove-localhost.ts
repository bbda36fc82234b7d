import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { lastLines } from '../../core/terminal-text.js';
import type { Proof } from '../../state/manifest.js';
import { DatabaseSession } from '../database/session.js';
import { liveAccess } from '../database/swap.js';
import { authorizedBlobs, type ManagedKey } from '../managed-keys.js';
import { AUTHORIZED_KEYS_PATH } from '../stored-paths.js';
import { sshFromCoolify } from './ssh-from-coolify.js';
import type { Target } from './target.js';

const serverSchema = z.tuple([z.string(), z.number().int(), z.string(), z.string(), z.string()]);

/**
 * Coolify reaches its own host: from its container, with its key file, as its row of the server says. Without that it can
 * manage nothing there. Nothing where the instance has no such server.
 */
export async function proveLocalhost(
  target: Target,
  keys: readonly ManagedKey[],
  signal: AbortSignal,
): Promise<Proof[]> {
  const { connection } = target;
  const line = await queryServer(target, signal);
  if (line === '') return [];
  const [address, port, user, uuid, keyId] = serverSchema.parse(JSON.parse(line));
  const key = keys.find(({ row }) => row.id === keyId);
  const admitted = authorizedBlobs(await readFile(target.localPath(AUTHORIZED_KEYS_PATH), 'utf8'));
  if (key !== undefined && !admitted.has(key.publicLine.split(' ')[1] ?? '')) {
    return [
      {
        name: 'localhost',
        ok: true,
        detail:
          "Coolify's key to its own host is not in the snapshot's authorized_keys: it could not get in before either",
      },
    ];
  }
  const { code, stderr } = await connection.run(
    sshFromCoolify({ address, port, user, keyUuid: uuid }, { connectTimeoutS: 10, remote: ['true'] }),
    { signal, check: false },
  );
  return [
    {
      name: 'localhost',
      ok: code === 0,
      detail:
        code === 0
          ? `Coolify reaches its own host as ${user}@${address}`
          : `Coolify does not reach its own host as ${user}@${address} (${lastLines(stderr, 1).slice(0, 160) || `status ${code}`})`,
    },
  ];
}

async function queryServer(target: Target, signal: AbortSignal): Promise<string> {
  await using session = await DatabaseSession.open(
    target.connection,
    await liveAccess(target, signal),
    signal,
  );
  return await session.value(
    `SELECT json_build_array(s.ip, s.port, s."user", k.uuid, k.id::text)
     FROM servers s JOIN private_keys k ON k.id = s.private_key_id
     WHERE s.id = 0 AND s.ip IN ('host.docker.internal', '127.0.0.1', 'localhost');`,
  );
}
