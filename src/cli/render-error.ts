import { errnoOf, type FailureFacts, StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';
import { PLAIN, type Style, tinted } from './live/style.js';

/** How much of an error is told. */
export interface ErrorDetail {
  /** With the stack of it and of its causes. */
  readonly debug?: boolean;
  /** From 1 on with what it came from: the remote command, and what that said. */
  readonly verbose?: number;
  /** How the terminal that it is for wants to be written to; without one in plain letters. */
  readonly style?: Style;
}

/**
 * The one place where an error becomes text: what failed, on which host, why, what to do next. Everything in it may
 * come from a host and is made safe to print.
 */
export function renderError(
  error: StateError,
  { debug = false, verbose = 0, style = PLAIN }: ErrorDetail = {},
): string {
  const where = error.host === undefined ? '' : ` [${printable(error.host)}]`;
  const lines = [
    `${tinted(`error${where}:`, 'bad', style)} ${tinted(printable(error.what), 'strong', style)}`,
  ];
  if (error.why !== undefined)
    lines.push(`  why:  ${printable(error.why, { multiline: true }).replaceAll('\n', '\n        ')}`);
  lines.push(...detailLines(error));
  if (verbose > 0) lines.push(...originLines(error));
  if (error.next !== undefined) lines.push(tinted(`  next: ${printable(error.next)}`, 'strong', style));
  lines.push(tinted(`  code: ${error.code}`, 'faint', style));
  if (debug) lines.push(stackOf(error));
  return lines.join('\n');
}

function detailLines({ detail }: StateError): string[] {
  return detail === undefined ? [] : detail.split('\n').map((line) => `  | ${printable(line)}`);
}

/** The errors that an error was made of, down to the command that failed. Foreign ones are left out: they can hold anything. */
function originLines({ cause }: StateError): string[] {
  if (!(cause instanceof StateError)) return [];
  return [
    `  from: ${printable(cause.message, { multiline: true }).replaceAll('\n', '\n        ')}`,
    ...detailLines(cause),
    ...originLines(cause),
  ];
}

/** The same facts for `--json`. */
export function errorFacts(error: StateError): Omit<FailureFacts, 'cause'> {
  return error.toJSON();
}

/** Where it happened. Of a foreign error only what it is: its message may quote what it choked on, such as a line of `.env`. */
function stackOf(error: Error): string {
  const code = errnoOf(error);
  const head =
    error instanceof StateError ? error.message : `${error.name}${code === undefined ? '' : ` ${code}`}`;
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  const own = [printable(head), ...frames.map((line) => `    ${printable(line.trim())}`)].join('\n');
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}
