import { StateError } from '../../core/errors.js';
import { command, script } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import { WRITERS } from '../layout.js';

/** Whether a Coolify works, or would again after a reboot. */
export type Liveliness = 'works' | 'would-start' | 'stopped' | 'none';

/** What the container `coolify` of a host does. Changes nothing. */
export async function livelinessOf(connection: Connection, signal: AbortSignal): Promise<Liveliness> {
  const { code, stdout } = await connection.run(
    command(
      ...(['docker', 'inspect', '--type', 'container', '--format'] as const),
      ...['{{.State.Running}} {{.State.Restarting}} {{.HostConfig.RestartPolicy.Name}}', 'coolify'],
    ),
    { signal, check: false },
  );
  if (code !== 0) return 'none';
  const [running, restarting, policy] = stdout.toString('utf8').trim().split(' ');
  if (running === 'true' || restarting === 'true') return 'works';
  return policy === 'no' ? 'stopped' : 'would-start';
}

/**
 * Stops everything of Coolify that writes and keeps it from starting by itself, also after a reboot; then looks whether that is
 * so. Database, proxy and the users' containers go on.
 * @throws StateError `restore.not-fenced`
 */
export async function fence(connection: Connection, signal: AbortSignal): Promise<string[]> {
  const { stdout } = await connection.run(script(FENCE, ...WRITERS), { signal });
  const liveliness = await livelinessOf(connection, signal);
  if (liveliness === 'stopped')
    return stdout
      .toString('utf8')
      .split('\n')
      .filter((name) => name !== '');
  throw new StateError({
    kind: 'failed',
    code: 'restore.not-fenced',
    what: 'The original Coolify could not be stopped',
    why: liveliness === 'works' ? 'its container still runs' : 'its container is not as it was left',
    next: `log in there, see "docker ps" and stop it by hand: ${FENCE_BY_HAND}`,
  });
}

/** The same by hand, and its undoing, for messages. */
export const FENCE_BY_HAND = `docker update --restart=no ${WRITERS.join(' ')}; docker stop ${WRITERS.join(' ')}`;
export const UNFENCE_BY_HAND = `docker update --restart=always ${WRITERS.join(' ')}; docker start ${[...WRITERS].reverse().join(' ')}`;

/** Which machine this is, among those that share a kernel too. */
export async function machineOf(connection: Connection, signal: AbortSignal): Promise<string> {
  const { stdout } = await connection.run(script(MACHINE), { signal });
  return stdout.toString('utf8').trim();
}

const FENCE = `
set -e
for name do
  docker inspect --type container "$name" >/dev/null 2>&1 || continue
  # First the policy: a reboot in between must not bring it back.
  docker update --restart=no "$name" >/dev/null
  docker stop --time 20 "$name"
done
`;

const MACHINE = `
cat /proc/sys/kernel/random/boot_id
readlink /proc/1/ns/pid 2>/dev/null || readlink /proc/self/ns/pid
`;
