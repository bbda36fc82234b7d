import { chmod, copyFile, cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as zlib from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { releasedSnapshots } from '../released-snapshots.js';
import { collect, coolifyState, type Outcome } from './lab.js';

/** No host is needed: what released versions stored is opened from a directory repository. */
const summary = z.object({
  snapshots: z.array(z.object({ host: z.string(), id: z.string(), proven: z.boolean().optional() })),
});

describe.each(releasedSnapshots())(
  'the snapshot of version $version',
  ({ host, repository, object, identity }) => {
    let folder: string;
    const state = (): string => join(folder, 'state');
    const run = (...args: string[]): Promise<Outcome> =>
      coolifyState([...args, '-i', join(folder, 'inventory.yml'), '--state-dir', state()]);

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'coolify-state-released-'));
      // Git keeps no mode that a private key would need.
      await copyFile(identity, join(folder, 'identity'));
      await chmod(join(folder, 'identity'), 0o600);
      await writeInventory(`file:${repository}`);
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    async function writeInventory(place: string): Promise<void> {
      const vars = {
        ansible_host: '192.0.2.1',
        coolify_repository: place,
        coolify_backup_encryption_key_path: join(folder, 'identity'),
      };
      // JSON is YAML.
      await writeFile(
        join(folder, 'inventory.yml'),
        JSON.stringify({ controller: { hosts: { [host]: vars } } }),
      );
    }

    it('is listed, with what was proven then', async () => {
      const { status, stdout, stderr } = await run('snapshots', '--json');
      expect(status, stderr).toBe(0);
      const listed = summary.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
      expect(listed.snapshots).toMatchObject([
        { host, id: expect.stringMatching(/^[0-9a-f]{8}$/), proven: true },
      ]);
    });

    it('is verified without a key', async () => {
      const { status, stdout, stderr } = await run('verify');
      expect(status, stdout + stderr).toBe(0);
    });

    it('is decrypted, unpacked and proven with it: rows, APP_KEY, keys', async () => {
      for (const from of [[], ['--from', object]]) {
        const { status, stdout, stderr } = await run('verify', '--read-data', ...from);
        expect(status, stdout + stderr).toBe(0);
        for (const proof of ['files', 'dump', 'app-key', 'key-rows', 'key-files'])
          expect(stdout).toMatch(new RegExp(`proven +${proof}`));
      }
      // What was unpacked to be proven is gone again.
      const left = await readdir(state(), { recursive: true });
      expect(left.filter((path) => path.includes('coolify_db.dump'))).toEqual([]);
    });

    it('opens when it is packed with zstd, or it is said how to open it where this Node has none', async () => {
      const path = join(folder, 'snapshot.tar.zst.age');
      const line =
        'ssh-keygen -y -f "$0" > "$0.pub"; age -d -i "$0" "$1" | gunzip | zstd | age -R "$0.pub" > "$2"';
      const words = [join(folder, 'identity'), object, path];
      const packed = await collect('bash', ['-euo', 'pipefail', '-c', line, ...words]);
      expect(packed.status, packed.stderr).toBe(0);
      const { status, stdout, stderr } = await run('verify', '--read-data', '--from', path);
      if ('createZstdDecompress' in zlib) expect(status, stdout + stderr).toBe(0);
      else {
        expect(status, stdout + stderr).toBe(1);
        expect(stdout + stderr).toContain('it is compressed with zstd');
        expect(stdout + stderr).toContain('age -d -i KEY FILE | zstd -d | tar -x');
      }
    });

    it('is refused with status 4 when one byte of it is another', async () => {
      const bent = join(folder, 'repository');
      await cp(repository, bent, { recursive: true });
      const [name = ''] = (await readdir(join(bent, host))).filter((file) => file.endsWith('.age'));
      const bytes = await readFile(join(bent, host, name));
      bytes[40_000] = (bytes[40_000] ?? 0) ^ 1;
      await writeFile(join(bent, host, name), bytes);
      await writeInventory(`file:${bent}`);
      for (const options of [[], ['--read-data']]) {
        const { status, stdout, stderr } = await run('verify', ...options);
        expect(status, stdout + stderr).toBe(4);
      }
    });
  },
);
