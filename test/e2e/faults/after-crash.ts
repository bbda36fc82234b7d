import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { expect } from 'vitest';
import { openRepository } from '../../../src/repository/open.js';
import type { Repository } from '../../../src/repository/repository.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';
import type { Generation } from '../../../src/state/generations.js';
import { openStateFolder } from '../../../src/state/state-folder.js';
import { sha256 } from '../lab.js';
import { leftoversIn } from '../observations.js';

/** Ids of the generations and of the snapshots that are whole: every byte of them was read. */
export interface KnownGood {
  readonly generations: readonly string[];
  readonly snapshots: readonly string[];
}

/** What is good in a state folder and a repository; throws when something that stands there as good is not. */
export async function goodBefore(disk: string, host: string): Promise<KnownGood> {
  const state = await openStateFolder(join(disk, 'state'));
  const generations = await state.generations(host).all();
  for (const generation of generations) await expectWhole(generation);
  return {
    generations: generations.map(({ manifest }) => manifest.id).sort(),
    snapshots: await withRepository(disk, (repository) => wholeSnapshots(repository, host)),
  };
}

/**
 * The next run's way through what a crash left: the lock, recovery, a commit, a snapshot. Nothing that was good before is lost, and
 * after a run that had come to its end, what it made is there as well.
 */
export async function expectRecovered(
  disk: string,
  host: string,
  before: KnownGood,
  { isFinished }: { readonly isFinished: boolean },
): Promise<void> {
  const state = await openStateFolder(join(disk, 'state'));
  await using _lock = await state.lock(host, 'the next run');
  const generations = state.generations(host);
  await generations.recover();
  const current = await generations.current();
  if (current === undefined) throw new Error('there is no generation');
  const found = await goodBefore(disk, host);
  expect(found.generations).toEqual(expect.arrayContaining([...before.generations]));
  expect(found.snapshots).toEqual(expect.arrayContaining([...before.snapshots]));
  if (isFinished) {
    expect(before.generations).not.toContain(current.manifest.id);
    expect(found.snapshots).toHaveLength(before.snapshots.length + 1);
  }
  await commitAgain(state.generations(host), current);
  await withRepository(disk, (repository) => publishAgain(repository, host));
  const left = await leftoversIn(join(disk, 'state'));
  expect(left.filter((path) => path !== `.locks/${host}.lock`)).toEqual([]);
}

/** As a backup does it, with a file of the generation before. */
async function commitAgain(
  generations: ReturnType<Awaited<ReturnType<typeof openStateFolder>>['generations']>,
  { manifest, folder }: Generation,
): Promise<void> {
  const [file] = manifest.files;
  if (file === undefined) throw new Error('the manifest names no file');
  const staging = await generations.stage();
  await pipeline(Readable.from([await readFile(join(folder, file.path))]), staging.create(file.path));
  const id = `${manifest.id}-next`;
  const next = { ...manifest, id, createdAt: new Date().toISOString(), files: [file] };
  await staging.commit(next);
  const current = await generations.current();
  expect(current?.manifest.id).toBe(id);
}

/** A snapshot can be stored and is listed, and what the crash left half done can be removed. */
async function publishAgain(repository: Repository, host: string): Promise<void> {
  const snapshots = new SnapshotRepository(repository);
  const body = Readable.from([Buffer.from('the next snapshot')], { objectMode: false });
  const facts = () => ({ finishedAt: new Date(), files: 1, recipients: [], tool: '0', proofs: [] });
  const { id } = await snapshots.publish(host, new Date(), body, facts);
  expect(await wholeSnapshots(repository, host)).toContain(id);
  const later = new Date(Date.now() + 60_000);
  for (const leftover of await snapshots.leftovers(later, host)) await snapshots.removeLeftover(leftover);
  expect(await snapshots.leftovers(later, host)).toEqual([]);
}

async function expectWhole({ manifest, folder }: Generation): Promise<void> {
  for (const { path, size, sha256: hash } of manifest.files) {
    expect({ path, ...(await contentOf(join(folder, path))) }).toEqual({ path, size, hash });
  }
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  );
  expect(files).toHaveLength(manifest.files.length + 1);
}

/** Remains are put together from links, so that a file that was read once need not be read again under another name. */
const read = new Map<string, { readonly size: number; readonly hash: string }>();

async function contentOf(path: string): Promise<{ readonly size: number; readonly hash: string }> {
  const { dev, ino, size, mtimeMs } = await stat(path);
  const key = `${dev} ${ino} ${size} ${mtimeMs}`;
  const known = read.get(key);
  if (known !== undefined) return known;
  const content = await readFile(path);
  const found = { size: content.length, hash: sha256(content) };
  read.set(key, found);
  return found;
}

async function wholeSnapshots(repository: Repository, host: string): Promise<string[]> {
  const snapshots = new SnapshotRepository(repository);
  const ids: string[] = [];
  for (const snapshot of await snapshots.listDescribed(host)) {
    const { sidecar, problem, id } = snapshot;
    if (sidecar === undefined) throw new Error(`${id} is listed and is none: ${problem?.message}`);
    await snapshots.verify({ ...snapshot, sidecar });
    ids.push(id);
  }
  return ids.sort();
}

async function withRepository<Result>(
  disk: string,
  work: (repository: Repository) => Promise<Result>,
): Promise<Result> {
  const repository = await openRepository({ kind: 'directory', path: join(disk, 'repository') });
  try {
    return await work(repository);
  } finally {
    await repository.close();
  }
}
