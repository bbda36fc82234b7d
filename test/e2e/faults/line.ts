import { createConnection, createServer, type Socket } from 'node:net';

/** What becomes of a connection on the way to a host. */
export interface LineFault {
  /** Which stream is counted: what the host says, or what it is told. */
  readonly stream: 'from the host' | 'to the host';
  /** After so many bytes of one connection. */
  readonly after: number;
  /**
   * `reset`: both sides are told. `freeze`: neither is, and nothing passes. `host gone`: the host's side is closed, ours hears
   * nothing. `we are gone`: our side is reset, the host hears nothing.
   */
  readonly how: 'reset' | 'freeze' | 'host gone' | 'we are gone';
}

/** A line to a host, on a port of this machine, which can be broken. */
export interface Line extends AsyncDisposable {
  readonly port: number;
  /** The next connection that comes so far meets it, and no other. */
  break(fault: LineFault): void;
  /** How often one did. */
  readonly met: () => number;
  /** Whole again: what hangs is let go, a fault that nobody met is taken back. */
  mend(): void;
}

export async function openLine(toPort: number): Promise<Line> {
  const open = new Set<Socket>();
  let pending: LineFault | undefined;
  let met = 0;

  const connect = (client: Socket): void => {
    const host = createConnection({ host: '127.0.0.1', port: toPort });
    for (const socket of [client, host]) {
      open.add(socket);
      socket.on('close', () => open.delete(socket));
      socket.on('error', () => undefined);
    }
    const sides = { client, host };
    carry(client, host, 'to the host', sides);
    carry(host, client, 'from the host', sides);
  };

  const carry = (from: Socket, to: Socket, stream: LineFault['stream'], sides: Sides): void => {
    let passed = 0;
    from.on('data', (chunk: Buffer) => {
      const fault = pending?.stream === stream ? pending : undefined;
      if (fault === undefined || passed + chunk.length < fault.after) {
        passed += chunk.length;
        if (!to.write(chunk)) from.pause();
        return;
      }
      pending = undefined;
      met += 1;
      // What comes before the byte at which it breaks still gets through.
      to.write(chunk.subarray(0, fault.after - passed), () => happen(fault.how, sides));
      for (const side of [sides.client, sides.host]) side.removeAllListeners('data').pause();
    });
    to.on('drain', () => from.resume());
    from.on('end', () => to.end());
    from.on('close', () => {
      if (!from.isPaused()) to.destroy();
    });
  };

  const server = createServer({ allowHalfOpen: true }, connect);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the line has no port');
  const mend = (): void => {
    pending = undefined;
    for (const socket of open) socket.destroy();
  };
  return {
    port: address.port,
    break: (fault) => {
      pending = fault;
    },
    met: () => met,
    mend,
    [Symbol.asyncDispose]: async () => {
      mend();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Sides {
  readonly client: Socket;
  readonly host: Socket;
}

function happen(how: LineFault['how'], { client, host }: Sides): void {
  // The streams stand still already: nothing more passes, and the end of one side is not told to the other.
  if (how === 'reset' || how === 'we are gone') client.resetAndDestroy();
  if (how === 'reset' || how === 'host gone') host.resetAndDestroy();
}
