import { mkdir, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openRepository } from '../../../src/repository/open.js';
import { copySnapshot } from '../../../src/repository/snapshots/copy-snapshot.js';
import { fakeInstance } from '../../unit/operations/fake-instance.js';
import { SECRET_KEY, startInProcessS3 } from '../repository/in-process-s3.js';
import { HOST, openPlace, type Place } from './place.js';
import { type Outcome, runProgram } from './program.js';

let place: Place;
let store: Awaited<ReturnType<typeof startInProcessS3>>;
/** Oldest first. */
const ids: string[] = [];
const before = { ...process.env };

const run = (...args: string[]): Promise<Outcome> => runProgram([...args, ...place.options]);
const folderOf = (name: string): string => join(place.at(name), HOST);
const snapshotsIn = async (name: string): Promise<string[]> =>
  (await readdir(folderOf(name)).catch(() => [])).filter((file) => file.startsWith('coolify-state')).sort();
const objectOf = (day: number): string => `coolify-state-${HOST}-2026010${day}T000000Z.tar.gz.age`;

beforeAll(async () => {
  place = await openPlace();
  store = await startInProcessS3();
  process.env['HETZNER_S3_ACCESS_KEY'] = 'S3RVER';
  process.env['HETZNER_S3_SECRET_KEY'] = SECRET_KEY;
  const instance = fakeInstance();
  for (let day = 1; day <= 3; day++) {
    const generation = await place.generation(new Date(Date.UTC(2026, 0, day)), instance);
    ids.push(await place.publish(generation, { kind: 'directory', path: place.at('seed') }));
  }
  const [seed, bucket] = [
    await openRepository({ kind: 'directory', path: place.at('seed') }),
    await openRepository(store.settings),
  ];
  for (const day of [1, 2, 3])
    expect(await copySnapshot(seed, bucket, `${HOST}/${objectOf(day)}`)).toBe('copied');
  await bucket.close();
  await place.inventory({
    coolify_s3_endpoint: store.settings.endpoint,
    coolify_repository: [`s3://${store.settings.bucket}/${store.settings.path}`, `file:${place.at('first')}`],
  });
}, 60_000);
afterAll(async () => {
  process.env = before;
  await store.stop();
  await place.remove();
});
beforeEach(async () => {
  await rm(place.at('first'), { recursive: true, force: true });
  await rm(place.at('usb'), { recursive: true, force: true });
});

describe('copy', () => {
  it('brings what is missing from S3 into a folder, byte for byte, sidecar and id included', async () => {
    const { status, stdout, stderr } = await run('copy', '--to-repository', `file:${place.at('first')}`);
    expect(status, stderr).toBe(0);
    expect(await snapshotsIn('first')).toEqual(
      [1, 2, 3].flatMap((day) => [objectOf(day), `${objectOf(day)}.json`]),
    );
    for (const id of ids) expect(stdout).toContain(`copied      ${id}`);
    const source = await openRepository(store.settings);
    for (const name of await snapshotsIn('first')) {
      const pieces: Buffer[] = [];
      for await (const piece of await source.get(`${HOST}/${name}`)) pieces.push(Buffer.from(piece));
      expect((await readFile(join(folderOf('first'), name))).equals(Buffer.concat(pieces)), name).toBe(true);
    }
    await source.close();
    expect((await run('verify', '--all', '--read-data')).status).toBe(0);
  });

  it('needs no key', async () => {
    await place.inventory({
      coolify_s3_endpoint: store.settings.endpoint,
      coolify_repository: [
        `s3://${store.settings.bucket}/${store.settings.path}`,
        `file:${place.at('first')}`,
      ],
      coolify_backup_encryption_key_path: place.at('nowhere'),
    });
    expect((await run('copy', '--to-repository', `file:${place.at('first')}`)).status).toBe(0);
    expect(await snapshotsIn('first')).toHaveLength(6);
  });

  it('passes over what is there already', async () => {
    await run('copy', '--to-repository', `file:${place.at('first')}`, '-s', ids[0] ?? '');
    expect(await snapshotsIn('first')).toEqual([objectOf(1), `${objectOf(1)}.json`]);
    const { stdout, stderr } = await run('copy', '--to-repository', `file:${place.at('first')}`);
    expect(stderr).toContain('is there already');
    expect(stdout).toContain('changed=2');
  });

  it('takes a repository that the inventory does not have, and --from-repository', async () => {
    const usb = `file:${place.at('usb')}`;
    expect((await run('copy', '--to-repository', usb)).status).toBe(0);
    expect(await snapshotsIn('usb')).toHaveLength(6);
    const back = await run('copy', '--from-repository', usb, '-s', 'latest');
    expect(back.status, back.stderr).toBe(0);
    expect(await snapshotsIn('first')).toEqual([objectOf(3), `${objectOf(3)}.json`]);
  });

  it('only tells with --check', async () => {
    const { status, stderr } = await run('copy', '--to-repository', `file:${place.at('first')}`, '--check');
    expect(status).toBe(0);
    expect(stderr).toMatch(/would copy \d+ bytes/);
    expect(await snapshotsIn('first')).toEqual([]);
  });

  it('brings what stands beside a snapshot, also when that came later', async () => {
    await run('copy', '--to-repository', `file:${place.at('first')}`);
    const usb = `file:${place.at('usb')}`;
    await run('copy', '--from-repository', `file:${place.at('first')}`, '--to-repository', usb);
    await writeFile(join(folderOf('first'), `${objectOf(2)}.evidence.json`), '{}');
    const { stdout } = await run(
      'copy',
      '--from-repository',
      `file:${place.at('first')}`,
      '--to-repository',
      usb,
    );
    expect(stdout).toContain('changed=1');
    expect(await snapshotsIn('usb')).toContain(`${objectOf(2)}.evidence.json`);
  });

  it('takes what a backup sealed for each repository by itself for the same snapshot', async () => {
    const generation = await place.generation(new Date(Date.UTC(2026, 0, 3)), fakeInstance());
    const [one, two] = ['first', 'usb'].map((name) => ({ kind: 'directory', path: place.at(name) }) as const);
    if (one === undefined || two === undefined) throw new Error('no places');
    await place.publish(generation, one);
    await place.publish(generation, two);
    const { status, stdout, stderr } = await run(
      'copy',
      '--from-repository',
      `file:${place.at('first')}`,
      '--to-repository',
      `file:${place.at('usb')}`,
    );
    expect(status, stdout).toBe(0);
    expect(stderr).toContain('is there already');
  });

  it('goes on with a copy that broke off', async () => {
    await run('copy', '--to-repository', `file:${place.at('usb')}`);
    await mkdir(folderOf('first'), { recursive: true });
    await writeFile(join(folderOf('first'), objectOf(3)), await readFile(join(folderOf('usb'), objectOf(3))));
    const { status } = await run('copy', '--to-repository', `file:${place.at('first')}`);
    expect(status).toBe(0);
    expect(await snapshotsIn('first')).toHaveLength(6);
  });
});

