import { setTimeout as sleep } from 'node:timers/promises';
import { errnoOf, StateError } from '../core/errors.js';

export interface Retrying {
  /** Attempts after the first. */
  readonly retries: number;
  readonly signal: AbortSignal;
  /** Hears of every failure that is followed by another attempt. */
  readonly onRetry?: (error: StateError, retry: number, pauseMs: number) => void;
  /** Waits; given by tests. */
  readonly wait?: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Tries again what failed for a reason that may pass, with pauses that double (1, 2, 4 ... 30 s, each a quarter more
 * or less, so that many hosts behind one door do not knock together).
 * @throws the last attempt's error; the signal's reason
 */
export async function withRetries<T>(attempt: () => Promise<T>, settings: Retrying): Promise<T> {
  const { retries, signal, onRetry, wait = pause } = settings;
  for (let retry = 1; ; retry += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (retry > retries || signal.aborted || !(error instanceof StateError) || !mayPass(error)) throw error;
      const pauseMs = pauseBefore(retry);
      onRetry?.(error, retry, pauseMs);
      await wait(pauseMs, signal);
    }
  }
}

/**
 * Whether another attempt may fare better: the host is restarting, has too many guests, or the network hiccups.
 * Never for a refused key, password or host key: trying again would lock accounts, or wear down a warning.
 */
export function mayPass(error: StateError): boolean {
  if (error.code === 'ssh.name-unknown') return errnoOf(error.cause) === 'EAI_AGAIN';
  return PASSING.has(error.code);
}

/** Milliseconds to wait before a retry, the first of which is 1. */
export function pauseBefore(retry: number, random: () => number = Math.random): number {
  const whole = Math.min(LONGEST_MS, FIRST_MS * 2 ** (retry - 1));
  return Math.round(whole * (0.75 + random() / 2));
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  try {
    await sleep(milliseconds, undefined, { signal });
  } catch {
    signal.throwIfAborted();
  }
}

const FIRST_MS = 1000;
const LONGEST_MS = 30_000;

const PASSING: ReadonlySet<string> = new Set([
  'ssh.refused',
  'ssh.unreachable',
  'ssh.connect-timeout',
  'ssh.silent',
  'ssh.handshake-timeout',
  'ssh.closed-early',
  'ssh.jump-refused',
]);
