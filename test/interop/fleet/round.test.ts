import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recipientsFromFile } from '../../../src/archive/recipients.js';
import { instanceOf } from '../../../src/coolify/instance.js';
import { runTasks } from '../../../src/engine/run-host.js';
import { newRound, type Round } from '../../../src/operations/backup/round.js';
import { type UploadedSnapshot, type UploadJob, uploadTask } from '../../../src/operations/backup/upload.js';
import { openRepository, type RepositorySettings } from '../../../src/repository/open.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { HOST, openPlace, type Place } from '../operations/place.js';

let place: Place;
const never = new AbortController().signal;
beforeAll(async () => {
  place = await openPlace();
});
afterAll(() => place.remove());

const folder = (name: string): RepositorySettings => ({ kind: 'directory', path: place.at(name) });
/** One run of a job: a generation of its own, as another machine would pull it. */
const run = async (
  settings: RepositorySettings,
  round: Round | undefined,
  second: number,
  signal = never,
  waitLock = 60_000,
) => {
  const generation = await place.generation(new Date(Date.now() + second * 1000));
  const stored: UploadedSnapshot[] = [];
  const job: UploadJob = {
    generation,
    instance: instanceOf(generation.manifest),
    recipients: await recipientsFromFile(place.at('key.pub')),
    compression: { algorithm: 'gzip', level: 3 },
    waitLock,
    round,
  };
  const task = uploadTask<undefined>(settings, () => ({ job, stored: (snapshot) => stored.push(snapshot) }));
  const options = { check: false, signal, emit: () => undefined };
  return { report: await runTasks(HOST, [task], undefined, options), stored };
};
const listed = async (settings: RepositorySettings) => {
  const repository = await openRepository(settings);
  try {
    return await new SnapshotRepository(repository).listDescribed(HOST, { signal: never });
  } finally {
    await repository.close();
  }
};

describe('a job of a round that is run more than once', () => {
  it('by three workers at the same moment makes one snapshot, and the others tell of it', async () => {
    const round = newRound();
    const runs = await Promise.all([0, 1, 2].map((second) => run(folder('race'), round, second)));
    expect(runs.map(({ report }) => report.error)).toEqual([undefined, undefined, undefined]);
    const [only, ...more] = await listed(folder('race'));
    expect(more).toEqual([]);
    expect(only?.sidecar).toMatchObject({ round: round.id });
    const told = runs.flatMap(({ stored }) => stored);
    expect(new Set(told.map(({ id }) => id))).toEqual(new Set([only?.id]));
    expect(told.filter(({ already }) => already === true)).toHaveLength(2);
  });

  it('one after the other makes one, and the next round another', async () => {
    const [first, second] = [newRound(), newRound()];
    for (const [index, round] of [first, first, second, second].entries())
      expect((await run(folder('twice'), round, index)).report.error).toBeUndefined();
    const rounds = (await listed(folder('twice'))).map(({ sidecar }) => sidecar?.round);
    expect(rounds).toEqual([second.id, first.id]);
  });

  it('without a round makes one each time, as a backup by hand does', async () => {
    for (const second of [0, 1]) await run(folder('by hand'), undefined, second);
    const found = await listed(folder('by hand'));
    expect(found.map(({ sidecar }) => sidecar?.round)).toEqual([undefined, undefined]);
  });

  it('after the first was broken off makes the one', async () => {
    const round = newRound();
    const broken = await run(folder('broken'), round, 0, AbortSignal.abort());
    expect(broken.report.error?.kind).toBe('interrupted');
    expect(await listed(folder('broken'))).toEqual([]);
    await run(folder('broken'), round, 1);
    expect(await listed(folder('broken'))).toHaveLength(1);
  });
});
