import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import type { Evidence } from '../../../src/operations/drill/evidence.js';
import { type AttentionFacts, attentionOf } from '../../../src/operations/report/attention.js';
import type { SnapshotLine } from '../../../src/operations/snapshots/list-snapshots.js';

const NOW = new Date('2026-02-01T00:00:00Z');

const line = (changes: Partial<SnapshotLine> = {}): SnapshotLine => ({
  host: 'web1',
  where: 'first',
  kind: 'snapshot',
  id: '3fa90c1b',
  createdAt: '2026-01-31T12:00:00.000Z',
  size: 1,
  coolify: undefined,
  postgres: undefined,
  recipients: [],
  standing: 'good',
  proven: true,
  ...changes,
});

const drill = (changes: Partial<Evidence> = {}): Evidence => ({
  type: 'coolify-state.drill',
  format: 1,
  tool: '0.1.0',
  drill: '01234567',
  startedAt: '2026-01-20T00:00:00Z',
  finishedAt: '2026-01-20T00:05:00Z',
  outcome: 'passed',
  snapshot: {
    ...{ id: '3fa90c1b', host: 'web1', object: 'x', sha256: 'a'.repeat(64), read: true, size: 1 },
    createdAt: '2026-01-19T00:00:00Z',
    recipients: [],
  },
  target: { kind: 'container', name: 'one', began: 'prepared' },
  isolation: { guaranteed: true, before: [], after: [] },
  proofs: { snapshot: [], restored: [] },
  dataAge: { seconds: 1, ok: true },
  apart: {},
  steps: [],
  ...changes,
});

const said = (changes: Partial<AttentionFacts>): string[] =>
  attentionOf({
    lines: [line()],
    drills: [drill()],
    dataAgeLimit: undefined,
    places: 1,
    errors: [],
    now: NOW,
    ...changes,
  }).map(({ grave, what }) => `${grave ? '! ' : ''}${what}`);

describe('what needs attention', () => {
  it('is nothing for a host with a fresh proven snapshot and a drill of this month', () => {
    expect(said({})).toEqual([]);
  });

  it('is a newest snapshot that is older than the inventory allows, or than two days where it says nothing', () => {
    expect(said({ dataAgeLimit: 3600 })).toEqual(['! The newest good snapshot is 12h old, 1h are allowed']);
    expect(said({ lines: [line({ createdAt: '2026-01-29T00:00:00.000Z' })] })).toEqual([
      '! The newest good snapshot is 3d old, 2d are allowed',
    ]);
  });

  it('is a host without a good snapshot, whatever stands on this machine', () => {
    expect(said({ lines: [line({ kind: 'generation' })], drills: [] })).toEqual([
      '! There is no good snapshot in any repository',
    ]);
    expect(said({ lines: [line({ kind: 'generation' })], drills: [], places: 0 })[0]).toContain(
      'No repository is set',
    );
  });

  it('is every snapshot that is not to be relied on, but not the way back of a restore', () => {
    const lines = [
      line(),
      line({ id: 'bad', standing: 'unproven', problem: 'not proven: dump' }),
      line({ standing: 'aside' }),
    ];
    expect(said({ lines })).toEqual(['! The snapshot bad in first is not to be relied on: not proven: dump']);
  });

  it('is a drill that never was, failed, was late, or is long ago; the last one counts', () => {
    expect(said({ drills: [] })).toEqual(['No snapshot has ever been restored for a trial']);
    expect(said({ drills: [drill({ outcome: 'failed' })] })).toEqual([
      '! The last drill, of 2026-01-20, failed',
    ]);
    expect(said({ drills: [drill({ outcome: 'late' })] })[0]).toContain('did not keep the limits');
    expect(said({ drills: [drill({ startedAt: '2025-12-01T00:00:00Z' })] })).toEqual([
      'The last drill is 62d ago',
    ]);
    expect(said({ drills: [drill(), drill({ outcome: 'failed' })] })).toEqual([]);
  });

  it('is a repository that cannot be read, or lacks the newest snapshot', () => {
    const errors = [new StateError({ kind: 'failed', code: 'x', what: 'It does not answer' })];
    expect(said({ errors })).toEqual(['! It does not answer']);
    const lines = [line(), line({ where: 'second', id: 'older', createdAt: '2026-01-31T00:00:00.000Z' })];
    expect(said({ lines })).toEqual(['second does not have the newest snapshot 3fa90c1b']);
  });
});
