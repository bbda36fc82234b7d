import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errnoOf, StateError } from '../../core/errors.js';
import { makeFolders } from '../../core/folders.js';
import { lastLines } from '../../core/terminal-text.js';
import { makePrivateFolder } from '../../state/private-files.js';
import { runLocally } from '../hosts/local-program.js';
import { type CronJob, crontabLine, lineOf, withLine, withoutLine } from './crontab.js';
import { type Schedule, serviceUnit, timerUnit } from './units.js';

/** Who runs the clock. */
export type Scheduler =
  /** systemd of the machine (`/etc/systemd/system`) or of the calling user (`~/.config/systemd/user`). */
  | { readonly kind: 'systemd'; readonly scope: 'system' | 'user' }
  /** The crontab of the calling user. */
  | { readonly kind: 'cron' };

/** What stands on this machine: files by path, or the line of a crontab. Empty when nothing was installed. */
export type Installed = readonly { readonly where: string; readonly text: string }[];

/** systemd where it runs, cron elsewhere. */
export async function schedulerOfThisMachine(): Promise<Scheduler> {
  const answer = await runLocally('systemctl', ['is-system-running']);
  // "offline" is what systemctl says where systemd is installed but not process 1, as in containers.
  const runs = answer !== undefined && !/^(offline|unknown)?$/.test(answer.stdout.trim());
  if (!runs) return { kind: 'cron' };
  return { kind: 'systemd', scope: process.getuid?.() === 0 ? 'system' : 'user' };
}

/** What would be written. */
export function planned(scheduler: Scheduler, schedule: Schedule, job: CronJob): Installed {
  if (scheduler.kind === 'cron') return [{ where: 'crontab', text: `${crontabLine(job)}\n` }];
  const [service, timer] = unitPaths(scheduler.scope, schedule.name);
  return [
    { where: service, text: serviceUnit(schedule) },
    { where: timer, text: timerUnit(schedule) },
  ];
}

/** Writes the units or the line, and starts the clock. What stood there under the same name is replaced. */
export async function install(scheduler: Scheduler, schedule: Schedule, job: CronJob): Promise<Installed> {
  const files = planned(scheduler, schedule, job);
  if (scheduler.kind === 'cron') {
    await writeCrontab(withLine(await readCrontab(), job.name, crontabLine(job)));
    return files;
  }
  await makeFolders(unitFolder(scheduler.scope));
  // systemd refuses to start a unit whose writable folders are not there.
  for (const folder of schedule.writable) await makePrivateFolder(folder);
  for (const folder of schedule.shared) await makeFolders(folder);
  for (const { where, text } of files) {
    await writeFile(`${where}.new`, text, { mode: 0o644 });
    await rename(`${where}.new`, where);
  }
  await systemctl(scheduler.scope, 'daemon-reload');
  await systemctl(scheduler.scope, 'enable', '--now', `${schedule.name}.timer`);
  return files;
}

/** What is installed under a name. */
export async function show(scheduler: Scheduler, name: string): Promise<Installed> {
  if (scheduler.kind === 'cron') {
    const line = lineOf(await readCrontab(), name);
    return line === undefined ? [] : [{ where: 'crontab', text: `${line}\n` }];
  }
  const found: { where: string; text: string }[] = [];
  for (const where of unitPaths(scheduler.scope, name)) {
    const text = await readIfThere(where);
    if (text !== undefined) found.push({ where, text });
  }
  return found;
}

/** Stops the clock and removes what was installed. Returns what there was. */
export async function remove(scheduler: Scheduler, name: string): Promise<Installed> {
  const found = await show(scheduler, name);
  if (found.length === 0) return found;
  if (scheduler.kind === 'cron') {
    await writeCrontab(withoutLine(await readCrontab(), name));
    return found;
  }
  await systemctl(scheduler.scope, 'disable', '--now', `${name}.timer`);
  for (const { where } of found) await rm(where, { force: true });
  await systemctl(scheduler.scope, 'daemon-reload');
  return found;
}

function unitFolder(scope: 'system' | 'user'): string {
  if (scope === 'system') return '/etc/systemd/system';
  return join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'systemd/user');
}

function unitPaths(scope: 'system' | 'user', name: string): [string, string] {
  return [join(unitFolder(scope), `${name}.service`), join(unitFolder(scope), `${name}.timer`)];
}

async function systemctl(scope: 'system' | 'user', ...args: readonly string[]): Promise<void> {
  const whole = scope === 'user' ? ['--user', ...args] : args;
  const outcome = await runLocally('systemctl', whole);
  if (outcome?.status === 0) return;
  throw schedulerFailed(`systemctl ${whole.join(' ')}`, outcome?.stderr ?? 'there is no systemctl');
}

async function readCrontab(): Promise<string> {
  const outcome = await runLocally('crontab', ['-l']);
  if (outcome === undefined) throw schedulerFailed('crontab -l', 'there is no crontab on this machine');
  // Status 1 and "no crontab for ..." is how an empty one answers.
  if (outcome.status !== 0 && !/no crontab/i.test(outcome.stderr)) {
    throw schedulerFailed('crontab -l', outcome.stderr);
  }
  return outcome.status === 0 ? outcome.stdout : '';
}

async function writeCrontab(text: string): Promise<void> {
  const outcome = await runLocally('crontab', ['-'], { input: text });
  if (outcome?.status !== 0) throw schedulerFailed('crontab -', outcome?.stderr ?? 'there is no crontab');
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

function schedulerFailed(command: string, why: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'schedule.refused',
    what: `The schedule could not be set up: "${command}" failed`,
    why: lastLines(why, 3) || 'it gave no reason',
    next: 'show what would be installed with "coolify-state schedule install --check", and install it by hand',
  });
}
