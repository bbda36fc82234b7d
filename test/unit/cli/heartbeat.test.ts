import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Heartbeat } from '../../../src/cli/heartbeat.js';
import type { EngineEvent } from '../../../src/engine/events.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('tells from time to time how far a long step is, where nothing is drawn, and nothing of a short one', () => {
  const told: string[] = [];
  const passed: EngineEvent[] = [];
  const heartbeat = new Heartbeat(
    (event) => passed.push(event),
    (text) => told.push(text),
  );
  const host = 'web1';
  const task = 'pull the dump';
  heartbeat.emit({ type: 'host-start', host });
  heartbeat.emit({ type: 'task-start', host, task });
  for (let second = 0; second <= 60; second++) {
    heartbeat.emit({
      type: 'task-progress',
      host,
      task,
      bytes: second * 1024 * 1024,
      progress: { done: second, total: 100 },
    });
    vi.advanceTimersByTime(1000);
  }
  expect(told).toEqual([
    'web1  ...      pull the dump: 30.0 s so far, 29.0 MiB, 1.00 MiB/s, about 1 min left',
    'web1  ...      pull the dump: 1 min 0 s so far, 59.0 MiB, 1.00 MiB/s, about 40 s left',
  ]);
  heartbeat.emit({ type: 'task-end', host, task, status: 'ok', milliseconds: 61_000 });
  vi.advanceTimersByTime(60_000);
  heartbeat.stop();
  expect(told).toHaveLength(2);
  expect(passed).toHaveLength(64);
});
