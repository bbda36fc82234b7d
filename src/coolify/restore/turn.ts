import { StateError } from '../../core/errors.js';
import { script } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { Layout } from '../layout.js';

/**
 * What makes containers goes on in the background when its connection is lost, and two at once would tear down each other's:
 * whoever comes second waits until the first is over. The lock is held by what works and all that it starts, and goes when
 * the last of them ends.
 *
 * Arguments: the folder of the notes, the patience in seconds.
 */
export const TAKE_TURN = `
if command -v flock >/dev/null; then
  mkdir -p -m 700 -- "$1"
  exec 9>>"$1/installer.lock"
  waited=0
  until flock -n 9; do
    waited=$((waited + 1))
    if [ "$waited" -gt "$2" ]; then exit 75; fi
    sleep 1
  done
fi
`;

export const TURN_PATIENCE_S = '600';
export const TURN_BUSY = 75;

/**
 * Waits until what an earlier run began is over: until then nothing on the host is settled.
 * @throws StateError `install.busy`
 */
export async function waitForTurn(
  connection: Connection,
  layout: Pick<Layout, 'restoreNotes'>,
  signal: AbortSignal,
): Promise<void> {
  const wait = script(TAKE_TURN, layout.restoreNotes, TURN_PATIENCE_S);
  const { code } = await connection.run(wait, { signal, check: false });
  if (code === TURN_BUSY) throw notOurTurn(layout);
}

/**
 * Runs a script when its turn has come.
 * @throws StateError `install.busy`
 */
export async function runInTurn(
  connection: Connection,
  layout: Pick<Layout, 'restoreNotes'>,
  text: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  await waitForTurn(connection, layout, signal);
  await connection.run(
    script(`${TAKE_TURN}shift 2\n${text}`, layout.restoreNotes, TURN_PATIENCE_S, ...args),
    { signal },
  );
}

export function notOurTurn({ restoreNotes }: Pick<Layout, 'restoreNotes'>): StateError {
  return new StateError({
    kind: 'failed',
    code: 'install.busy',
    what: "Coolify's installer or docker compose, which an earlier run began, is still at work on the host",
    why: `something that it started holds ${restoreNotes}/installer.lock for more than ${TURN_PATIENCE_S} s`,
    next: `see what it is with "fuser -v ${restoreNotes}/installer.lock" on the host, wait for it or end it, then run the restore again`,
  });
}
