import { messageOf, StateError } from '../../core/errors.js';
import { printable } from '../../core/terminal-text.js';
import { abortFailure, alreadyExists, notFound } from '../failures.js';
import { answerOf, type S3Attempt, sentenceFor } from './sentences.js';

/**
 * What the SDK, the store or the network threw, with a sentence for each cause. Errors of ours pass unchanged, and an
 * aborted signal explains everything. The store's own message is kept in `detail`.
 */
export function s3Failure(error: unknown, attempt: S3Attempt): StateError {
  if (attempt.signal?.aborted === true) return abortFailure(attempt.signal);
  if (error instanceof StateError) return error;
  const { name, status } = answerOf(error);
  const cause = withoutRequest(error);
  if (attempt.key !== undefined) {
    if (status === 412 || name === 'ConditionalRequestConflict') {
      return alreadyExists(attempt.location, attempt.key, cause);
    }
    if (name === 'NoSuchKey' || name === 'NotFound') return notFound(attempt.location, attempt.key, cause);
  }
  const sentence = sentenceFor(error, attempt);
  return new StateError({
    kind: sentence?.kind ?? 'failed',
    code: `repository.${sentence?.code ?? 'failed'}`,
    what: `${attempt.what} in ${attempt.location}`,
    why: sentence?.why ?? printable(messageOf(error)),
    next: sentence?.next ?? 'Try again; what this means is in the documentation of the store',
    ...(sentence !== undefined && { detail: printable(`${name}: ${messageOf(error)}`).slice(0, 500) }),
    cause,
  });
}

/** Whether trying again later may help: the codes that stand for the network or a store in trouble. */
export function isTransient(error: StateError): boolean {
  return TRANSIENT.has(error.code);
}

const TRANSIENT: ReadonlySet<string> = new Set(
  ['unreachable', 'connection-lost', 'busy', 'server-failed'].map((code) => `repository.${code}`),
);

/**
 * The SDK hangs the whole exchange on its errors: sockets, and a request whose headers hold the signature and the session
 * token. Whoever prints a cause must not print that.
 */
function withoutRequest(error: unknown): unknown {
  if (!(error instanceof Error) || !('$metadata' in error)) return error;
  const cause = new Error(printable(error.message));
  cause.name = printable(error.name);
  if (error.stack !== undefined) cause.stack = error.stack;
  return cause;
}
