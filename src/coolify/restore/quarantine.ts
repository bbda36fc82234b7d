import type { Inspection, Task, TaskReporter } from '../../engine/task.js';
import { command, script } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { Proof } from '../../state/manifest.js';
import { waitUntilHealthy } from '../containers.js';
import { desiredEnv, HOLDING_KEYS, heldStill, presentEnv } from '../env-merge.js';
import { containerOf, installedVersion } from '../facts.js';
import { inspectDatabase } from './database.js';
import { runInstaller } from './install.js';
import { finish, isBegun } from './notes.js';
import type { Target } from './target.js';
import { runInTurn } from './turn.js';

/**
 * A restored Coolify would at once go to work on the fleet: deploy, back up, clean up. Until it is proven to be what it should,
 * it runs with its queue and its scheduler off.
 */

/** Whether this run starts Coolify with something restored, so that it is to be held still. Once true it stays so. */
export async function mustHold(target: Target, reporter: TaskReporter): Promise<boolean> {
  if (target.exact) return false;
  if (isBegun(target, 'quarantine')) return true;
  if (target.held === true) return true;
  target.held =
    (target.wants('env') || target.wants('database')) &&
    (isBegun(target, 'containers') ||
      containerOf(target.facts, 'coolify') === undefined ||
      installedVersion(target.facts) !== target.version ||
      (target.wants('env') && (await settingsDiffer(target, reporter))) ||
      (target.wants('database') && 'summary' in (await inspectDatabase(target, reporter))));
  return target.held;
}

/** The step that lets Coolify work again, after all is proven. */
export const letGo: Pick<Task<Target>, 'name' | 'inspect' | 'apply'> = {
  name: "switch Coolify's queue and scheduler on",
  async inspect(target, reporter): Promise<Inspection> {
    const waits = isBegun(target, 'quarantine') || target.held === true;
    if (!waits && !(await isHeldAgainstSettings(target, reporter.signal)))
      return { unchanged: 'they are as the settings say' };
    return { summary: 'make the container coolify anew with queue and scheduler on, now that all is proven' };
  },
  async apply(target, reporter) {
    if (await isHeldAgainstSettings(target, reporter.signal)) await recreateCoolify(target, reporter);
    await waitUntilHealthy(target.connection, 'coolify', reporter.signal);
    await finish(target, 'quarantine');
    target.held = false;
    return undefined;
  },
};

/**
 * Makes the container `coolify` anew with what `.env` says, and nothing else: with docker compose as Coolify's own scripts do, or
 * else by the installer.
 */
export async function recreateCoolify(target: Target, reporter: TaskReporter): Promise<void> {
  const { connection, layout } = target;
  const { code } = await connection.run(command('docker', 'compose', 'version'), {
    signal: reporter.signal,
    check: false,
  });
  if (code !== 0) {
    await runInstaller(connection, layout, target.version, reporter);
    return;
  }
  await runInTurn(connection, layout, RECREATE, [`${layout.data}/source`, target.version], reporter.signal);
}

/** Whether the container coolify was made with queue and scheduler off. Undefined without such a container. */
export async function isHeld(connection: Connection, signal: AbortSignal): Promise<boolean | undefined> {
  const switches = await switchesOf(connection, signal);
  return switches && HOLDING_KEYS.every((key) => switches.get(key) === 'false');
}

/** The proof that queue and scheduler are as the settings say. */
export async function proveLetGo(target: Target, signal: AbortSignal): Promise<Proof> {
  const held = await isHeldAgainstSettings(target, signal);
  return {
    name: 'queue',
    ok: !held,
    detail: held
      ? 'Coolify still runs with its queue and scheduler off'
      : 'queue and scheduler are as the settings say; they were off until all else was proven',
  };
}

/** The proof that queue and scheduler are off, for an instance that is to stay still. */
export async function proveHeld(target: Target, signal: AbortSignal): Promise<Proof> {
  const held = (await isHeld(target.connection, signal)) === true;
  return {
    name: 'queue',
    ok: held,
    detail: held
      ? "Coolify's queue and scheduler are off, and stay off"
      : 'Coolify runs with its queue or its scheduler on',
  };
}

/** Whether the container was made with queue or scheduler off although the settings do not say so. */
export async function isHeldAgainstSettings(target: Target, signal: AbortSignal): Promise<boolean> {
  const switches = await switchesOf(target.connection, signal);
  if (switches === undefined) return false;
  const wanted = (await desiredEnv(target, await presentEnv(target, signal), signal)).env;
  return HOLDING_KEYS.some((key) => switches.get(key) === 'false' && wanted.get(key) !== 'false');
}

async function settingsDiffer(target: Target, reporter: TaskReporter): Promise<boolean> {
  const present = await presentEnv(target, reporter.signal);
  if (present === undefined) return true;
  const desired = await desiredEnv(target, present, reporter.signal);
  return heldStill(present.env).differences(heldStill(desired.env)).length > 0;
}

/** Makes all containers anew that `.env` has changed for, from the images that the host has, without the installer. */
export async function recreateContainers(target: Target, reporter: TaskReporter): Promise<void> {
  const { connection, layout, version } = target;
  await runInTurn(connection, layout, RECREATE_ALL, [`${layout.data}/source`, version], reporter.signal);
}

/** The two switches as the container has them; undefined without such a container. The rest of its environment is secret. */
async function switchesOf(
  connection: Connection,
  signal: AbortSignal,
): Promise<Map<string, string> | undefined> {
  const { code, stdout } = await connection.run(script(SWITCHES, 'coolify'), { signal, check: false });
  if (code !== 0) return undefined;
  const lines = stdout.toString('utf8').split('\n');
  return new Map(
    lines.map((line) => [line.slice(0, Math.max(0, line.indexOf('='))), line.slice(line.indexOf('=') + 1)]),
  );
}

const SWITCHES = `
environment=$(docker inspect --type container --format '{{range .Config.Env}}{{println .}}{{end}}' "$1" 2>/dev/null) || exit 1
printf '%s\\n' "$environment" | grep -E '^(HORIZON|SCHEDULER)_ENABLED=' || :
`;

const COMPOSE_FILES = `
set -e
cd "$1"
LATEST_IMAGE=$2; export LATEST_IMAGE
set -- -f docker-compose.yml -f docker-compose.prod.yml
for more in docker-compose.custom.yml docker-compose.postgres-upgrade.yml; do
  if [ -f "$more" ]; then set -- "$@" -f "$more"; fi
done
`;

const RECREATE = `${COMPOSE_FILES}
exec docker compose --env-file .env "$@" up -d --no-deps --force-recreate --pull never coolify
`;

/** Another registry that `.env` may name has the same image under another name. */
const RECREATE_ALL = `${COMPOSE_FILES}
docker compose --env-file .env "$@" config --images | sort -u | while read -r image; do
  if docker image inspect "$image" >/dev/null 2>&1; then continue; fi
  plain=$(printf '%s\\n' "$image" | sed -E 's,^[^/]*[.:][^/]*/,,')
  same=$(docker image ls --format '{{.Repository}}:{{.Tag}}' | grep -E "(^|/)$(printf '%s' "$plain" | sed 's/[.]/[.]/g')\\$" | head -n 1)
  [ -n "$same" ] || { echo "the image $image is not on this host" >&2; exit 1; }
  docker tag "$same" "$image"
done
docker compose --env-file .env "$@" up -d --force-recreate --remove-orphans --pull never
`;
