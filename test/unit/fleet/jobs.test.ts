import { describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { jobId, readJob, roundOfJob } from '../../../src/fleet/job.js';
import { type Lane, mergedLanes } from '../../../src/fleet/lane.js';
import { encodeFailure, readFailure, readResult } from '../../../src/fleet/result.js';
import { dispositionOf } from '../../../src/fleet/worker/disposition.js';
import { lackOfRoom } from '../../../src/fleet/worker/room.js';
import { Turns } from '../../../src/fleet/worker/turns.js';
import { newRound, parseRound, roundAt } from '../../../src/operations/backup/round.js';

const job = { format: 1, operation: 'backup', host: 'web1', round: '20261127T020000Z' };

describe('what stands in a queue', () => {
  it('is read as a job', () => {
    expect(readJob(job)).toEqual({ kind: 'job', job });
    expect(readJob({ ...job, more: 'of a later version of this format' }).kind).toBe('job');
  });

  it('is left alone when it has another format, whatever it says', () => {
    expect(readJob({ ...job, format: 2 }).kind).toBe('foreign');
    expect(readJob({ format: 7, sites: ['a'] }).kind).toBe('foreign');
  });

  it.each([
    undefined,
    null,
    'text',
    {},
    { ...job, host: '' },
    { ...job, operation: 'restore' },
    { ...job, round: '../../etc' },
    { ...job, round: '20261327T020000Z' },
  ])('is no job: %j', (data) => {
    expect(readJob(data).kind).toBe('invalid');
  });
});

describe('a round', () => {
  it('is read again from its name, with the moment it began', () => {
    const round = newRound(new Date(Date.UTC(2026, 10, 27, 2, 3, 4, 567)));
    expect(parseRound(round.id)?.since).toEqual(new Date(Date.UTC(2026, 10, 27, 2, 3, 4)));
    expect(round.id).toMatch(/^20261127T020304Z-[0-9a-f]{6}$/);
    expect(newRound(round.since).id).not.toBe(round.id);
  });

  it('of a schedule is the moment for which a job was made, for every machine the same', () => {
    const { round: _round, ...scheduled } = job;
    const found = readJob(scheduled);
    expect(found.kind).toBe('job');
    if (found.kind !== 'job') return;
    const moment = Date.UTC(2026, 10, 27, 2);
    expect(roundOfJob(found.job, moment)).toEqual(roundAt(new Date(moment)));
    expect(roundOfJob(found.job, undefined)).toBeUndefined();
  });

  it('makes names of jobs that differ by host and operation, and are safe as keys', () => {
    const round = roundAt(new Date(0));
    const ids = ['web1', 'web2', 'a:b', 'ü'].map((host) => jobId('backup', host, round));
    expect(new Set(ids).size).toBe(4);
    for (const id of ids) expect(id).toMatch(/^backup-19700101T000000Z-[0-9a-f]{16}$/);
  });
});

describe('what becomes of a job that failed', () => {
  const error = (kind: StateError['kind'], code = 'x.y') => new StateError({ kind, code, what: 'No' });

  it.each([
    ['unreachable', 'ssh.refused', 'retry'],
    ['unreachable', 'ssh.connect-timeout', 'retry'],
    ['unreachable', 'ssh.auth-failed', 'dead'],
    ['unreachable', 'ssh.host-key-changed', 'dead'],
    ['locked', 'repository.locked', 'retry'],
    ['locked', 'repository.lease-lost', 'retry'],
    ['failed', 'repository.unreachable', 'retry'],
    ['failed', 'drill.late', 'dead'],
    ['usage', 'settings.invalid', 'dead'],
    ['proof', 'backup.unproven', 'dead'],
    ['proof', 'dump.truncated', 'retry'],
    ['interrupted', 'interrupted', 'back'],
  ] as const)('%s %s: %s', (kind, code, expected) => {
    expect(dispositionOf(error(kind, code))).toBe(expected);
  });

  it('keeps the reason as it was, without the cause and the output of commands', () => {
    const failure = new StateError({
      kind: 'proof',
      code: 'backup.unproven',
      what: 'It is not proven',
      why: 'a table is missing',
      next: 'look',
      host: 'web1',
      detail: 'password=hunter2',
      cause: new Error('hunter2'),
    });
    const text = encodeFailure(failure);
    expect(text).not.toContain('hunter2');
    const { cause: _cause, detail: _detail, ...facts } = failure.facts();
    expect(readFailure(text)).toEqual(facts);
  });

  it('tells what BullMQ says itself', () => {
    expect(readFailure('job stalled more than allowable limit')).toMatchObject({
      code: 'fleet.job-failed',
      what: 'The job has lost its worker again and again',
    });
    expect(readFailure('{"kind":"surprise"}').code).toBe('fleet.job-failed');
    expect(readResult({ outcome: 'done' })).toBeUndefined();
  });
});

describe('whose turn it is', () => {
  const lane = (group: string, name = group): Lane => ({ name, group, places: [], identity: false });

  it('goes around the groups, and within one around its lanes', () => {
    const lanes = [lane('a', 'a1'), lane('a', 'a2'), lane('b'), lane('c')];
    const turns = new Turns();
    const served = Array.from({ length: 8 }, () => {
      const [next] = turns.order(lanes);
      if (next !== undefined) turns.served(next);
      return next?.name;
    });
    expect(served).toEqual(['a1', 'b', 'c', 'a2', 'b', 'c', 'a1', 'b']);
  });
});

describe('the lanes of an inventory', () => {
  it('have the lower limit where hosts name different ones', () => {
    const one: Lane = { name: 'x', group: 'a', places: [], identity: false, groupLimit: 5 };
    const merged = mergedLanes([
      one,
      { ...one, groupLimit: 2, repositoryLimit: 9 },
      { ...one, groupLimit: 7 },
    ]);
    expect([...merged.values()]).toEqual([{ ...one, groupLimit: 2, repositoryLimit: 9 }]);
  });
});

describe('room for a further job', () => {
  it('is there without limits, and within them', () => {
    const now = { memory: 500, load: 1.5 };
    expect(lackOfRoom({ memory: undefined, load: undefined }, now)).toBeUndefined();
    expect(lackOfRoom({ memory: 600, load: 2 }, now)).toBeUndefined();
    expect(lackOfRoom({ memory: 400, load: 2 }, now)).toBe('memory');
    expect(lackOfRoom({ memory: 600, load: 1 }, now)).toBe('load');
  });
});
