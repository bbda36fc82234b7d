import { script } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { HostFacts } from '../facts.js';
import { type FormerState, readDocker } from './former-state.js';

/** What a restore has brought to an engine that was bare before. */
export interface Brought {
  readonly containers: readonly string[];
  readonly volumes: readonly string[];
  readonly networks: readonly string[];
}

/**
 * Containers, volumes and the network of Coolify that were not there before. Only what bears its own names; what else runs on
 * the host is nobody's business here.
 */
export async function broughtByRestore(
  connection: Connection,
  facts: HostFacts,
  former: FormerState,
  signal: AbortSignal,
): Promise<Brought> {
  const now = await readDocker(connection, facts, signal);
  return {
    containers: facts.containers.map(({ name }) => name).filter((name) => !former.containers.includes(name)),
    volumes: now.volumes.filter((name) => /^coolify-(db|redis)/.test(name) && !former.volumes.includes(name)),
    networks: now.networks.filter((name) => name === 'coolify' && !former.networks.includes(name)),
  };
}

export async function removeBrought(
  connection: Connection,
  { containers, volumes, networks }: Brought,
  signal: AbortSignal,
): Promise<void> {
  const run = (text: string, names: readonly string[]): Promise<unknown> =>
    names.length === 0 ? Promise.resolve() : connection.run(script(text, ...names), { signal });
  await run('docker rm -f -v -- "$@" >/dev/null', containers);
  await run('docker volume rm -- "$@" >/dev/null', volumes);
  await run('docker network rm -- "$@" >/dev/null', networks);
}
