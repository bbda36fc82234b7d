import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, copyFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { identitiesFromFile } from '../../../src/archive/identities.js';
import { unpackSnapshot } from '../../../src/operations/snapshots/unpack-snapshot.js';
import { Generations } from '../../../src/state/generations.js';
import { releasedSnapshots } from '../../released-snapshots.js';
import { pieces } from '../archive/streams.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'unpack-failures-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

it('a disk that takes no more files is what is told, not that the archive was no longer read', async () => {
  const released = releasedSnapshots().at(-1);
  if (released === undefined) throw new Error('there is no released snapshot');
  await copyFile(released.identity, join(folder, 'identity'));
  await chmod(join(folder, 'identity'), 0o600);
  const identities = await identitiesFromFile(join(folder, 'identity'));
  const { signal } = new AbortController();
  const reporter = { signal, moved: () => undefined, line: () => undefined, warn: () => undefined };
  const keys = { host: released.host, identities: () => Promise.resolve(identities) };
  const scratch = new Generations(join(folder, 'state'), released.host);
  const fetched = join(folder, 'state/.generations', released.host);
  // In the middle of it the folder becomes a file, into which nothing can be written; more of the archive is still to come.
  const parts = [...pieces(await readFile(released.object), 1000)];
  const spoiling = async function* () {
    for (const [index, part] of parts.entries()) {
      if (index === Math.floor(parts.length / 4)) {
        for (const name of readdirSync(fetched)) {
          rmSync(join(fetched, name), { recursive: true });
          writeFileSync(join(fetched, name), '');
        }
      }
      await sleep(5);
      yield part;
    }
  };
  const body = Readable.from(spoiling(), { objectMode: false });
  await expect(unpackSnapshot(body, 'a test', keys, scratch, reporter)).rejects.toMatchObject({
    kind: 'failed',
    code: 'archive.write-failed',
  });
});
