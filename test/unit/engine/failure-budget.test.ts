import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import type { EngineEvent } from '../../../src/engine/events.js';
import {
  type FailureBudget,
  failureLimit,
  isExceeded,
  parseFailureBudget,
} from '../../../src/engine/failure-budget.js';
import type { HostReport } from '../../../src/engine/run-host.js';
import { runHosts } from '../../../src/engine/run-hosts.js';

const report = (host: string, fails: boolean): HostReport => ({
  host,
  recap: { ok: 0, changed: 0, skipped: 0, failed: fails ? 1 : 0, unreachable: 0 },
  tasks: [],
  milliseconds: 1,
  ...(fails && { error: new StateError({ kind: 'unreachable', code: 'x.y', what: 'It failed', host }) }),
});

async function run(failing: readonly boolean[], forks: number, budget: FailureBudget | undefined) {
  const events: EngineEvent[] = [];
  const hosts = failing.map((fails, index) => ({ name: `web${index}`, fails }));
  const limit = failureLimit(
    budget,
    hosts,
    (event) => events.push(event),
    ({ name }) => name,
    (found) => found,
  );
  const begun: string[] = [];
  const reports = await runHosts(
    hosts,
    forks,
    async ({ name, fails }) => {
      begun.push(name);
      await new Promise((resolve) => setImmediate(resolve));
      return report(name, fails);
    },
    limit,
  );
  const codes = reports.map(({ error }) => error?.code ?? 'ok');
  return { reports, begun, events, codes };
}

describe('a failure budget', () => {
  it.each([
    ['3', { hosts: 3 }],
    ['0', { hosts: 0 }],
    ['20%', { percent: 20 }],
    [' 100% ', { percent: 100 }],
    ['101%', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['%', undefined],
    ['', undefined],
  ])('is read from "%s"', (text, budget) => {
    expect(parseFailureBudget(text)).toEqual(budget);
  });

  it('is exceeded by more failures than it allows, not by as many', () => {
    expect([1, 2, 3].map((failures) => isExceeded({ hosts: 2 }, failures, 10))).toEqual([false, false, true]);
    expect([1, 2, 3].map((failures) => isExceeded({ percent: 20 }, failures, 10))).toEqual([
      false,
      false,
      true,
    ]);
    expect(isExceeded({ percent: 0 }, 0, 10)).toBe(false);
    expect(isExceeded({ percent: 100 }, 10, 10)).toBe(false);
  });

  it('keeps further hosts from being begun, and reports each of them as failed', async () => {
    const { codes, begun, events, reports } = await run([true, false, true, false, true], 1, { hosts: 1 });
    expect(codes).toEqual(['x.y', 'ok', 'x.y', 'run.not-started', 'run.not-started']);
    expect(begun).toEqual(['web0', 'web1', 'web2']);
    expect(reports[3]?.error).toMatchObject({
      kind: 'failed',
      host: 'web3',
      why: expect.stringContaining('--max-failures 1'),
    });
    expect(events).toMatchObject([
      { type: 'warning', host: 'web3' },
      { type: 'warning', host: 'web4' },
    ]);
  });

  it('that is not given lets no host stop another', async () => {
    const { begun } = await run([true, true, true, true], 2, undefined);
    expect(begun).toHaveLength(4);
  });

  it('is never overrun by more than what was under way, and every host is reported once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 5 }),
        async (failing, forks, hosts) => {
          const { codes, begun } = await run(failing, forks, { hosts });
          expect(codes).toHaveLength(failing.length);
          expect(codes.filter((code) => code === 'x.y').length).toBeLessThanOrEqual(hosts + forks);
          expect(begun.length + codes.filter((code) => code === 'run.not-started').length).toBe(
            failing.length,
          );
          const all = failing.filter(Boolean).length;
          if (all <= hosts) expect(begun).toHaveLength(failing.length);
        },
      ),
      { numRuns: 60 },
    );
  });
});
