import { randomBytes } from 'node:crypto';
import { appendFile, mkdtemp, readdir, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { DirectoryRepository } from '../../../src/repository/directory/directory.js';
import type { PutOptions, StoredObject } from '../../../src/repository/repository.js';
import { sidecarKey } from '../../../src/repository/snapshots/names.js';
import { SnapshotRepository } from '../../../src/repository/snapshots/snapshots.js';

const time = new Date('2026-11-24T10:11:12.345Z');
const later = (seconds: number) => new Date(time.getTime() + seconds * 1000);
const facts = () => ({
  finishedAt: later(3),
  files: 3,
  recipients: ['SHA256:someone'],
  tool: '0.1.0',
  proofs: [{ name: 'app-key', ok: true }],
});

let folder: string;
let repository: DirectoryRepository;
let snapshots: SnapshotRepository;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-snapshots-'));
  repository = new DirectoryRepository(folder);
  snapshots = new SnapshotRepository(repository);
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

const publish = (host: string, at: Date, content = randomBytes(1000)) =>
  snapshots.publish(host, at, Readable.from([content]), facts);
const filesOf = async (host: string) => (await readdir(join(folder, host))).sort();

describe('publishing a snapshot', () => {
  it('stores the object, reads it back, and writes the sidecar last', async () => {
    const content = randomBytes(100_000);
    const steps: string[] = [];
    const published = await snapshots.publish(
      'controller',
      time,
      Readable.from([content.subarray(0, 5), content.subarray(5)]),
      () => {
        steps.push('facts');
        return facts();
      },
      { onProgress: (step, bytes) => bytes === content.length && steps.push(step) },
    );
    expect(steps).toEqual(['store', 'read-back', 'facts']);
    expect(published).toMatchObject({ host: 'controller', size: content.length, compression: 'gzip' });
    expect(await filesOf('controller')).toEqual([
      'coolify-state-controller-20261124T101112Z.tar.gz.age',
      'coolify-state-controller-20261124T101112Z.tar.gz.age.json',
    ]);
    const found = await snapshots.find('controller', 'latest');
    expect(found).toEqual(published);
    expect((await buffer(await snapshots.open(found))).equals(content)).toBe(true);
    await snapshots.verify(found);
  });

  it('gives every snapshot of one second a name of its own', async () => {
    const keys = [];
    for (const at of [time, later(0.2), time]) keys.push((await publish('controller', at)).key);
    expect(keys).toEqual([
      'controller/coolify-state-controller-20261124T101112Z.tar.gz.age',
      'controller/coolify-state-controller-20261124T101112Z-2.tar.gz.age',
      'controller/coolify-state-controller-20261124T101112Z-3.tar.gz.age',
    ]);
    expect((await snapshots.list('controller')).map(({ key }) => key)).toEqual(keys.reverse());
  });

  it('refuses what does not come back as it was sent, and leaves nothing', async () => {
    class Forgetful extends DirectoryRepository {
      override async put(key: string, body: Readable, options?: PutOptions): Promise<StoredObject> {
        const stored = await super.put(key, body, options);
        await truncate(join(folder, key), stored.size - 1);
        return stored;
      }
    }
    const publishing = new SnapshotRepository(new Forgetful(folder)).publish(
      'controller',
      time,
      Readable.from([randomBytes(1000)]),
      facts,
    );
    await expect(publishing).rejects.toMatchObject({ kind: 'proof', code: 'repository.size-differs' });
    expect(await filesOf('controller')).toEqual([]);
  });

  it.each(['store', 'read-back'] as const)(
    'leaves nothing when it is interrupted during the step "%s"',
    async (step) => {
      const controller = new AbortController();
      const publishing = snapshots.publish('controller', time, Readable.from([randomBytes(1000)]), facts, {
        signal: controller.signal,
        onProgress: (now) => now === step && controller.abort(),
      });
      await expect(publishing).rejects.toMatchObject({ kind: 'interrupted' });
      expect(await filesOf('controller')).toEqual([]);
      expect(await snapshots.leftovers(later(1e9))).toEqual([]);
    },
  );

  it('leaves nothing when the facts cannot be told', async () => {
    const reason = new StateError({ kind: 'proof', code: 'test.unproven', what: 'A proof failed' });
    const publishing = snapshots.publish('controller', time, Readable.from([randomBytes(10)]), () => {
      throw reason;
    });
    await expect(publishing).rejects.toBe(reason);
    expect(await filesOf('controller')).toEqual([]);
  });

  it('destroys the body of a host whose name cannot be used', async () => {
    const body = Readable.from([randomBytes(10)]);
    await expect(snapshots.publish('', time, body, facts)).rejects.toMatchObject({
      code: 'repository.bad-host',
    });
    expect(body.destroyed).toBe(true);
  });
});

describe('listing snapshots', () => {
  it('tells those of one host or of all, newest first, and passes foreign objects over', async () => {
    await publish('b', later(5));
    await publish('a', later(9));
    await publish('a', later(1));
    await publish('web 1/x', later(7));
    for (const foreign of [
      'README',
      'a/notes.json',
      'a/coolify-state-a-20261124T101112Z.tar.gz',
      'c/d/e.json',
    ]) {
      await repository.putSmall(foreign, Buffer.from('{}'));
    }
    expect((await snapshots.list()).map(({ host }) => host)).toEqual(['a', 'web 1/x', 'b', 'a']);
    expect((await snapshots.list('a')).map(({ createdAt }) => createdAt.getUTCSeconds())).toEqual([21, 13]);
    expect((await snapshots.list('web 1/x')).length).toBe(1);
    expect(await snapshots.list('nobody')).toEqual([]);
    const described = await snapshots.listDescribed();
    expect(described.map(({ sidecar }) => sidecar?.host)).toEqual(['a', 'web 1/x', 'b', 'a']);
  });

  it('does not show an object without a sidecar: that is a leftover, and only when it is old enough', async () => {
    await publish('a', time);
    const { key } = await publish('a', later(5));
    await repository.remove(sidecarKey(key));
    await utimes(join(folder, key), later(5), later(5));
    expect(await snapshots.list('a')).toHaveLength(1);
    expect(await snapshots.leftovers(later(4), 'a')).toEqual([]);
    const leftovers = await snapshots.leftovers(later(6), 'a');
    expect(leftovers).toMatchObject([{ kind: 'object', key }]);
    for (const leftover of leftovers) await snapshots.removeLeftover(leftover);
    expect(await repository.stat(key)).toBeUndefined();
    expect(await snapshots.list('a')).toHaveLength(1);
    // A name that was used is not given to another snapshot while anything of it is left.
    expect((await publish('a', later(5))).key).toBe(key);
  });

  it('reports a sidecar that cannot be relied on, and goes on with the others', async () => {
    const good = await publish('a', time);
    const bent = await publish('a', later(1));
    const grown = await publish('a', later(2));
    const gone = await publish('a', later(3));
    const huge = await publish('a', later(4));
    const swapped = await publish('a', later(5));
    await writeFile(join(folder, sidecarKey(bent.key)), '{"format":1}');
    await appendFile(join(folder, grown.key), 'x');
    await repository.remove(gone.key);
    await appendFile(join(folder, sidecarKey(huge.key)), ' '.repeat(300_000));
    await writeFile(
      join(folder, sidecarKey(swapped.key)),
      await buffer(await repository.get(sidecarKey(good.key))),
    );
    const described = await snapshots.listDescribed('a');
    expect(described.map(({ problem }) => problem?.code)).toEqual([
      'repository.sidecar-disagrees',
      'repository.sidecar-invalid',
      'repository.object-missing',
      'repository.sidecar-disagrees',
      'repository.sidecar-invalid',
      undefined,
    ]);
    for (const { problem } of described.slice(0, 5)) expect(problem?.kind).toBe('proof');
  });
});

describe('finding a snapshot', () => {
  it('takes latest, an id, the beginning of one, a time, and a file name', async () => {
    const first = await publish('a', time);
    const second = await publish('a', later(60));
    await publish('other', later(120));
    for (const wanted of [first.id, first.id.slice(0, 4), '20261124T101112Z', first.key.slice('a/'.length)]) {
      expect((await snapshots.find('a', wanted)).key).toBe(first.key);
    }
    expect((await snapshots.find('a', 'latest')).key).toBe(second.key);
  });

  it('says when there is none, or more than one', async () => {
    await expect(snapshots.find('a', 'latest')).rejects.toMatchObject({ code: 'repository.no-snapshot' });
    const first = await publish('a', time);
    await publish('a', time);
    await expect(snapshots.find('a', '20261124T101112Z')).rejects.toMatchObject({
      code: 'repository.ambiguous-snapshot',
      why: expect.stringContaining(first.id),
    });
    for (const wanted of ['00', '../../etc/passwd', '', 'LATEST', first.id.slice(0, 3)]) {
      await expect(snapshots.find('a', wanted)).rejects.toMatchObject({ code: 'repository.no-snapshot' });
    }
  });

  it('does not take an older one silently when the newest is broken, but names it', async () => {
    const older = await publish('a', time);
    const newest = await publish('a', later(1));
    await repository.remove(newest.key);
    await expect(snapshots.find('a', 'latest')).rejects.toMatchObject({
      code: 'repository.object-missing',
      next: expect.stringContaining(older.id),
    });
  });
});

describe('removing a snapshot', () => {
  it('removes the sidecar first, the object last, between them all that lies beside it, and nothing else', async () => {
    const removed: string[] = [];
    class Watched extends DirectoryRepository {
      override async remove(key: string): Promise<void> {
        removed.push(key);
        await super.remove(key);
      }
    }
    const one = await publish('a', time);
    const other = await publish('a', time);
    await repository.putSmall(`${one.key}.drill-1.json`, Buffer.from('{}'));
    const watched = new SnapshotRepository(new Watched(folder));
    await watched.remove(one);
    expect(removed).toEqual([sidecarKey(one.key), `${one.key}.drill-1.json`, one.key]);
    await watched.remove(one);
    expect(await filesOf('a')).toEqual(
      [other.key, sidecarKey(other.key)].map((key) => key.slice('a/'.length)),
    );
  });
});

describe('verifying a snapshot without a key', () => {
  it('finds a changed byte', async () => {
    const snapshot = await publish('a', time, Buffer.from('some content'));
    await writeFile(join(folder, snapshot.key), 'some_content');
    await expect(snapshots.verify(snapshot)).rejects.toMatchObject({
      kind: 'proof',
      code: 'repository.checksum-differs',
    });
  });
});
