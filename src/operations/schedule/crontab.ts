import { StateError } from '../../core/errors.js';

/** What a crontab line is made of. */
export interface CronJob {
  readonly name: string;
  readonly command: readonly string[];
  readonly workingDirectory: string;
  /** Hour (0-23) and minute (0-59) of every day. */
  readonly hour: number;
  readonly minute: number;
  readonly jitterSeconds: number;
}

/**
 * One line of a crontab(5) for machines without systemd. The pause before the start spreads the load; cron itself does
 * not make up for missed runs, which the documentation says. The mark at the end is how the line is found again.
 *
 * @throws StateError `schedule.crontab` for a command that cron cannot hold
 */
export function crontabLine({
  name,
  command,
  workingDirectory,
  hour,
  minute,
  jitterSeconds,
}: CronJob): string {
  const words = command.map(shellWord).join(' ');
  const pause =
    jitterSeconds > 0 ? `sleep $(awk 'BEGIN{srand(); print int(rand()*${jitterSeconds})}'); ` : '';
  const text = `cd ${shellWord(workingDirectory)} && { ${pause}exec ${words}; }`;
  if (/[\n\r]/.test(text)) {
    throw new StateError({
      kind: 'usage',
      code: 'schedule.crontab',
      what: 'A crontab cannot hold this command',
      why: 'a path in it has a line break',
      next: 'rename the folder, or use systemd',
    });
  }
  // cron turns an unescaped % into a line break.
  return `${minute} ${hour} * * * ${text.replaceAll('%', '\\%')} ${markOf(name)}`;
}

/** A crontab with our line in place of the one there was, or at the end. */
export function withLine(crontab: string, name: string, line: string): string {
  const others = withoutLine(crontab, name);
  return `${others}${others === '' || others.endsWith('\n') ? '' : '\n'}${line}\n`;
}

/** The same crontab without our line. */
export function withoutLine(crontab: string, name: string): string {
  return crontab
    .split('\n')
    .filter((line) => !line.endsWith(` ${markOf(name)}`))
    .join('\n');
}

/** Our line, if it stands there. */
export function lineOf(crontab: string, name: string): string | undefined {
  return crontab.split('\n').find((line) => line.endsWith(` ${markOf(name)}`));
}

function markOf(name: string): string {
  return `# ${name} (coolify-state schedule)`;
}

function shellWord(word: string): string {
  return /^[A-Za-z0-9_@+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
