import { createReadStream } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DumpReader } from '../../../src/postgres/dump-reader.js';
import { expectAgreement, fillCrowd, fillShop } from '../../interop/postgres/agreement.js';
import type { Cluster } from '../../interop/postgres/cluster.js';
import { startContainerCluster } from './container-cluster.js';

/** What the interop tests show with the distribution's PostgreSQL, with a newer one. */
describe.each([17, 18])('a dump of PostgreSQL %i', (major) => {
  let cluster: Cluster;
  beforeAll(async () => {
    cluster = await startContainerCluster(major);
    await fillShop(cluster);
    await fillCrowd(cluster, 1000);
  });
  afterAll(() => cluster?.stop());

  const at = (name: string): string => join(cluster.folder, name);
  /** Readable for the container's user, too. */
  const write = async (name: string, dump: Buffer): Promise<void> => {
    await writeFile(at(name), dump);
    await chmod(at(name), 0o644);
  };

  it.each([
    ['-Z0', 'none'],
    ...Array.from({ length: 9 }, (_, index) => [`-Z${index + 1}`, 'gzip']),
    ['-Zgzip:9', 'gzip'],
  ])('is read as pg_restore reads it: %s', async (option, compression) => {
    await write('piped.dump', await cluster.dump('shop', option));
    const piped = await expectAgreement(cluster, at('piped.dump'));
    expect(piped.header).toMatchObject({ archiveVersion: '1.16-0', compression, database: 'shop' });
    expect(piped.header.serverVersion).toMatch(new RegExp(`^${major}\\.`));
    expect(piped.largeObjects).toMatchObject({ count: 3, bytes: 1_200_004 });
    expect(piped.tables.find(({ name }) => name === 'many')?.rows).toBe(30_000);
  });

  it.each(['--no-acl --no-owner', '--data-only', '--schema-only', '--no-blobs', '--load-via-partition-root'])(
    'is read as pg_restore reads it, from a file, with %s',
    async (options) => {
      await cluster.dumpToFile('shop', at('file.dump'), '-Z1', ...options.split(' '));
      await expectAgreement(cluster, at('file.dump'));
    },
  );

  it.each(['lz4', 'zstd'])('is refused by name when it is compressed with %s', async (algorithm) => {
    await write('other.dump', await cluster.dump('shop', `--compress=${algorithm}`));
    await expect(pipeline(createReadStream(at('other.dump')), new DumpReader())).rejects.toMatchObject({
      kind: 'proof',
      code: 'dump.unsupported',
      why: `its data is compressed with ${algorithm}`,
      next: expect.stringContaining('--compress=0 or gzip'),
    });
  });

  it('may have a thousand tables', async () => {
    await write('crowd.dump', await cluster.dump('crowd', '-Z1'));
    expect((await expectAgreement(cluster, at('crowd.dump'))).tables).toHaveLength(1000);
  });
});
