import { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { tcpTimeout } from './connect-failures.js';
import type { Endpoint } from './endpoint.js';

/**
 * A TCP connection that a jump host makes for us, as `ssh -W` would.
 * @throws StateError `ssh.jump-refused`, `ssh.jump-forbidden`, `ssh.connect-timeout`; the signal's reason
 */
export async function openForward(
  client: Client,
  jumpHost: string,
  target: Endpoint,
  signal: AbortSignal,
): Promise<Duplex> {
  signal.throwIfAborted();
  let timer: NodeJS.Timeout | undefined;
  let onAbort = (): void => undefined;
  let givenUp = false;
  try {
    return await new Promise<Duplex>((resolve, reject) => {
      onAbort = () => reject(signal.reason);
      signal.addEventListener('abort', onAbort, { once: true });
      timer = setTimeout(() => reject(tcpTimeout(target)), target.connectTimeoutMs);
      client.forwardOut('127.0.0.1', 0, target.address, target.port, (error, channel) => {
        if (error) reject(refused(jumpHost, target, error));
        else if (givenUp) channel.close();
        else resolve(new ForwardedSocket(channel));
      });
    });
  } finally {
    givenUp = true;
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

/** ssh2's channel as a stream that can be destroyed and tells when it is closed, as a socket does. */
class ForwardedSocket extends Duplex {
  readonly #channel: ClientChannel;

  constructor(channel: ClientChannel) {
    super();
    this.#channel = channel;
    channel.on('error', () => undefined);
    channel.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => this.push(null));
    channel.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, callback: () => void): void {
    // When the channel has closed this never calls back; its 'close' destroys us.
    this.#channel.write(chunk, (error) => {
      if (!error) callback();
    });
  }

  override _final(callback: () => void): void {
    this.#channel.end();
    callback();
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    this.#channel.close();
    this.#channel.resume();
    callback(error);
  }
}

function refused(jumpHost: string, target: Endpoint, cause: Error): StateError {
  const forbidden = 'reason' in cause && cause.reason === 1;
  return new StateError({
    kind: 'unreachable',
    code: forbidden ? 'ssh.jump-forbidden' : 'ssh.jump-refused',
    host: target.host,
    what: `${target.host} cannot be reached through ${jumpHost}`,
    why: printable(cause.message.replace('(SSH) Channel open failure: ', '')),
    next: forbidden
      ? `allow forwarding in the sshd_config of ${jumpHost} (AllowTcpForwarding)`
      : `check from ${jumpHost} that ${target.address} port ${target.port} answers`,
    cause,
  });
}
