import { createInterface } from 'node:readline';
import { StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import type { TaskReporter } from '../../engine/task.js';
import { script, withEnvironment } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { Layout } from '../layout.js';

/** Where Coolify publishes its installer. */
const INSTALLER_URL = 'https://cdn.coollabs.io/coolify/install.sh';

/** Fetches the official installer when the host does not have one. */
export async function ensureInstaller(
  connection: Connection,
  layout: Layout,
  reporter: TaskReporter,
): Promise<void> {
  const fetch = script(
    '[ -s "$1" ] || { curl -fsSL --retry 3 -o "$1.part" -- "$2" && chmod 700 "$1.part" && mv -- "$1.part" "$1"; }',
    layout.installer,
    INSTALLER_URL,
  );
  await connection.run(fetch, { signal: reporter.signal });
}

/**
 * Runs Coolify's installer for one version.
 *
 * An installer goes on in the background when the connection is lost, and two at once would tear down each other's
 * containers: whoever comes second waits until the first is over.
 *
 * `USER=root` because the installer builds a file name from it, which is missing without a login. AUTOUPDATE is not
 * given: the installer would write it into `.env`, and the next boot into the restored database. Its exit status proves
 * little (it is 0 for a user who may not install): the caller looks at containers and health.
 * @throws StateError `install.failed` with the installer's last lines; `install.busy`
 */
export async function runInstaller(
  connection: Connection,
  layout: Layout,
  version: string,
  reporter: TaskReporter,
): Promise<void> {
  await ensureInstaller(connection, layout, reporter);
  const install = withEnvironment(
    { USER: 'root', HOME: '/root' },
    script(
      `${TAKE_TURN}${KEEP_WAY_IN}shift 3\nbash "$@"`,
      ...[layout.restoreNotes, PATIENCE_S, layout.authorizedKeys, layout.installer, version],
    ),
  );
  const process = await connection.open(install, { signal: reporter.signal });
  process.stdin.end();
  const tail: string[] = [];
  for await (const line of createInterface({ input: process.stdout, crlfDelay: Number.POSITIVE_INFINITY })) {
    reporter.line(line);
    tail.push(line);
    if (tail.length > 12) tail.shift();
  }
  const { code, stderr } = await process.done;
  if (code === 0) return;
  if (code === BUSY) throw busy(layout);
  throw new StateError({
    kind: 'failed',
    code: 'install.failed',
    what: `Coolify's installer ended with status ${code ?? 'unknown'}`,
    why: lastLines(stderr, 1) || lastLines(tail.join('\n'), 1) || 'it gave no reason',
    next: 'put the cause right and run the restore again: it goes on where it stopped',
    detail: lastLines(`${tail.join('\n')}\n${stderr}`, 12),
  });
}

/**
 * Waits until an installer that an earlier run began is over: until then nothing on the host is settled.
 * @throws StateError `install.busy`
 */
export async function waitForInstaller(
  connection: Connection,
  layout: Layout,
  signal: AbortSignal,
): Promise<void> {
  const wait = script(TAKE_TURN, layout.restoreNotes, PATIENCE_S);
  const { code } = await connection.run(wait, { signal, check: false });
  if (code === BUSY) throw busy(layout);
}

const PATIENCE_S = '600';
const BUSY = 75;

/** The lock is held by the installer and all that it starts, and goes when the last of them ends. */
const TAKE_TURN = `
if command -v flock >/dev/null; then
  mkdir -p -m 700 -- "$1"
  exec 9>>"$1/installer.lock"
  waited=0
  until flock -n 9; do
    waited=$((waited + 1))
    if [ "$waited" -gt "$2" ]; then exit ${BUSY}; fi
    sleep 1
  done
fi
`;

/**
 * The installer of a host without a database deletes every line of authorized_keys with the word "coolify", an admin's own
 * among them. Whatever becomes of it, and of our connection, they are put back by the host itself.
 */
const KEEP_WAY_IN = `
keys=$3 kept=$1/authorized_keys
mkdir -p -m 700 -- "$1"
if [ -f "$keys" ]; then (umask 077; cat -- "$keys" >"$kept"); fi
put_back() {
  [ -f "$kept" ] || return 0
  while IFS= read -r line || [ -n "$line" ]; do
    grep -qxF -- "$line" "$keys" || printf '%s\\n' "$line" >>"$keys"
  done <"$kept"
}
trap put_back EXIT
trap 'exit 129' HUP
trap 'exit 143' TERM
`;

function busy({ restoreNotes }: Layout): StateError {
  return new StateError({
    kind: 'failed',
    code: 'install.busy',
    what: "Coolify's installer, which an earlier run began, is still at work on the host",
    why: `something that it started holds ${restoreNotes}/installer.lock for more than ${PATIENCE_S} s`,
    next: `see what it is with "fuser -v ${restoreNotes}/installer.lock" on the host, wait for it or end it, then run the restore again`,
  });
}
