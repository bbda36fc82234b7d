import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { mayPass, pauseBefore, withRetries } from '../../../src/ssh/retry.js';

/** Attempts that fail with these codes, one after the other, and then succeed. */
function failing(...codes: readonly string[]): {
  readonly attempt: () => Promise<string>;
  readonly made: () => number;
} {
  let made = 0;
  return {
    made: () => made,
    attempt: async () => {
      const code = codes[made];
      made += 1;
      if (code !== undefined) throw unreachable(code);
      return 'connected';
    },
  };
}

function unreachable(code: string, cause?: unknown): StateError {
  return new StateError({ kind: 'unreachable', code, what: 'It failed', cause });
}

const patient = { retries: 3, signal: new AbortController().signal, wait: async () => undefined };

describe('connecting', () => {
  test('is tried again while the reason may pass, and tells of every failure', async () => {
    const host = failing('ssh.refused', 'ssh.closed-early', 'ssh.connect-timeout');
    const heard: unknown[] = [];
    const onRetry = (error: StateError, retry: number): number => heard.push([retry, error.code]);
    expect(await withRetries(host.attempt, { ...patient, onRetry })).toBe('connected');
    expect(heard).toEqual([
      [1, 'ssh.refused'],
      [2, 'ssh.closed-early'],
      [3, 'ssh.connect-timeout'],
    ]);
  });

  test('is tried as often as it was said, and then fails with the last reason', async () => {
    const host = failing('ssh.refused', 'ssh.refused', 'ssh.refused', 'ssh.silent', 'ssh.refused');
    await expect(withRetries(host.attempt, patient)).rejects.toMatchObject({ code: 'ssh.silent' });
    expect(host.made()).toBe(4);
  });

  test('is tried once when no retries are asked for', async () => {
    const host = failing('ssh.refused');
    await expect(withRetries(host.attempt, { ...patient, retries: 0 })).rejects.toMatchObject({
      code: 'ssh.refused',
    });
    expect(host.made()).toBe(1);
  });

  test.each([
    'ssh.auth-failed',
    'ssh.closed-during-login',
    'ssh.password-expired',
    'ssh.host-key-unknown',
    'ssh.host-key-changed',
    'ssh.host-key-revoked',
    'ssh.host-key-not-pinned',
    'ssh.host-key-uncheckable',
    'ssh.host-certificate-invalid',
    'ssh.not-ssh',
    'ssh.no-common-algorithm',
    'ssh.jump-forbidden',
    'ssh.connection-lost',
  ])('is never tried again after %s', async (code) => {
    const host = failing(code);
    await expect(withRetries(host.attempt, patient)).rejects.toMatchObject({ code });
    expect(host.made()).toBe(1);
  });

  test('is tried again when the name service does not answer, not when it knows no such name', () => {
    const because = (code: string): StateError =>
      unreachable('ssh.name-unknown', Object.assign(new Error(code), { code }));
    expect(mayPass(because('EAI_AGAIN'))).toBe(true);
    expect(mayPass(because('ENOTFOUND'))).toBe(false);
  });

  test('ends in the middle of a pause when it is given up', async () => {
    const stop = new AbortController();
    const host = failing('ssh.refused', 'ssh.refused');
    const reason = new Error('enough');
    const waiting = withRetries(host.attempt, {
      retries: 5,
      signal: stop.signal,
      onRetry: () => stop.abort(reason),
    });
    await expect(waiting).rejects.toBe(reason);
    expect(host.made()).toBe(1);
  });

  test('does not take an error of another kind for one that passes', async () => {
    const broken = async (): Promise<never> => {
      throw new TypeError('a fault of the program');
    };
    await expect(withRetries(broken, patient)).rejects.toThrow(TypeError);
  });
});

describe('the pauses', () => {
  test('double up to half a minute', () => {
    const middle = (): number => 0.5;
    expect([1, 2, 3, 4, 5, 6, 7, 50].map((retry) => pauseBefore(retry, middle))).toEqual([
      1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000,
    ]);
  });

  test('differ by at most a quarter', () => {
    const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), random, (retry, chance) => {
        const middle = pauseBefore(retry, () => 0.5);
        const pause = pauseBefore(retry, () => chance);
        expect(pause).toBeGreaterThanOrEqual(middle * 0.75);
        expect(pause).toBeLessThanOrEqual(middle * 1.25);
      }),
    );
  });
});
