import type { FailureFacts, StateError } from '../core/errors.js';
import { printable } from '../core/terminal-text.js';

/**
 * The one place where an error becomes text: what failed, on which host, why, what to do next. Everything in it may
 * come from a host and is made safe to print.
 */
export function renderError(error: StateError, { debug = false }: { readonly debug?: boolean } = {}): string {
  const where = error.host === undefined ? '' : ` [${printable(error.host)}]`;
  const lines = [`error${where}: ${printable(error.what)}`];
  if (error.why !== undefined)
    lines.push(`  why:  ${printable(error.why, { multiline: true }).replaceAll('\n', '\n        ')}`);
  if (error.detail !== undefined) {
    for (const line of error.detail.split('\n')) lines.push(`  | ${printable(line)}`);
  }
  if (error.next !== undefined) lines.push(`  next: ${printable(error.next)}`);
  lines.push(`  code: ${error.code}`);
  if (debug) lines.push(stackOf(error));
  return lines.join('\n');
}

/** The same facts for `--json`. */
export function errorFacts(error: StateError): Omit<FailureFacts, 'cause'> {
  return error.toJSON();
}

function stackOf(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by ${stackOf(error.cause)}` : own;
}
