import { expect, it } from 'vitest';
import { drillSummary } from '../../../src/cli/drill-summary.js';
import { StateError } from '../../../src/core/errors.js';
import type { DrillReport } from '../../../src/operations/drill/drill.js';

const REPORT: DrillReport = {
  host: 'web1',
  recap: { ok: 1, changed: 0, skipped: 0, failed: 0, unreachable: 0 },
  tasks: [],
  milliseconds: 1,
  startedAt: new Date(0),
  proofs: [],
  stored: ['file:/repository/x.json'],
  evidence: {
    type: 'coolify-state.drill',
    format: 1,
    tool: '0.1.0',
    drill: '01234567',
    startedAt: '2026-01-01T02:00:00.000Z',
    finishedAt: '2026-01-01T02:05:00.000Z',
    outcome: 'passed',
    snapshot: {
      id: '3fa90c1b',
      host: 'web1',
      object: 'x',
      sha256: 'a'.repeat(64),
      read: true,
      size: 10,
      createdAt: '2026-01-01T00:00:00.000Z',
      recipients: [],
    },
    target: { kind: 'container', name: 'one', began: 'prepared' },
    isolation: {
      guaranteed: true,
      before: [{ name: 'no-route', ok: true, detail: 'none' }],
      after: [],
    },
    proofs: {
      snapshot: [{ name: 'dump', ok: true, detail: 'a | b' }],
      restored: [{ name: 'rows', ok: false, detail: '<b>[x](y)' }],
    },
    recovery: { seconds: 250, limitSeconds: 900, ok: true },
    dataAge: { seconds: 7200, ok: true },
    apart: { preparation: 95 },
    steps: [],
  },
};

it('tells outcome, snapshot, times and limits of each host in one row', () => {
  expect(drillSummary([REPORT])).toContain(
    '| web1 | passed | 3fa90c1b of 2026-01-01T00:00Z | 4min 10s (15min allowed) | 2h old | stored |',
  );
});

it('lists all proofs, and lets no text from a host become a table, a tag or a link', () => {
  const text = drillSummary([REPORT]);
  expect(text).toContain('| cut off | no-route | proven | none |');
  expect(text).toContain('| snapshot | dump | proven | a \\| b |');
  expect(text).toContain('| restored | rows | **FAILED** | &lt;b>\\[x](y) |');
});

it('tells of a drill that was not carried out, and why', () => {
  const { evidence: _evidence, ...rest } = REPORT;
  const error = new StateError({ kind: 'failed', code: 'docker.silent', what: 'No Docker engine answers' });
  const text = drillSummary([{ ...rest, error }]);
  expect(text).toContain('| web1 | **NOT CARRIED OUT** |');
  expect(text).toContain('**No Docker engine answers**');
});
