import type { Duplex } from 'node:stream';

/**
 * Hears when the other side has gone silent: nothing at all came for `patience` + 1 intervals in a row. Whatever
 * comes counts, not the answers to keepalives alone: those wait behind the data on a slow line. Intervals are
 * counted rather than time, so that a program that was stopped for an hour does not take that for silence.
 * @returns stops watching
 */
export function watchSilence(
  socket: Duplex,
  { intervalMs, patience }: { readonly intervalMs: number; readonly patience: number },
  onSilent: (silentMs: number) => void,
): () => void {
  if (intervalMs <= 0) return () => undefined;
  let heard = true;
  let silent = 0;
  const listen = (): void => {
    heard = true;
  };
  const timer = setInterval(() => {
    silent = heard ? 0 : silent + 1;
    heard = false;
    if (silent <= patience) return;
    stop();
    onSilent(silent * intervalMs);
  }, intervalMs);
  const stop = (): void => {
    clearInterval(timer);
    socket.off('data', listen);
  };
  socket.on('data', listen);
  return stop;
}
