import { beforeEach, describe, expect, it } from 'vitest';
import type { TaskReporter } from '../../../src/engine/task.js';
import { EarlyPulls } from '../../../src/operations/backup/early-pulls.js';

const HOST = 'host';
let told: string[];
beforeEach(() => {
  told = [];
});

describe('pulls that are begun early', () => {
  it('work at the same time', async () => {
    const early = new EarlyPulls();
    const meet = meeting(3);
    early.begin(
      ['a', 'b', 'c'].map((name) => artifact(name, async () => meet())),
      HOST,
      reporter('none'),
    );
    await Promise.all(['a', 'b', 'c'].map((name) => early.take(name, reporter(name))));
    expect(early.take('d', reporter('d'))).toBeUndefined();
  });

  it('tell what they did as the step whose turn it is', async () => {
    const early = new EarlyPulls();
    const moves = artifact('a', async (reporting) => {
      reporting.moved(7);
      reporting.warn('odd');
    });
    early.begin([moves], HOST, reporter('first'));
    await new Promise(setImmediate);
    expect(told).toEqual([]);
    expect(await early.take('a', reporter('a'))).toBe('a pulled from the host');
    expect(told).toEqual(['a moved 7', 'a warns odd']);
  });

  it("fail at their turn, and are nobody's when it does not come", async () => {
    const early = new EarlyPulls();
    const fails = artifact('a', () => Promise.reject(new Error('not there')));
    early.begin([fails, { ...fails, name: 'b' }], HOST, reporter('none'));
    await new Promise(setImmediate);
    await expect(early.take('a', reporter('a'))).rejects.toThrow('not there');
    await early.end();
  });

  it('are ended and waited for', async () => {
    const early = new EarlyPulls();
    let isAtWork = true;
    const waits = artifact(
      'a',
      ({ signal }) =>
        new Promise<void>((_resolve, reject) => {
          signal.addEventListener('abort', () => {
            isAtWork = false;
            reject(signal.reason);
          });
        }),
    );
    early.begin([waits], HOST, reporter('none'));
    await early.end();
    expect(isAtWork).toBe(false);
  });
});

function artifact(name: string, work: (reporter: TaskReporter) => Promise<void>) {
  return {
    name,
    pull: async (host: string, reporting: TaskReporter) => {
      await work(reporting);
      return `${name} pulled from the ${host}`;
    },
  };
}

function reporter(step: string): TaskReporter {
  return {
    signal: new AbortController().signal,
    moved: (bytes) => told.push(`${step} moved ${bytes}`),
    line: () => undefined,
    warn: (message) => told.push(`${step} warns ${message}`),
  };
}

/** Resolves for all when so many wait for each other. */
function meeting(count: number): () => Promise<void> {
  let missing = count;
  let open = (): void => undefined;
  const met = new Promise<void>((resolve) => {
    open = resolve;
  });
  return () => {
    missing -= 1;
    if (missing === 0) open();
    return met;
  };
}
