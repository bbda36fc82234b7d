import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { encodeEvidence, parseEvidence } from '../../../src/operations/drill/evidence.js';
import { type DrillFacts, evidenceOf, RecoveryClock } from '../../../src/operations/drill/record.js';
import type { RestoreReport } from '../../../src/operations/restore/run.js';
import { parseSnapshotKey, sidecarKey, snapshotId } from '../../../src/repository/snapshots/names.js';
import { encodeSidecar, parseSidecar } from '../../../src/repository/snapshots/sidecar.js';

const KEY = 'web1/coolify-state-web1-20260101T000000Z.tar.gz.age';
const SHA256 = 'a'.repeat(64);
const STARTED = new Date('2026-01-01T02:00:00Z');

function facts(changes: Partial<DrillFacts> = {}): DrillFacts {
  const name = parseSnapshotKey(KEY);
  if (name === undefined) throw new Error('no key of a snapshot');
  const subject = { key: KEY, createdAt: name.createdAt, size: 1000, sha256: SHA256 };
  const content = encodeSidecar(subject, {
    finishedAt: name.createdAt,
    files: 3,
    recipients: ['SHA256:someone'],
    tool: '0.1.0',
    coolify: '4.3.11',
    postgres: '15.4',
    proofs: [],
  });
  const sidecar = parseSidecar(sidecarKey(KEY), content);
  return {
    id: '01234567',
    startedAt: STARTED,
    finishedAt: new Date(STARTED.getTime() + 60_000),
    subject: {
      snapshot: { ...name, id: snapshotId(KEY), key: KEY, size: 1000, sidecar },
      place: { kind: 'directory', path: '/nowhere' },
      location: 'file:/nowhere',
    },
    settings: {
      image: undefined,
      volume: undefined,
      maxRecoverySeconds: undefined,
      maxDataAgeSeconds: undefined,
      evidenceKeyPath: undefined,
      evidenceSignersPath: undefined,
    },
    target: { kind: 'container', name: 'one', began: 'prepared' },
    isolation: { guaranteed: true, before: [], after: [] },
    restored: report(),
    ciphertext: SHA256,
    clock: clockOf(),
    preparationSeconds: 90,
    error: undefined,
    ...changes,
  };
}

function report(changes: Partial<RestoreReport> = {}): RestoreReport {
  return {
    host: 'web1',
    recap: { ok: 1, changed: 0, skipped: 0, failed: 0, unreachable: 0 },
    tasks: [
      { task: 'fetch the snapshot', status: 'ok', milliseconds: 1500 },
      { task: 'a step of others', status: 'skipped', milliseconds: 900 },
    ],
    milliseconds: 2400,
    proofs: [{ name: 'rows', ok: true, detail: 'all' }],
    sourceProofs: [{ name: 'dump', ok: true, detail: 'read' }],
    ...changes,
  };
}

/** Of a recovery that was so quick that it took no time. */
function clockOf(installMs = 0): RecoveryClock {
  const clock = new RecoveryClock();
  clock.take({ type: 'task-start', host: 'web1', task: 'fetch the snapshot' });
  if (installMs > 0)
    clock.take({
      type: 'task-end',
      host: 'web1',
      task: "run Coolify's installer",
      status: 'changed',
      milliseconds: installMs,
    });
  clock.stop();
  return clock;
}

const proofError = (code: string) =>
  new StateError({ kind: 'proof', code, what: 'The dump is cut off', why: 'it ends in the middle' });

describe('the record of a drill', () => {
  it('names the bytes that were read, tells age and times, and has passed', () => {
    const evidence = evidenceOf(facts());
    expect(evidence).toMatchObject({
      outcome: 'passed',
      snapshot: { id: snapshotId(KEY), sha256: SHA256, read: true, createdAt: '2026-01-01T00:00:00.000Z' },
      dataAge: { seconds: 7200, ok: true },
      recovery: { ok: true },
      apart: { preparation: 90 },
      steps: [{ name: 'fetch the snapshot', seconds: 1.5 }],
    });
  });

  it('is read back as it was written', () => {
    const evidence = evidenceOf(facts({ error: proofError('snapshot.unproven') }));
    expect(parseEvidence('x', encodeEvidence(evidence))).toEqual(evidence);
  });

  it('is late when the data is older than the inventory allows, although all is proven', () => {
    const settings = { ...facts().settings, maxDataAgeSeconds: 7199 };
    const evidence = evidenceOf(facts({ settings }));
    expect(evidence).toMatchObject({ outcome: 'late', dataAge: { limitSeconds: 7199, ok: false } });
    expect(evidence.failure).toBeUndefined();
    expect(evidenceOf(facts({ settings: { ...settings, maxDataAgeSeconds: 7200 } })).outcome).toBe('passed');
  });

  it('leaves the installation out of the recovery, and tells it apart', () => {
    const evidence = evidenceOf(facts({ clock: clockOf(30_000) }));
    expect(evidence.apart.installation).toBe(30);
    expect(evidence.recovery?.seconds).toBeLessThan(30);
  });

  it('has failed with the proof that failed', () => {
    const sourceProofs = [{ name: 'app-key', ok: false, detail: 'opens nothing' }];
    const error = proofError('snapshot.unproven');
    const clock = new RecoveryClock();
    const evidence = evidenceOf(
      facts({ restored: report({ error, sourceProofs, proofs: [] }), error, clock }),
    );
    expect(evidence.outcome).toBe('failed');
    expect(evidence.proofs.snapshot).toEqual(sourceProofs);
    expect(evidence.recovery).toBeUndefined();
    expect(evidence.failure).toMatchObject({ code: 'snapshot.unproven', why: 'it ends in the middle' });
  });

  it('names the error as the proof where the snapshot broke a reader before any proof was made', () => {
    const error = proofError('dump.truncated');
    const evidence = evidenceOf(facts({ restored: report({ error, sourceProofs: [], proofs: [] }), error }));
    expect(evidence.proofs.snapshot).toEqual([
      { name: 'dump.truncated', ok: false, detail: 'The dump is cut off: it ends in the middle' },
    ]);
  });

  it('says that the bytes were not read where the fetch failed', () => {
    const { snapshot } = evidenceOf(facts({ ciphertext: undefined, error: proofError('archive.truncated') }));
    expect(snapshot).toMatchObject({ read: false, sha256: SHA256 });
  });

  it('is refused when it is anything else', () => {
    for (const text of ['', '{}', 'null', '{"type":"coolify-state.drill","format":2}'])
      expect(() => parseEvidence('x.json', Buffer.from(text))).toThrow(/x\.json is no evidence of a drill/);
  });
});
