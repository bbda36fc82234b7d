import { messageOf, StateError } from '../core/errors.js';
import { lastLines, printable } from '../core/terminal-text.js';
import type { Progress } from './remote-process.js';

/** What can go wrong once a connection stands. */

/** A command ended with another status than 0. */
export function commandFailed(
  host: string,
  command: string,
  { code, signal, stderr }: { code: number | undefined; signal?: string | undefined; stderr: string },
): StateError {
  const detail = printable(lastLines(stderr), { multiline: true });
  return new StateError({
    kind: 'failed',
    code: 'ssh.command-failed',
    host,
    what: `A command failed on ${host}: ${command}`,
    why:
      code !== undefined
        ? `exit status ${code}`
        : signal !== undefined
          ? `ended by ${printable(signal)}`
          : 'it ended without an exit status',
    next: 'run that command on the host by hand and see what it needs',
    ...(detail !== '' && { detail }),
  });
}

interface Attempt {
  readonly host: string;
  /** Printable form. */
  readonly command: string;
}

/** The login shell ended, and the command had not begun. */
export function commandNotStarted(
  { host, command }: Attempt,
  code: number | undefined,
  said: string,
): StateError {
  const detail = printable(lastLines(said), { multiline: true });
  return new StateError({
    kind: 'failed',
    code: 'ssh.command-not-started',
    host,
    what: `${host} did not run the command ${command}`,
    why: `the login shell ended with status ${code ?? 'unknown'} before it began`,
    next: 'check the login shell of this user, its start-up files, and a forced command in authorized_keys',
    ...(detail !== '' && { detail }),
  });
}

/** A command ended while there was more to send. */
export function inputRefused({ host, command }: Attempt, code: number | undefined): StateError {
  return new StateError({
    kind: 'failed',
    code: 'ssh.input-refused',
    host,
    what: `The command ${command} ended before it had read all of its input`,
    why: `exit status ${code ?? 'unknown'}`,
    next: 'run that command on the host by hand, and see whether the host has space left',
  });
}

/** The connection broke. Says how far the command in question had come. */
export function connectionLost(
  host: string,
  facts: {
    readonly command: string | undefined;
    readonly progress: Progress | undefined;
    readonly cause: Error | undefined;
  },
): StateError {
  const { command, progress, cause } = facts;
  const during = command === undefined ? '' : ` during: ${command}`;
  const amounts = progress
    ? ` after ${bytes(progress.received)} received and ${bytes(progress.sent)} sent`
    : '';
  return new StateError({
    kind: 'unreachable',
    code: 'ssh.connection-lost',
    host,
    what: `The connection to ${host} was lost${during}`,
    why: `${cause === undefined ? 'the other side closed it' : messageOf(cause)}${amounts}`,
    next: 'check the network and the host, then run it again',
    ...(cause !== undefined && { cause }),
  });
}

/** Something was asked of a connection that this program has closed. */
export function connectionClosed(host: string, command: string | undefined): StateError {
  return new StateError({
    kind: 'failed',
    code: 'ssh.connection-closed',
    host,
    what: `The connection to ${host} is closed${command === undefined ? '' : `, and with it: ${command}`}`,
    next: 'run it again',
  });
}

export function outputTooLarge(host: string, command: string, limit: number): StateError {
  return new StateError({
    kind: 'failed',
    code: 'ssh.output-too-large',
    host,
    what: `A command on ${host} printed more than can be right: ${command}`,
    why: `more than ${bytes(limit)}`,
    next: 'run that command on the host by hand: is the program the real one, and does no start-up file of the shell print?',
  });
}

/** sshd opens no further session although none of ours is open. */
export function sessionRefused(host: string, command: string, cause: unknown): StateError {
  return new StateError({
    kind: 'failed',
    code: 'ssh.session-refused',
    host,
    what: `${host} lets nothing be run: ${command}`,
    why: printable(messageOf(cause)),
    next: 'check MaxSessions in its sshd_config, and restrictions of this key in authorized_keys',
    cause,
  });
}

function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = count < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(count) / 10));
  const value = count / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${units[power]}`;
}
