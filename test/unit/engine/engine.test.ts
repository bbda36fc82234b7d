import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import type { EngineEvent } from '../../../src/engine/events.js';
import { runTasks } from '../../../src/engine/run-host.js';
import { runHosts } from '../../../src/engine/run-hosts.js';
import { readTask, type Task, workTask } from '../../../src/engine/task.js';

interface Log {
  readonly applied: string[];
}

const change = (name: string, inspection: Awaited<ReturnType<Task<Log>['inspect']>>): Task<Log> => ({
  name,
  kind: 'change',
  inspect: () => Promise.resolve(inspection),
  apply: async ({ applied }) => {
    applied.push(name);
    return undefined;
  },
});

const noted =
  (name: string) =>
  async ({ applied }: Log) => {
    applied.push(name);
    return `${name} done`;
  };

async function run(tasks: Task<Log>[], options: { check?: boolean; signal?: AbortSignal } = {}) {
  const log: Log = { applied: [] };
  const events: EngineEvent[] = [];
  const report = await runTasks('host', tasks, log, {
    check: options.check ?? false,
    signal: options.signal ?? new AbortController().signal,
    emit: (event) => events.push(event),
  });
  return { report, events, applied: log.applied };
}

const TASKS: Task<Log>[] = [
  readTask('look', noted('look')),
  workTask('pull', noted('pull')),
  change('put', { summary: 'put it', diff: ['a -> b'] }),
  change('same', { unchanged: 'it is there' }),
  change('not here', { skip: 'no such thing' }),
];

describe('the tasks of a host', () => {
  it('are counted by what became of them', async () => {
    const { report, applied } = await run(TASKS);
    expect(report.recap).toEqual({ ok: 3, changed: 1, skipped: 1, failed: 0, unreachable: 0 });
    expect(report.tasks.map(({ status, note }) => [status, note])).toEqual([
      ['ok', 'look done'],
      ['ok', 'pull done'],
      ['changed', 'put it'],
      ['ok', 'it is there'],
      ['skipped', 'no such thing'],
    ]);
    expect(applied).toEqual(['look', 'pull', 'put']);
  });

  it('only look in check mode, and tell what they would change', async () => {
    const { report, applied } = await run(TASKS, { check: true });
    expect(applied).toEqual(['look']);
    expect(report.tasks[2]).toMatchObject({ status: 'changed', note: 'would put it', diff: ['a -> b'] });
    expect(report.tasks[1]).toMatchObject({ status: 'skipped' });
  });

  it('end with the first that fails, and the report says on which host', async () => {
    const broken = readTask<Log>('break', () =>
      Promise.reject(new StateError({ kind: 'proof', code: 'x.y', what: 'It broke' })),
    );
    const { report, applied, events } = await run([broken, ...TASKS]);
    expect(applied).toEqual([]);
    expect(report.error).toMatchObject({ code: 'x.y', host: 'host' });
    expect(report.recap).toEqual({ ok: 0, changed: 0, skipped: 0, failed: 1, unreachable: 0 });
    expect(events.map(({ type }) => type)).toEqual(['host-start', 'task-start', 'task-end', 'host-end']);
  });

  it('count a host that cannot be reached apart', async () => {
    const gone = readTask<Log>('connect', () =>
      Promise.reject(new StateError({ kind: 'unreachable', code: 'x.y', what: 'Gone' })),
    );
    expect((await run([gone])).report.recap).toEqual({
      ok: 0,
      changed: 0,
      skipped: 0,
      failed: 0,
      unreachable: 1,
    });
  });

  it('do not begin after the signal has fired', async () => {
    const controller = new AbortController();
    controller.abort();
    const { report, applied } = await run(TASKS, { signal: controller.signal });
    expect(applied).toEqual([]);
    expect(report.error?.kind).toBe('interrupted');
  });

  it('add up the bytes they move', async () => {
    const moving = readTask<Log>('move', async (_log, { moved }) => {
      moved(3);
      moved(4);
      return undefined;
    });
    const { report, events } = await run([moving]);
    expect(report.tasks[0]?.bytes).toBe(7);
    expect(events.filter(({ type }) => type === 'task-progress')).toHaveLength(2);
  });
});

describe('runHosts', () => {
  it('never works on more hosts than forks, and reports in the order asked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        async (waits, forks) => {
          let running = 0;
          let most = 0;
          const results = await runHosts(waits, forks, async (wait) => {
            most = Math.max(most, ++running);
            for (let turn = 0; turn < wait; turn++) await new Promise((resolve) => setImmediate(resolve));
            running--;
            return wait;
          });
          expect(results).toEqual(waits);
          expect(most).toBeLessThanOrEqual(forks);
          expect(most).toBe(Math.min(forks, waits.length));
        },
      ),
      { numRuns: 40 },
    );
  });
});
