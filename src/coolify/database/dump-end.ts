import { StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import type { RemoteProcess } from '../../ssh/connection.js';

/**
 * Waits for the end of a pg_dump whose output was read. Where both failed, pg_dump's words are the reason, unless it was
 * stopped only because its output could not be taken.
 * @throws StateError `database.dump-failed` with `what`, or what the transfer failed with
 */
export async function expectDump(
  dump: RemoteProcess,
  transfer: PromiseSettledResult<unknown>,
  what: string,
): Promise<void> {
  const { code, stderr } = await dump.done;
  const stopped = code === undefined && !dump.stdout.readableEnded;
  if (code !== 0 && !stopped) {
    throw new StateError({
      kind: 'failed',
      code: 'database.dump-failed',
      what,
      why: lastLines(stderr, 3) || silentEnd(code),
      next: 'look at "docker logs coolify-db" on the host',
      ...(transfer.status === 'rejected' && { cause: transfer.reason }),
    });
  }
  if (transfer.status === 'rejected') throw transfer.reason;
}

/** What an engine says that did not start a program, it says on the output, where a dump was expected. */
function silentEnd(code: number | undefined): string {
  if (code === 126 || code === 127) return `Docker could not start pg_dump in the container (status ${code})`;
  return `pg_dump ended with status ${code ?? 'unknown'}`;
}
