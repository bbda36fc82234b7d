import { StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';

/**
 * Remote commands are values: built and read without a connection, run by one. What stands in them is visible to
 * every user of the host (`ps`), so a secret never does: secrets go through standard input.
 */
export interface RemoteCommand {
  /** Program and arguments, as the program receives them. */
  readonly argv: readonly [string, ...string[]];
  /** Short form for messages; still to be made printable (`describe`). */
  readonly summary: string;
}

/** A program with its arguments. */
export function command(program: string, ...args: readonly string[]): RemoteCommand {
  return { argv: [program, ...args], summary: [program, ...args].join(' ') };
}

/**
 * A constant POSIX shell script; everything that varies is an argument of it (`$1`, `$2`, ...). Never build `text`
 * from values.
 */
export function script(text: string, ...args: readonly string[]): RemoteCommand {
  return { argv: ['sh', '-c', text, 'sh', ...args], summary: ['sh:', headline(text), ...args].join(' ') };
}

/** `a | b`, failing when either fails (the later one's status wins), which plain `sh` pipes do not. */
export function pipe(a: RemoteCommand, b: RemoteCommand): RemoteCommand {
  return {
    argv: ['sh', '-c', PIPE, 'sh', render(a), render(b)],
    summary: `${a.summary} | ${b.summary}`,
  };
}

/**
 * Sets variables for one command. They are arguments of `env`, therefore readable by every user of the host.
 * @throws StateError `ssh.command-invalid` for a name that is not one
 */
export function withEnvironment(
  variables: Readonly<Record<string, string>>,
  inner: RemoteCommand,
): RemoteCommand {
  const assignments = Object.entries(variables).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) throw invalid(`"${printable(name)}" is no variable name`);
    return `${name}=${value}`;
  });
  return { argv: ['env', ...assignments, ...inner.argv], summary: inner.summary };
}

/**
 * The command as one line for any login shell: sh, bash, dash, busybox, zsh and fish (csh is not supported).
 * @throws StateError `ssh.command-invalid` for a NUL or a lone surrogate; `ssh.command-too-long` beyond what Linux
 * takes as one argument (the login shell gets the whole line as one)
 */
export function render({ argv, summary }: RemoteCommand): string {
  const line = argv.map(quote).join(' ');
  if (Buffer.byteLength(line) > LINE_LIMIT) {
    throw new StateError({
      kind: 'failed',
      code: 'ssh.command-too-long',
      what: `The command ${shorten(summary)} is longer than a host takes`,
      why: `${Buffer.byteLength(line)} bytes, of ${LINE_LIMIT}`,
      next: 'this is a fault of the program: report it',
    });
  }
  return line;
}

/**
 * One word for a shell. Quotes and backslashes stand in double quotes, all else in single ones, because that is
 * what every one of those shells reads alike: fish, unlike POSIX, sees backslashes inside single quotes.
 * @throws StateError `ssh.command-invalid`
 */
export function quote(word: string): string {
  if (word.includes('\0')) throw invalid('an argument contains a NUL byte');
  if (/\p{Cs}/u.test(word)) throw invalid('an argument is not valid Unicode');
  if (PLAIN.test(word)) return word;
  if (word === '') return "''";
  return word
    .split(/(['\\]+)/)
    .filter((part) => part !== '')
    .map((part) => (/^['\\]/.test(part) ? `"${part.replaceAll('\\', '\\\\')}"` : `'${part}'`))
    .join('');
}

/** The command for a message: one printable line, cut to what a reader takes in. */
export function describe({ summary }: RemoteCommand): string {
  return shorten(summary);
}

/** Linux' MAX_ARG_STRLEN is 128 KiB; the rest is for what a connection wraps around a command. */
const LINE_LIMIT = 120 * 1024;

/** Words no shell does anything with. `=` and `%` are out: zsh and old fish expand them at a word's start. */
const PLAIN = /^[A-Za-z0-9_./:@+,-]+$/;

/** The first command's status travels past the pipe on descriptor 3, the second's output on 4. */
const PIPE = `exec 4>&1
first=$( { { eval "$1" 3>&- 4>&-; echo "$?" >&3; } | eval "$2" >&4 3>&- 4>&-; } 3>&1 )
second=$?
if [ "$second" -ne 0 ]; then exit "$second"; fi
exit "\${first:-1}"`;

function headline(text: string): string {
  const first = text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '' && !line.startsWith('#'));
  return first ?? '';
}

function shorten(text: string): string {
  const line = printable(text.replace(/\s+/g, ' ').trim());
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

function invalid(why: string): StateError {
  return new StateError({
    kind: 'failed',
    code: 'ssh.command-invalid',
    what: 'A command cannot be sent to a host',
    why,
  });
}
