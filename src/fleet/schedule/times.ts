import { hashOf } from '../job.js';

/** When something is due again and again: every so many milliseconds, counted from the epoch plus an offset. */
export interface Times {
  readonly every: number;
  readonly offset: number;
}

/**
 * When an operation of a host is due. The offset is the start of the day's window and the host's own place in it: worked out
 * from its name, so that it is the same on every machine and every day.
 */
export function timesOf(
  { every, start, jitter }: { readonly every: number; readonly start: number; readonly jitter: number },
  host: string,
  operation: string,
): Times {
  const spread = Math.min(jitter, every);
  const place = Number.parseInt(hashOf(`${operation} ${host}`).slice(0, 8), 16) / 2 ** 32;
  // Whole seconds: the name of a round has no others.
  return { every: every * 1000, offset: ((start + Math.floor(place * spread)) % every) * 1000 };
}

export function lastTime({ every, offset }: Times, now: number): number {
  return Math.floor((now - offset) / every) * every + offset;
}

/** What BullMQ keeps of it, in place of a pattern of cron. */
export function showTimes({ every, offset }: Times): string {
  return `${every}+${offset}`;
}

/** The first moment after another one. Milliseconds; undefined for a pattern that is not ours. */
export function nextTime(after: number, pattern: string): number | undefined {
  const [, every = '', offset = ''] = /^([1-9]\d{0,14})\+(\d{1,15})$/.exec(pattern) ?? [];
  if (every === '') return undefined;
  const times = { every: Number(every), offset: Number(offset) };
  return lastTime(times, after) + times.every;
}
