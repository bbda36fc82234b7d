import { readdir, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recipientsFromFile } from '../../../src/archive/recipients.js';
import { instanceOf } from '../../../src/coolify/instance.js';
import type { EngineEvent } from '../../../src/engine/events.js';
import { runTasks } from '../../../src/engine/run-host.js';
import { type UploadedSnapshot, type UploadJob, uploadTask } from '../../../src/operations/backup/upload.js';
import { withLease } from '../../../src/repository/lease/lease.js';
import { openRepository, type RepositorySettings } from '../../../src/repository/open.js';
import { HOST, openPlace, type Place } from './place.js';

let place: Place;
let job: UploadJob;
const never = new AbortController().signal;
beforeAll(async () => {
  place = await openPlace();
  const generation = await place.generation(new Date(Date.UTC(2026, 0, 1)));
  job = {
    generation,
    instance: instanceOf(generation.manifest),
    recipients: await recipientsFromFile(place.at('key.pub')),
    compression: { algorithm: 'gzip', level: 3 },
    waitLock: 0,
  };
});
afterAll(() => place.remove());

const folder = (name: string): RepositorySettings => ({ kind: 'directory', path: place.at(name) });
const upload = async (
  repositories: readonly RepositorySettings[],
  change: Partial<UploadJob> = {},
  onLine: (line: string) => void = () => {},
) => {
  const snapshots: UploadedSnapshot[] = [];
  const tasks = repositories.map((settings) =>
    uploadTask<undefined>(settings, () => ({
      job: { ...job, ...change },
      stored: (snapshot) => snapshots.push(snapshot),
    })),
  );
  const emit = (event: EngineEvent) => {
    if ('line' in event && event.line !== undefined) onLine(event.line);
  };
  const report = await runTasks(HOST, tasks, undefined, { check: false, signal: never, emit });
  return { report, snapshots };
};
const holding = async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
  const repository = await openRepository(folder(name));
  try {
    return await withLease(repository, HOST, 'prune', never, work);
  } finally {
    await repository.close();
  }
};

describe('uploading to several repositories', () => {
  it('stores in all that work when one does not, and the host has failed', async () => {
    await writeFile(place.at('a-file'), 'where the repository should be');
    const { report, snapshots } = await upload([folder('one'), folder('a-file'), folder('two')]);
    expect(report.tasks.map(({ status }) => status)).toEqual(['changed', 'failed', 'changed']);
    expect(report.error).toMatchObject({ code: 'repository.not-a-directory', exitStatus: 1, host: HOST });
    expect(snapshots.map(({ location }) => location)).toEqual([
      `file:${place.at('one')}`,
      `file:${place.at('two')}`,
    ]);
  });

  it('is told who works on the snapshots of the host in one of them, with status 5, and stores in the others', async () => {
    const { report, snapshots } = await holding('held', () => upload([folder('held'), folder('free')]));
    expect(report.error).toMatchObject({
      code: 'repository.locked',
      exitStatus: 5,
      why: expect.stringContaining(`"prune" holds the lease as process ${process.pid}`),
    });
    expect(snapshots).toHaveLength(1);
    // Nothing but the lease of the other was ever there.
    expect(await readdir(`${place.at('held')}/${HOST}`)).toEqual(['.lease']);
  });

  it('waits for the other where that is asked, and says so', async () => {
    const lines: string[] = [];
    let uploading: ReturnType<typeof upload> | undefined;
    await holding(
      'waited',
      () =>
        new Promise<void>((resolve) => {
          uploading = upload([folder('waited')], { waitLock: 60_000 }, (line) => {
            lines.push(line);
            resolve();
          });
        }),
    );
    const { report, snapshots } = (await uploading) ?? {};
    expect(report?.error).toBeUndefined();
    expect(snapshots).toHaveLength(1);
    expect(lines).toEqual([
      expect.stringMatching(/^waiting: Another run works on .*"prune" holds the lease/),
    ]);
  });
});
