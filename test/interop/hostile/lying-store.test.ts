import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { openSnapshot } from '../../../src/operations/snapshots/source.js';
import { snapshotId } from '../../../src/repository/snapshots/names.js';
import { openStateFolder, type StateFolder } from '../../../src/state/state-folder.js';
import { HOST, openPlace, type Place } from '../operations/place.js';

/** A store that gives out what is not what its name says: nothing of it is restored. */
let place: Place;
let state: StateFolder;
let folder: string;
let count = 0;
const objects = z.record(z.string(), z.unknown());
const reporter = {
  signal: new AbortController().signal,
  moved: () => undefined,
  line: () => undefined,
  warn: () => undefined,
};
const name = (host: string, day: number): string => `coolify-state-${host}-2026010${day}T000000Z.tar.gz.age`;

beforeAll(async () => {
  place = await openPlace();
  state = await openStateFolder(place.at('state'));
  for (const day of [1, 2]) {
    const generation = await place.generation(new Date(Date.UTC(2026, 0, day)));
    await place.publish(generation, { kind: 'directory', path: place.at('good') });
  }
});
beforeEach(async () => {
  count += 1;
  folder = place.at(`store-${count}`);
  await mkdir(join(folder, HOST), { recursive: true });
});
afterAll(() => place?.remove());

/** Puts a good snapshot into the lying store under another name, with what its sidecar is made to say. */
async function put(day: number, as: string, lies: Readonly<Record<string, unknown>>): Promise<void> {
  const from = join(place.at('good'), HOST, name(HOST, day));
  const host = as.replace(/^coolify-state-(.+)-\d{8}T.*$/, '$1');
  await mkdir(join(folder, host), { recursive: true });
  await copyFile(from, join(folder, host, as));
  const sidecar = objects.parse(JSON.parse(await readFile(`${from}.json`, 'utf8')));
  await writeFile(join(folder, host, `${as}.json`), JSON.stringify({ ...sidecar, ...lies }));
}

function open(host: string) {
  const generations = state.generations(host);
  return openSnapshot(
    { kind: 'latest' },
    { host, repositories: [{ kind: 'directory', path: folder }], identityPath: place.at('key') },
    { kept: generations, scratch: generations },
    reporter,
  );
}

describe('a store', () => {
  it('that tells the truth is believed', async () => {
    await put(2, name(HOST, 2), {});
    await using opened = disposable(await open(HOST));
    expect(opened.value.generation.manifest.host).toBe(HOST);
  });

  it('that shows an old snapshot under a new name is found out, and nothing stays behind', async () => {
    const object = name(HOST, 5);
    const createdAt = new Date(Date.UTC(2026, 0, 5)).toISOString();
    await put(1, object, { object, id: snapshotId(`${HOST}/${object}`), createdAt });
    await expect(open(HOST)).rejects.toMatchObject({ kind: 'proof', code: 'restore.other-time' });
    expect(await state.generations(HOST).leftovers()).toEqual([]);
  });

  it.each([
    ['of another snapshot', { object: name(HOST, 1) }],
    ['of another host', { host: 'web9' }],
    ['of another time', { createdAt: new Date(Date.UTC(2026, 0, 3)).toISOString() }],
  ])('that shows the sidecar %s is not believed', async (_name, lies) => {
    await put(2, name(HOST, 2), lies);
    await expect(open(HOST)).rejects.toMatchObject({ code: 'repository.sidecar-disagrees' });
  });

  it('that shows the object of another snapshot under an honest sidecar is found out', async () => {
    await put(2, name(HOST, 2), {});
    const other = await readFile(join(place.at('good'), HOST, name(HOST, 1)));
    const sidecar = join(folder, HOST, `${name(HOST, 2)}.json`);
    const told = objects.parse(JSON.parse(await readFile(sidecar, 'utf8')));
    await writeFile(sidecar, JSON.stringify({ ...told, size: other.length }));
    await writeFile(join(folder, HOST, name(HOST, 2)), other);
    await expect(open(HOST)).rejects.toMatchObject({ kind: 'proof', code: 'restore.other-time' });
  });

  it('that shows a sidecar of 32 MB reads no more of it than a sidecar can have', async () => {
    await put(2, name(HOST, 2), { tool: '0'.repeat(32 * 1024 * 1024) });
    await expect(open(HOST)).rejects.toMatchObject({ code: 'repository.sidecar-invalid' });
  });

  it('that shows a sidecar which says of a bomb that it is small stops the bomb at that', async () => {
    await put(2, name(HOST, 2), { plainSize: 10, files: 1 });
    await expect(open(HOST)).rejects.toMatchObject({ kind: 'proof', code: 'archive.limit-exceeded' });
    expect(await state.generations(HOST).leftovers()).toEqual([]);
  });
});

function disposable<Value extends { close(): Promise<void> }>(value: Value) {
  return { value, [Symbol.asyncDispose]: () => value.close() };
}
