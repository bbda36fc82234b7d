import { setTimeout as sleep } from 'node:timers/promises';
import { StateError } from '../core/errors.js';
import { command } from '../ssh/command.js';
import type { Connection } from '../ssh/connection.js';
import { type DatabaseAccess, pgIsReady } from './database/commands.js';

const POLL_MS = 500;
const HEALTH_TIMEOUT_MS = 180_000;
const DATABASE_TIMEOUT_MS = 60_000;

/** `running`, `exited`, ...; undefined when there is no such container. */
export async function containerState(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  return await inspect(connection, name, '{{.State.Status}}', signal);
}

/** `healthy`, `starting`, `unhealthy`; `none` without a health check; undefined when there is no such container. */
export async function containerHealth(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  return await inspect(
    connection,
    name,
    '{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}',
    signal,
  );
}

export async function startContainer(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  await connection.run(command('docker', 'start', name), { signal });
}

/** Stops containers in order; each gets time to finish what it does. */
export async function stopContainers(
  connection: Connection,
  names: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  if (names.length > 0) await connection.run(command('docker', 'stop', '--time', '20', ...names), { signal });
}

/** @throws StateError `coolify.unhealthy` with the container's last log lines. */
export async function waitUntilHealthy(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + HEALTH_TIMEOUT_MS;
  let health: string | undefined;
  while (Date.now() < deadline) {
    health = await containerHealth(connection, name, signal);
    if (health === 'healthy' || health === 'none') return;
    await sleep(POLL_MS, undefined, { signal });
  }
  const logs = await connection.run(command('docker', 'logs', '--tail', '8', name), { signal, check: false });
  throw new StateError({
    kind: 'failed',
    code: 'coolify.unhealthy',
    what: `The container ${name} did not become healthy within ${HEALTH_TIMEOUT_MS / 1000} s`,
    why: health === undefined ? 'it does not exist' : `it is ${health}`,
    next: `look at "docker logs ${name}" on the host, then run the restore again: it goes on where it stopped`,
    detail: `${logs.stdout.toString('utf8')}${logs.stderr}`,
  });
}

/** @throws StateError `database.silent` */
export async function waitUntilDatabaseAnswers(
  connection: Connection,
  access: DatabaseAccess,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + DATABASE_TIMEOUT_MS;
  while (Date.now() < deadline) {
    if ((await connection.run(pgIsReady(access), { signal, check: false })).code === 0) return;
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new StateError({
    kind: 'failed',
    code: 'database.silent',
    what: `The database in ${access.container} did not answer within ${DATABASE_TIMEOUT_MS / 1000} s`,
    next: `look at "docker logs ${access.container}" on the host`,
  });
}

async function inspect(
  connection: Connection,
  name: string,
  format: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { code, stdout } = await connection.run(
    command('docker', 'inspect', '--type', 'container', '--format', format, name),
    { signal, check: false },
  );
  return code === 0 ? stdout.toString('utf8').trim() : undefined;
}
