import { TOOL } from '../tool.js';
import { COMMANDS } from './commands.js';

/** What the program is for, in one sentence. */
export const PURPOSE =
  'Backs up Coolify controllers over SSH into proven, encrypted snapshots, and rebuilds them.';

export const EXIT_STATUSES =
  'Exit status: 0 well, 1 failed, 2 usage, 3 unreachable, 4 a proof failed, 5 locked, 130 interrupted.';

/** Heading of the options that say how a command shows itself. */
export const GENERAL = 'General:';

/** How wide help is, on a terminal of so many columns or on none. */
export function helpWidth(columns: number | undefined): number {
  return Math.min(110, columns ?? 110);
}

/** Whether the command line asks for help and names no command. */
export function asksForOverview(args: readonly string[]): boolean {
  return args.length === 1 && (args[0] === '--help' || args[0] === '-h');
}

/**
 * The help of the program as a whole, as yargs lays it out, to the letter. Loading yargs and having it do that takes longer than
 * all else that happens before a person sees this.
 */
export function overview(width: number): string {
  const commands = COMMANDS.flatMap(({ usage, describe }): [string, string][] =>
    describe === false ? [] : [[`${TOOL.name} ${usage}`, describe]],
  );
  const longest = Math.min(Math.max(...commands.map(([usage]) => usage.length)), Math.floor(width / 2));
  return [
    `${TOOL.name} <command>`,
    '',
    ...wrapped(PURPOSE, width),
    '',
    'Commands:',
    ...commands.flatMap(([usage, describe]) => sideBySide(usage, describe, longest, width)),
    '',
    GENERAL,
    ...GENERAL_OPTIONS.map(([option, describe]) =>
      `${option}${describe}`.padEnd(width - 9).concat('[boolean]'),
    ),
    '',
    ...wrapped(EXIT_STATUSES, width),
  ].join('\n');
}

const GENERAL_OPTIONS = [
  ['  -h, --help     ', 'Show help'],
  ['      --version  ', 'Show version number'],
] as const;

function sideBySide(left: string, right: string, leftWidth: number, width: number): string[] {
  const [lefts, rights] = [wrapped(left, leftWidth), wrapped(right, width - leftWidth - 4)];
  return Array.from({ length: Math.max(lefts.length, rights.length) }, (_, index) =>
    `  ${(lefts[index] ?? '').padEnd(leftWidth)}  ${rights[index] ?? ''}`.trimEnd(),
  );
}

/** Lines of at most so many characters, as far as words allow. */
function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 1 + word.length <= width) lines.splice(-1, 1, `${last} ${word}`);
    else lines.push(word);
  }
  return lines;
}
