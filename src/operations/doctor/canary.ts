import { once } from 'node:events';
import { connect, createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';

/**
 * A listener on every address of this machine, standing for the servers that a throwaway host must not reach. It takes
 * connections, says nothing, and counts them.
 */
export class Canary implements AsyncDisposable {
  #connections = 0;

  private constructor(readonly server: Server) {
    server.on('connection', (socket) => {
      this.#connections++;
      socket.on('error', () => undefined);
      socket.destroy();
    });
  }

  /** Opens it on a port of the system's choice, and makes sure that it hears: a deaf one would prove nothing. */
  static async open(): Promise<Canary> {
    const canary = new Canary(createServer());
    await listen(canary.server, '::').catch(() => listen(canary.server, '0.0.0.0'));
    const socket = connect({ host: '127.0.0.1', port: canary.port });
    socket.on('error', () => undefined);
    await once(socket, 'close');
    if (canary.#connections !== 1) {
      await canary[Symbol.asyncDispose]();
      throw new Error('a listener on this machine did not hear its own connection');
    }
    canary.#connections = 0;
    return canary;
  }

  get port(): number {
    const address = this.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Connections that came, this machine's own trial left out. */
  get connections(): number {
    return this.#connections;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }
}

/** Addresses by which others can mean this machine. */
export function ownAddresses(): string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  // An address of the link alone needs the name of an interface, which is another one on each machine.
  const reachable = all.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return [...new Set(reachable.map(({ address }) => address))];
}

function listen(server: Server, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port: 0 }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
