import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asStateError, StateError } from '../../core/errors.js';
import { type Connection, connect, type Endpoint } from '../../ssh/connection.js';
import type { ConnectionEvent } from '../../ssh/endpoint.js';
import type { HostKey } from '../../ssh/host-key.js';
import { knownNameOf } from '../../ssh/host-key-policy.js';
import { appendHostKey, readKnownHosts } from '../../ssh/known-hosts-file.js';
import { bad, type Finding, fine, warning } from '../hosts/finding.js';

export interface CheckedConnection {
  readonly findings: readonly Finding[];
  /** To be closed by the caller. Undefined when there is none. */
  readonly connection: Connection | undefined;
}

/** Decides about a host key that is not known yet; true writes it down. */
export type ConfirmHostKey = (key: HostKey, endpoint: Endpoint) => Promise<boolean>;

/**
 * Connects and logs in. Without `confirmHostKey` a host whose key is not known is a finding like any other.
 * @throws the signal's reason
 */
export async function checkConnection(
  endpoint: Endpoint,
  { signal, confirmHostKey }: { readonly signal: AbortSignal; readonly confirmHostKey?: ConfirmHostKey },
): Promise<CheckedConnection> {
  const heard: ConnectionEvent[] = [];
  const dial = (): Promise<Connection> =>
    connect(endpoint, { signal, onEvent: (event) => heard.push(event) });
  try {
    const connection = await dial().catch(async (error: unknown) => {
      if (confirmHostKey === undefined || !isUnknownKey(error, endpoint)) throw error;
      await acceptHostKey(endpoint, error, confirmHostKey, signal);
      return await dial();
    });
    return { connection, findings: connected(endpoint, connection, heard) };
  } catch (thrown) {
    signal.throwIfAborted();
    const error = asStateError(thrown, 'The host could not be connected to');
    return { connection: undefined, findings: [bad(stageOf(error), error)] };
  }
}

function connected(
  endpoint: Endpoint,
  { address, port, hostKey }: Connection,
  heard: readonly ConnectionEvent[],
): Finding[] {
  const method = heard.findLast((event) => event.type === 'authenticated');
  const { user } = endpoint;
  return [
    fine('connection.reach', `${address} port ${port} answers`),
    endpoint.hostKeyChecking === 'accept-new' && endpoint.pinnedFingerprints.length === 0
      ? warning(
          'connection.host-key',
          `its ${hostKey.type} key ${hostKey.fingerprint} is known, but an unknown one would be taken unseen`,
          'remove ssh_host_key_checking: accept-new now that the key is written down',
        )
      : fine('connection.host-key', `its ${hostKey.type} key is the expected one: ${hostKey.fingerprint}`),
    fine('connection.login', `logged in as ${user}${method === undefined ? '' : ` by ${method.method}`}`),
  ];
}

/** Which of the three the error speaks of. */
function stageOf({ code }: StateError): string {
  if (
    code.startsWith('ssh.host-key') ||
    code.startsWith('ssh.known-hosts') ||
    code.startsWith('init.host-key')
  )
    return 'connection.host-key';
  return code.startsWith('ssh.auth') ? 'connection.login' : 'connection.reach';
}

function isUnknownKey(error: unknown, { host }: Endpoint): boolean {
  // A jump host has its own name, and its own question: the error says what to do.
  return error instanceof StateError && error.code === 'ssh.host-key-unknown' && error.host === host;
}

async function acceptHostKey(
  endpoint: Endpoint,
  refusal: unknown,
  confirm: ConfirmHostKey,
  signal: AbortSignal,
): Promise<void> {
  const [file] = endpoint.knownHostsFiles;
  const key = await presentedKey(endpoint, signal);
  if (file === undefined || key === undefined || !(await confirm(key, endpoint))) throw refusal;
  await appendHostKey(file, knownNameOf(endpoint), key);
}

/**
 * The key that a host presents, without logging in: a list of known keys of its own is told to take any, and there is
 * nothing to log in with. So nothing that is secret goes to a host nobody has vouched for.
 */
async function presentedKey(endpoint: Endpoint, signal: AbortSignal): Promise<HostKey | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'coolify-state-'));
  try {
    const file = join(folder, 'known_hosts');
    const { agentSocket: _agent, password: _password, passphrase: _passphrase, ...rest } = endpoint;
    const bare: Endpoint = {
      ...rest,
      identityFiles: [],
      connectRetries: 0,
      hostKeyChecking: 'accept-new',
      knownHostsFiles: [file, ...endpoint.knownHostsFiles],
    };
    let written = (): void => undefined;
    const noted = new Promise<void>((resolve) => {
      written = resolve;
    });
    const onEvent = (event: ConnectionEvent): void => {
      if (event.type === 'host-key-accepted' && event.file === file) written();
    };
    try {
      await (await connect(bare, { signal, onEvent })).close();
    } catch (error) {
      if (!(error instanceof StateError) || error.code !== 'ssh.auth-failed') throw error;
    }
    // It is written down while the login goes on, which may fail first.
    await noted;
    return (await readKnownHosts([file]))[0]?.key;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
