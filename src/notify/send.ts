import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, StateError } from '../core/errors.js';
import type { Secret } from '../core/secret.js';

const TIMEOUT_MS = 10_000;
const ATTEMPTS = 3;
const PAUSE_MS = 1000;

export interface Sending {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Sends one HTTP POST, and again when the other side has a bad moment. The address is a secret, as whoever knows it may
 * send too: errors name its host alone.
 *
 * @throws StateError `notify.not-delivered`
 */
export async function send(address: Secret, { headers = {}, body = '' }: Sending): Promise<void> {
  let why = '';
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    if (attempt > 1) await sleep(PAUSE_MS * attempt);
    const outcome = await attemptOf(address, headers, body);
    if (outcome === undefined) return;
    why = outcome.why;
    if (!outcome.again) break;
  }
  throw new StateError({
    kind: 'failed',
    code: 'notify.not-delivered',
    what: `${hostOf(address)} did not take the notification`,
    why,
    next: 'check the address in the inventory; the run itself is not affected',
  });
}

async function attemptOf(
  address: Secret,
  headers: Readonly<Record<string, string>>,
  body: string,
): Promise<{ why: string; again: boolean } | undefined> {
  try {
    const answer = await fetch(address.reveal(), {
      method: 'POST',
      headers,
      body,
      // A redirect could carry the message to somebody else.
      redirect: 'error',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.body?.cancel();
    if (answer.ok) return undefined;
    return {
      why: `it answered with status ${answer.status}`,
      again: answer.status >= 500 || answer.status === 429,
    };
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const text = messageOf(cause);
    return { why: text.includes(address.reveal()) ? 'the request failed' : text, again: true };
  }
}

/** Host and port of an address: as much as may be told of it. */
export function hostOf(address: Secret): string {
  try {
    return new URL(address.reveal()).host;
  } catch {
    return 'the address';
  }
}
