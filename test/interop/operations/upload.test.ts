import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
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
    expect(lines.filter((line) => line.startsWith('waiting: '))).toEqual([
      expect.stringMatching(/^waiting: Another run works on .*"prune" holds the lease/),
    ]);
  });
});

describe('a generation that was altered since it was proven', () => {
  const file = (): string => join(job.generation.folder, 'backups/coolify/coolify_db.dump');
  const flipped = (content: Buffer): Buffer => {
    const copy = Buffer.from(content);
    copy.writeUInt8(copy.readUInt8(copy.length >> 1) ^ 1, copy.length >> 1);
    return copy;
  };

  it.each<[string, RegExp, (content: Buffer) => Promise<void>]>([
    ['is shorter', /has \d+ bytes, \d+ were recorded/, (content) => writeFile(file(), content.subarray(1))],
    ['differs in one bit', /its SHA-256 is another/, (content) => writeFile(file(), flipped(content))],
    ['is gone', /it is gone/, () => rm(file())],
  ])('and of which a file %s is refused: nothing is stored', async (what, why, alter) => {
    const content = await readFile(file());
    await alter(content);
    try {
      const { report, snapshots } = await upload([folder(`altered ${what}`)]);
      expect(report.error).toMatchObject({ code: 'archive.source-altered', exitStatus: 4 });
      expect(report.error?.message).toContain('coolify_db.dump');
      expect(report.error?.why).toMatch(why);
      expect(snapshots).toEqual([]);
      const left = await readdir(place.at(`altered ${what}`), { recursive: true });
      expect(left.filter((name) => name.includes('.tar.gz.age'))).toEqual([]);
    } finally {
      await writeFile(file(), content);
    }
  });

  it('is refused for that, too, when packing failed while the lease was waited for', async () => {
    const content = await readFile(file());
    await writeFile(file(), flipped(content));
    try {
      let uploading: ReturnType<typeof upload> | undefined;
      await holding('altered and waited', async () => {
        uploading = upload([folder('altered and waited')], { waitLock: 60_000 });
        // Long enough for all of a small generation to be packed, and to be found altered.
        await sleep(300);
      });
      const { report, snapshots } = (await uploading) ?? {};
      expect(report?.error).toMatchObject({ code: 'archive.source-altered', exitStatus: 4 });
      expect(snapshots).toEqual([]);
    } finally {
      await writeFile(file(), content);
    }
  });
});
