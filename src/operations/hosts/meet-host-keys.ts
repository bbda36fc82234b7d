import { setTimeout as sleep } from 'node:timers/promises';
import { StateError } from '../../core/errors.js';
import type { Connection } from '../../ssh/connection.js';
import type { HostKey } from '../../ssh/host-key.js';
import { replaceHostKeys } from '../../ssh/known-hosts-file.js';
import type { RestoreContext } from '../restore/context.js';
import type { HostConfig } from './host-config.js';

/**
 * Connects anew after sshd was told to reload; the host must present one of `keys`. known_hosts then knows them, and them
 * alone, for its address.
 * @throws StateError `restore.host-keys` (kind `proof`) when it presents another key
 */
export async function meetHostKeys(
  context: RestoreContext,
  config: HostConfig,
  keys: readonly HostKey[],
  signal: AbortSignal,
): Promise<HostKey> {
  const connection = await reconnect(context, config, keys, signal);
  if (context.target !== undefined) context.target.connection = connection;
  await rememberHostKeys(config, keys);
  return connection.hostKey;
}

/** Writes keys down as all that known_hosts knows of the host's address. */
export async function rememberHostKeys({ endpoint }: HostConfig, keys: readonly HostKey[]): Promise<void> {
  const { address, port, hostKeyAlias, knownHostsFiles } = endpoint;
  const [file] = knownHostsFiles;
  if (file === undefined) return;
  // An alias is looked up as it is, without a port.
  const place = hostKeyAlias === undefined ? { name: address, port } : { name: hostKeyAlias, port: 22 };
  await replaceHostKeys(file, place.name, place.port, keys.map(publicLine));
}

/** sshd that reloads closes its port for a moment; whoever comes then is refused, and tries again. */
async function reconnect(
  context: RestoreContext,
  config: HostConfig,
  keys: readonly HostKey[],
  signal: AbortSignal,
): Promise<Connection> {
  const endpoint = {
    ...config.endpoint,
    hostKeyChecking: 'strict' as const,
    pinnedFingerprints: keys.map(({ fingerprint }) => fingerprint),
    connectRetries: 0,
  };
  for (let attempt = 1; ; attempt++) {
    try {
      return await context.session.reconnect(signal, endpoint);
    } catch (error) {
      if (error instanceof StateError && error.code === 'ssh.host-key-not-pinned') throw otherKeys(error);
      if (attempt >= ATTEMPTS || !(error instanceof StateError) || !MOMENTARY.includes(error.code))
        throw error;
      await sleep(RELOAD_PAUSE_MS, undefined, { signal });
    }
  }
}

const ATTEMPTS = 20;
const RELOAD_PAUSE_MS = 250;
const MOMENTARY: readonly string[] = ['ssh.refused', 'ssh.closed-early', 'ssh.connection-lost'];

function otherKeys(error: StateError): StateError {
  return new StateError({
    kind: 'proof',
    code: 'restore.host-keys',
    what: 'The host does not present the host keys that were put in place (host-keys)',
    ...(error.why !== undefined && { why: error.why }),
    next: 'log in by its console, see what "sshd -T | grep hostkey" says, reload sshd, then run the same command again',
  });
}

function publicLine({ type, blob }: HostKey): string {
  return `${type} ${blob.toString('base64')}`;
}
