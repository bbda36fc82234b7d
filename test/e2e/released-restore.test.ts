import { chmod, copyFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { releasedSnapshots } from '../released-snapshots.js';
import { coolifyState, lab, onHost, type Workplace, workplace } from './lab.js';

/** What every released version stored can still be restored onto a bare host. */
const HOST = 'released.test';
const PORT = 2296;

const sidecar = z.object({
  coolify: z.string(),
  proofs: z.array(z.object({ name: z.string(), detail: z.string() })),
});

afterAll(() => lab('host.sh', 'down', HOST));

describe.each(releasedSnapshots())(
  'the snapshot of version $version',
  ({ host, repository, object, identity }) => {
    let place: Workplace;

    beforeAll(async () => {
      await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
      place = await workplace(host, PORT, { coolify_repository: `file:${repository}` });
      const key = join(place.folder, 'identity');
      // Git keeps no mode that a private key would need.
      await copyFile(identity, key);
      await chmod(key, 0o600);
      await place.writeInventory({ coolify_backup_encryption_key_path: key });
    });
    afterAll(() => place?.remove());

    it('makes a bare host the instance that it was', async () => {
      const { status, stdout, stderr } = await coolifyState(['restore', '--yes', ...place.options]);
      expect(status, stdout + stderr).toBe(0);
      const told = sidecar.parse(JSON.parse(await readFile(`${object}.json`, 'utf8')));
      const image = await onHost(HOST, "docker inspect --format '{{.Config.Image}}' coolify");
      expect(image.trim()).toMatch(new RegExp(`:${told.coolify}$`));
      const keys = await onHost(
        HOST,
        "find /data/coolify/ssh/keys -name 'ssh_key@*' ! -name '*.lock' | wc -l",
      );
      expect(told.proofs.find(({ name }) => name === 'key-files')?.detail).toBe(
        `${keys.trim()} key files equal their rows`,
      );
    });

    it('leaves nothing to do for a second run', async () => {
      const { status, stdout, stderr } = await coolifyState(['restore', '--yes', ...place.options]);
      expect(status, stdout + stderr).toBe(0);
      expect(stdout).toMatch(/changed=0/);
    });
  },
);