describe('copy refuses', () => {
  it('a snapshot that is not what was stored, and copies the others', async () => {
    await run('copy', '--to-repository', `file:${place.at('usb')}`);
    const bad = join(folderOf('usb'), objectOf(2));
    const bytes = await readFile(bad);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) ^ 1, bytes.length - 1);
    await writeFile(bad, bytes);
    await truncate(join(folderOf('usb'), objectOf(1)), 100);
    const from = ['--from-repository', `file:${place.at('usb')}`];
    const { status, stderr } = await run('copy', ...from, '--to-repository', `file:${place.at('first')}`);
    expect(status).toBe(4);
    expect(stderr).toMatch(/FAILED +copy .*SHA-256 should be/);
    expect(await snapshotsIn('first')).toEqual([objectOf(3), `${objectOf(3)}.json`]);
    // Another repository has good ones.
    const again = await run('copy', '--to-repository', `file:${place.at('first')}`);
    expect(again.status, again.stderr).toBe(0);
    expect(await snapshotsIn('first')).toHaveLength(6);
  });

  it('to put one over another snapshot of the same name', async () => {
    await run('copy', '--to-repository', `file:${place.at('first')}`, '-s', 'latest');
    const sidecar = join(folderOf('first'), `${objectOf(3)}.json`);
    await writeFile(sidecar, (await readFile(sidecar, 'utf8')).replace(/"files": \d+/, '"files": 1'));
    const { status, stdout } = await run(
      'copy',
      '--to-repository',
      `file:${place.at('first')}`,
      '-s',
      'latest',
    );
    expect(stdout).toContain('code: copy.other-snapshot');
    expect(status).toBe(1);
  });

  it('what cannot be meant', async () => {
    for (const [args, code] of [
      [[], 'cli.usage'],
      [['--to-repository', 'usb'], 'settings.repository-named'],
      [
        ['--from-repository', `file:${place.at('first')}`, '--to-repository', `file:${place.at('first')}`],
        'copy.nowhere',
      ],
    ] as const) {
      const { status, stderr } = await run('copy', ...args);
      expect([status, stderr]).toEqual([2, expect.stringContaining(`code: ${code}`)]);
    }
    const missing = await run('copy', '--to-repository', `file:${place.at('first')}`, '-s', 'ffff0000');
    expect([missing.status, missing.stdout]).toEqual([
      1,
      expect.stringContaining('code: repository.no-snapshot'),
    ]);
  });
});
