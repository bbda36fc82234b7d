import type { Writable } from 'node:stream';

/**
 * Has all that is written to a socket within this turn leave in one system call: ssh2 writes every packet by itself, and
 * a packet holds 32 KiB at most.
 */
export function sendTogether(socket: Writable): void {
  socket.cork();
  process.nextTick(() => socket.uncork());
}
