import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { StateError } from '../core/errors.js';
import { certifiedKey } from './certified-key.js';
import type { Deadline } from './deadline.js';
import type { ConnectionEvent, Endpoint } from './endpoint.js';
import { hostKeyPolicy, knownNameOf } from './host-key-policy.js';
import { findIdentities, type IdentitySources } from './identities.js';
import { openForward } from './jump.js';
import { keyTypeOf } from './known-hosts.js';
import { appendHostKey, readKnownHosts } from './known-hosts-file.js';
import { type Login, logIn } from './login.js';
import { openSocket } from './tcp.js';

/** What a connection goes over. */
interface Line {
  readonly socket: Duplex;
  readonly below: Line | undefined;
}

/** A logged-in SSH connection, bare. */
export interface Transport extends Login, Line {
  /** The jump host's, which this one goes through. */
  readonly below: Transport | undefined;
}

export interface TransportOptions {
  readonly signal: AbortSignal;
  readonly onEvent?: ((event: ConnectionEvent) => void) | undefined;
}

/**
 * Connects, through jump hosts where there are any, checks the host keys and logs in.
 * @throws StateError kind `unreachable`; the codes are those of connect-failures.ts and host-key-failures.ts
 */
export async function openTransport(endpoint: Endpoint, options: TransportOptions): Promise<Transport> {
  let below: { readonly host: string; readonly transport: Transport } | undefined;
  try {
    for (const hop of endpoint.dial === undefined ? (endpoint.jumps ?? []) : []) {
      below = { host: hop.host, transport: await openHop(hop, below, options) };
    }
    return await openHop(endpoint, below, options);
  } catch (error) {
    destroyTransport(below?.transport);
    throw error;
  }
}

/** Ends it and what it goes through, without a farewell. */
export function destroyTransport(transport: Transport | undefined): void {
  for (let current = transport; current; current = current.below) current.socket.destroy();
}

/**
 * Ends one that was given up for lost. What waits in this machine to be sent again and again is not sent any more: a line that
 * heals would bring the host commands of a run that is over. Only a socket with more to send than the system takes is closed in
 * the ordinary way, as Node would first wait for it; that is data of a command which has lost its run.
 */
export function dropTransport(transport: Line): void {
  for (let current: Line | undefined = transport; current; current = current.below) {
    const { socket } = current;
    const reset =
      socket instanceof Socket && socket.remoteFamily !== undefined && socket.writableLength === 0;
    if (reset && !socket.destroyed) socket.resetAndDestroy();
    else socket.destroy();
  }
}

/** Bytes on the wire of this machine: through jump hosts, those of the first. */
export function trafficOf(transport: Transport): { received: number; sent: number } | undefined {
  let first = transport;
  while (first.below !== undefined) first = first.below;
  const { socket } = first;
  return socket instanceof Socket ? { received: socket.bytesRead, sent: socket.bytesWritten } : undefined;
}

async function openHop(
  endpoint: Endpoint,
  below: { readonly host: string; readonly transport: Transport } | undefined,
  { signal, onEvent }: TransportOptions,
): Promise<Transport> {
  const open = (): Promise<Duplex> => {
    if (endpoint.dial !== undefined) return endpoint.dial(signal);
    return below
      ? openForward(below.transport.client, below.host, endpoint, signal)
      : openSocket(endpoint, signal);
  };
  const known = await readKnownHosts(endpoint.knownHostsFiles);
  const policy = hostKeyPolicy(endpoint, known, await certifiedKey(endpoint, known, open, signal));
  let deadline: Deadline | undefined;
  const identities = await findIdentities(
    askingOutside(endpoint, () => deadline),
    signal,
  );
  let algorithms = policy.algorithms;
  let notPinned: StateError | undefined;
  for (;;) {
    const socket = await open();
    let presented: string | undefined;
    try {
      const login = await logIn(socket, {
        endpoint,
        policy: {
          ...policy,
          judge: (key) => {
            presented = key.type;
            return policy.judge(key);
          },
        },
        identities,
        algorithms,
        acceptHostKey: async (key) => {
          const file = endpoint.knownHostsFiles[0];
          if (file === undefined) return;
          await appendHostKey(file, knownNameOf(endpoint), key);
          onEvent?.({ type: 'host-key-accepted', fingerprint: key.fingerprint, file });
        },
        onDeadline: (current) => {
          deadline = current;
        },
        onEvent,
        signal,
      });
      return { ...login, socket, below: below?.transport };
    } catch (error) {
      if (!(error instanceof StateError) || error.code !== 'ssh.host-key-not-pinned')
        throw notPinned ?? error;
      // A pin tells no type, and a host shows one key at a time: ask for its keys of the other types as well.
      algorithms = algorithms.filter((algorithm) => keyTypeOf(algorithm) !== presented);
      notPinned ??= error;
      if (algorithms.length === 0) throw notPinned;
    }
  }
}

/** While a person looks for a passphrase, no time limit runs. */
function askingOutside(endpoint: Endpoint, deadline: () => Deadline | undefined): IdentitySources {
  const { identityFiles, agentSocket, identitiesOnly, agentFirst, passphrase: ask } = endpoint;
  return {
    identityFiles,
    ...(agentSocket !== undefined && { agentSocket }),
    ...(identitiesOnly !== undefined && { identitiesOnly }),
    ...(agentFirst !== undefined && { agentFirst }),
    ...(ask && {
      passphrase: async (keyFile: string, attempt: number) => {
        deadline()?.pause();
        try {
          return await ask(keyFile, attempt);
        } finally {
          deadline()?.resume();
        }
      },
    }),
  };
}
