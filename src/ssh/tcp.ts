import { connect, type Socket } from 'node:net';
import { tcpFailure, tcpTimeout } from './connect-failures.js';
import type { Endpoint } from './endpoint.js';

/**
 * A TCP connection to an endpoint, of whatever address family answers first.
 * @throws StateError `ssh.refused`, `ssh.name-unknown`, `ssh.unreachable`, `ssh.connect-timeout`; the signal's reason
 */
export async function openSocket(endpoint: Endpoint, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const socket = connect({
    host: endpoint.address,
    port: endpoint.port,
    noDelay: true,
    keepAlive: true,
    // Node's own 250 ms is less than a round trip around the world, and it would drop an address that works.
    autoSelectFamilyAttemptTimeout: 2000,
    ...(endpoint.addressFamily !== undefined && { family: endpoint.addressFamily }),
    ...(endpoint.bindAddress !== undefined && { localAddress: endpoint.bindAddress }),
  });
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      timer = setTimeout(() => reject(tcpTimeout(endpoint)), endpoint.connectTimeoutMs);
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(tcpFailure(endpoint, error)));
    });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined);
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
