import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openRepository, type RepositorySettings } from '../../../src/repository/open.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import { PROJECT } from '../lab.js';
import { cephSettings } from './ceph.js';

const child = fileURLToPath(new URL('lease-child.mjs', import.meta.url));
/** The folder of the built program. */
const built = resolve(
  dirname(process.env['COOLIFY_STATE_PROGRAM'] ?? join(PROJECT, 'dist/cli/main.js')),
  '..',
);

describe.each(['a folder', 'Ceph RGW'])('processes that publish the same host to %s', (where) => {
  let settings: RepositorySettings;
  let input: (host: string) => string;
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'coolify-state-race-'));
    if (where === 'a folder') {
      settings = { kind: 'directory', path: folder };
      input = (host) => JSON.stringify({ host, settings, credentials: {} });
    } else {
      const ceph = await cephSettings();
      settings = ceph;
      const { accessKeyId, secretAccessKey, ...rest } = ceph;
      const credentials = { accessKeyId: accessKeyId?.reveal(), secretAccessKey: secretAccessKey?.reveal() };
      input = (host) => JSON.stringify({ host, settings: rest, credentials });
    }
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  const started = (...args: readonly string[]): ChildProcessWithoutNullStreams =>
    spawn(process.execPath, [child, built, ...args], { env: { ...process.env, NODE_NO_WARNINGS: '1' } });
  const isReady = async (process: ChildProcessWithoutNullStreams) => {
    const [first] = await once(process.stdout, 'data');
    expect(String(first)).toBe('ready\n');
  };
  const inspecting = async <Result>(work: (snapshots: SnapshotRepository) => Promise<Result>) => {
    const repository = await openRepository(settings);
    try {
      return await work(new SnapshotRepository(repository));
    } finally {
      await repository.close();
    }
  };

  it('at the same moment make exactly one good snapshot, and the others are told', async () => {
    const racers = [started(), started(), started()];
    await Promise.all(racers.map(isReady));
    const outputs = racers.map((racer) => text(racer.stdout));
    for (const racer of racers) racer.stdin.end(`${input('raced')}\n`);
    const ends = (await Promise.all(outputs)).map((output) => output.trim().split('\n').at(-1) ?? '');
    expect(ends.filter((end) => end.startsWith('published '))).toHaveLength(1);
    expect(ends.filter((end) => end === 'repository.locked')).toHaveLength(2);
    await inspecting(async (snapshots) => {
      const [only, ...more] = await snapshots.listDescribed('raced');
      expect(more).toEqual([]);
      if (only?.sidecar === undefined) throw new Error('there is no good snapshot');
      await snapshots.verify({ ...only, sidecar: only.sidecar });
      expect(await snapshots.leftovers(new Date(Date.now() + 60_000))).toEqual([]);
    });
  });

  it('of which one was killed: the next goes on at once, and nobody unlocks anything', async () => {
    const killed = started('hold');
    await isReady(killed);
    killed.stdin.end(`${input('killed')}\n`);
    await once(killed.stdout, 'data');
    const locked = started();
    locked.stdin.end(`${input('killed')}\n`);
    expect(await text(locked.stdout)).toBe('ready\nrepository.locked\n');
    killed.kill('SIGKILL');
    await once(killed, 'exit');
    const next = started();
    next.stdin.end(`${input('killed')}\n`);
    expect(await text(next.stdout)).toMatch(/published [0-9a-f]{8}\n$/);
    await inspecting(async (snapshots) => {
      expect(await snapshots.listDescribed('killed')).toMatchObject([{ sidecar: { host: 'killed' } }]);
    });
  });
});
