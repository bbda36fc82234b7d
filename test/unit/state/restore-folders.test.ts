import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RestoreFolders } from '../../../src/state/restore-folders.js';

let root: string;
let folders: RestoreFolders;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coolify-state-restores-'));
  folders = new RestoreFolders(root, 'web1');
});

afterEach(() => rm(root, { recursive: true, force: true }));

const idAt = (minute: number): string => RestoreFolders.newId(new Date(Date.UTC(2026, 0, 1, 0, minute)));

describe('what is kept of restores', () => {
  it('is nothing at first, and leaves no folder', async () => {
    expect(await folders.ids()).toEqual([]);
    expect(await folders.read('restore-none')).toBeUndefined();
    expect(await readdir(root)).toEqual([]);
  });

  it('has files and a record, for their owner alone', async () => {
    const id = idAt(1);
    await pipeline(Readable.from([Buffer.from('secret')]), folders.create(id, 'files/0'));
    await folders.write(id, '{"a":1}');
    expect(await folders.read(id)).toBe('{"a":1}');
    for (const path of ['record.json', 'files/0'])
      expect((await stat(folders.path(id, path))).mode & 0o777).toBe(0o600);
    expect((await stat(folders.path(id, 'files'))).mode & 0o777).toBe(0o700);
  });

  it('is listed from the newest on, by the time in its name', async () => {
    const ids = [idAt(3), idAt(1), idAt(2)];
    for (const id of ids) await folders.write(id, '{}');
    expect(await folders.ids()).toEqual([ids[0], ids[2], ids[1]]);
  });

  it('is listed in the order of the restores also where a clock was put back', async () => {
    const first = await folders.nextId(new Date('2026-01-01T00:10:00Z'));
    await folders.write(first, '{}');
    const second = await folders.nextId(new Date('2026-01-01T00:09:59Z'));
    await folders.write(second, '{}');
    expect(await folders.ids()).toEqual([second, first]);
    const third = await folders.nextId(new Date('2026-02-01T00:00:00Z'));
    expect(third).toMatch(/^restore-20260201T000000Z-/);
  });

  it('is replaced in one step when the record is written again', async () => {
    const id = idAt(1);
    await folders.write(id, 'first');
    await folders.write(id, 'second');
    expect(await folders.read(id)).toBe('second');
    expect(await readdir(folders.path(id, '.'))).toEqual(['record.json']);
  });

  it('goes from the oldest on when there are more than are kept, but never the newest', async () => {
    const ids = [idAt(1), idAt(2), idAt(3)];
    for (const id of ids) await folders.write(id, '{}');
    await folders.rotate(2);
    expect(await folders.ids()).toEqual([ids[2], ids[1]]);
    await folders.rotate(0);
    expect(await folders.ids()).toEqual([ids[2]]);
  });
});
