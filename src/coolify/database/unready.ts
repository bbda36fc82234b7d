import type { Exit } from '../../ssh/connection.js';

/** What Docker says on standard output, not on standard error, when it could not start a program in a container. */
const NOT_STARTED = /^OCI runtime exec failed: /;
/** There is nothing that will change: no such program, or one that may not run. */
const NEVER = /executable file not found|no such file or directory|permission denied/i;
/** The container, or PostgreSQL in it, is about to come back. */
const COMING_BACK =
  /is restarting, wait until the container is running|the database system is (?:starting up|shutting down|in recovery mode)/;

/** What a program in the database's container came to that answered nothing: its first line of output, and its end. */
export interface SilentEnd extends Pick<Exit, 'code' | 'stderr'> {
  readonly firstLine: string | undefined;
}

/** The engine's own words on why it did not start the program; `undefined` where it did. */
export function engineRefusal({ code, firstLine }: SilentEnd): string | undefined {
  // 126 or 127, by a race within the engine (moby issue 45795).
  return (code === 126 || code === 127) && firstLine !== undefined && NOT_STARTED.test(firstLine)
    ? firstLine
    : undefined;
}

/**
 * Whether the same may work a moment later: nothing was done, and the reason is a busy engine, or a database that restarts, as
 * one does while Coolify updates itself at night.
 */
export function mayWorkSoon(end: SilentEnd): boolean {
  const refusal = engineRefusal(end);
  if (refusal !== undefined) return !NEVER.test(refusal);
  return end.code !== 0 && end.firstLine === undefined && COMING_BACK.test(end.stderr);
}
