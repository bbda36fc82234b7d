import type { TaskStatus } from '../../engine/events.js';

/** How a terminal wants to be written to. */
export interface Style {
  readonly color: boolean;
  /** Marks beyond ASCII. */
  readonly unicode: boolean;
}

/** For what is no terminal. */
export const PLAIN: Style = { color: false, unicode: false };

export type Tone = 'good' | 'change' | 'bad' | 'faint' | 'strong';

const CODES: Readonly<Record<Tone, number>> = { good: 32, change: 33, bad: 31, faint: 2, strong: 1 };

/** Text in a tone, where the terminal has colors (https://no-color.org is heeded). */
export function tinted(text: string, tone: Tone, { color }: Style): string {
  return color ? `\u001b[${CODES[tone]}m${text}\u001b[0m` : text;
}

const MARKS: Readonly<Record<TaskStatus, { plain: string; unicode: string; tone: Tone }>> = {
  ok: { plain: 'ok', unicode: '✔', tone: 'good' },
  changed: { plain: 'changed', unicode: '●', tone: 'change' },
  skipped: { plain: 'skipped', unicode: '–', tone: 'faint' },
  failed: { plain: 'FAILED', unicode: '✘', tone: 'bad' },
  unreachable: { plain: 'UNREACHABLE', unicode: '✘', tone: 'bad' },
};

/** The mark of a task that has ended. */
export function markOf(status: TaskStatus, style: Style): string {
  const { plain, unicode, tone } = MARKS[status];
  return tinted(style.unicode ? unicode : plain, tone, style);
}

const SPINNER = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const PLAIN_SPINNER = ['|', '/', '-', '\\'];

/** What turns beside a task at work. */
export function spinnerAt(now: number, { unicode }: Style): string {
  const frames = unicode ? SPINNER : PLAIN_SPINNER;
  return frames[Math.floor(now / 120) % frames.length] ?? '';
}

/** What the environment says of colors and marks. */
export function styleOf(env: NodeJS.ProcessEnv): Style {
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  return {
    color: (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb',
    unicode: /utf-?8/i.test(locale),
  };
}
