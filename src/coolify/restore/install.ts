import { createInterface } from 'node:readline';
import { StateError } from '../../core/errors.js';
import { lastLines } from '../../core/terminal-text.js';
import type { TaskReporter } from '../../engine/task.js';
import { script, withEnvironment } from '../../ssh/command.js';
import type { Connection } from '../../ssh/connection.js';
import type { Layout } from '../layout.js';
import { notOurTurn, TAKE_TURN, TURN_BUSY, TURN_PATIENCE_S } from './turn.js';

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
      ...[layout.restoreNotes, TURN_PATIENCE_S, layout.authorizedKeys, layout.installer, version],
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
  if (code === TURN_BUSY) throw notOurTurn(layout);
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
