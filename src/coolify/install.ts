import { createInterface } from 'node:readline';
import { StateError } from '../core/errors.js';
import { lastLines } from '../core/terminal-text.js';
import type { TaskReporter } from '../engine/task.js';
import { command, script, withEnvironment } from '../ssh/command.js';
import type { Connection } from '../ssh/connection.js';
import type { Layout } from './layout.js';

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
 * `USER=root` because the installer builds a file name from it, which is missing without a login;
 * `AUTOUPDATE=false` so that the version stays the snapshot's. Its exit status proves little (it is 0 for a user
 * who may not install): the caller looks at containers and health.
 * @throws StateError `install.failed` with the installer's last lines.
 */
export async function runInstaller(
  connection: Connection,
  layout: Layout,
  version: string,
  reporter: TaskReporter,
): Promise<void> {
  await ensureInstaller(connection, layout, reporter);
  const install = withEnvironment(
    { USER: 'root', HOME: '/root', AUTOUPDATE: 'false' },
    command('bash', layout.installer, version),
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
  throw new StateError({
    kind: 'failed',
    code: 'install.failed',
    what: `Coolify's installer ended with status ${code ?? 'unknown'}`,
    why: lastLines(stderr, 1) || lastLines(tail.join('\n'), 1) || 'it gave no reason',
    next: 'put the cause right and run the restore again: it goes on where it stopped',
    detail: lastLines(`${tail.join('\n')}\n${stderr}`, 12),
  });
}
