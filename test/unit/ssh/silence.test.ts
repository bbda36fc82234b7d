import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { watchSilence } from '../../../src/ssh/silence.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe('a connection', () => {
  const watched = (intervalMs = 1000, patience = 3) => {
    const socket = new PassThrough();
    const silences: number[] = [];
    const stop = watchSilence(socket, { intervalMs, patience }, (silentMs) => silences.push(silentMs));
    return { socket, silences, stop };
  };
  const seconds = (count: number): void => {
    vi.advanceTimersByTime(count * 1000);
  };

  test('on which nothing comes is silent after one interval more than is borne, and once', () => {
    const { silences } = watched();
    seconds(4);
    expect(silences).toEqual([]);
    seconds(1);
    expect(silences).toEqual([4000]);
    seconds(60);
    expect(silences).toEqual([4000]);
  });

  test('is not silent while anything comes, however slowly', () => {
    const { socket, silences } = watched();
    for (let round = 0; round < 20; round += 1) {
      seconds(3);
      socket.emit('data', Buffer.from('.'));
    }
    expect(silences).toEqual([]);
  });

  test('is not silent because the program was stopped: one interval is all that is missed', () => {
    const { silences } = watched();
    vi.setSystemTime(Date.now() + 3_600_000);
    seconds(1);
    expect(silences).toEqual([]);
  });

  test('is borne without end when no keepalives are sent', () => {
    const { silences } = watched(0);
    seconds(100_000);
    expect(silences).toEqual([]);
  });

  test('is no longer listened to when it is closed', () => {
    const { socket, silences, stop } = watched();
    stop();
    seconds(60);
    expect(silences).toEqual([]);
    expect(socket.listenerCount('data')).toBe(0);
  });
});
