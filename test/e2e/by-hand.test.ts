import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Instance, instanceOf } from '../../src/coolify/instance.js';
import { layoutOf } from '../../src/coolify/layout.js';
import { recoveryGuide } from '../../src/coolify/restore/recovery-guide.js';
import { type Manifest, parseManifest } from '../../src/state/manifest.js';
import { shellBlocks } from '../interop/docs/shell-blocks.js';
import { releasedSnapshots } from '../released-snapshots.js';
import { lab, onHost } from './lab.js';

/**
 * A bare host becomes the instance of a snapshot by the commands of RESTORE.md alone: this program takes no part. Each
 * test goes on where the one before it ended.
 */
const HOST = 'by-hand.test';
const PORT = 2295;
const HOST_FOLDER = '/root/snapshot';
const run = promisify(execFile);

let folder: string;
let manifest: Manifest;
let instance: Instance;

beforeAll(async () => {
  const released = releasedSnapshots().at(-1);
  if (released === undefined) throw new Error('there is no released snapshot');
  folder = await mkdtemp(join(tmpdir(), 'coolify-state-by-hand-'));
  await copyFile(released.identity, join(folder, 'key'));
  await chmod(join(folder, 'key'), 0o600);
  await mkdir(join(folder, 'snapshot'));
  const line = 'age -d -i "$0" "$1" | tar -xzf - -C "$2"';
  const words = [join(folder, 'key'), released.object, join(folder, 'snapshot')];
  await run('bash', ['-o', 'pipefail', '-c', line, ...words]);
  manifest = parseManifest(await readFile(join(folder, 'snapshot/manifest.json'), 'utf8'), 'a test');
  instance = instanceOf(manifest);
  await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
  await run('docker', ['cp', join(folder, 'snapshot'), `coolify-state-lab-host-${HOST}:${HOST_FOLDER}`]);
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await lab('host.sh', 'down', HOST);
});

describe('RESTORE.md, followed on a bare host', () => {
  it('has commands that all succeed', async () => {
    const layout = layoutOf({
      dataPath: '/data/coolify',
      installScript: '/root/install.sh',
      databaseContainer: 'coolify-db',
    });
    const guide = recoveryGuide(manifest.host, manifest.id, instance, layout);
    const blocks = shellBlocks(guide).filter(({ heading }) => heading.startsWith('Put it back'));
    const commands = blocks.map((block) => block.commands).join('\n');
    // The lab has the installer on its disk and no way out.
    const download = 'curl -fsSL https://cdn.coollabs.io/coolify/install.sh | USER=root bash -s ';
    expect(commands.split(download)).toHaveLength(2);
    const script = `set -euo pipefail\ncd ${HOST_FOLDER}\n${commands.replace(download, 'USER=root bash /root/install.sh ')}`;
    await onHost(HOST, 'bash -c "$1"', script);
  });

  it('brings back the rows, and the instance that it was', async () => {
    await onHost(HOST, HEALTHY);
    const { tables } = instance.database;
    const counts = tables
      .map(({ schema, name }) => `SELECT '${name}', count(*) FROM "${schema}"."${name}";`)
      .join('\n');
    const found = await onHost(
      HOST,
      'docker exec coolify-db psql -XAtq -U coolify -d coolify -c "$1"',
      counts,
    );
    expect(found.trim().split('\n')).toEqual(tables.map(({ name, rows }) => `${name}|${rows}`));
    const version = await onHost(HOST, "docker inspect --format '{{.Config.Image}}' coolify");
    expect(version.trim()).toMatch(new RegExp(`:${instance.coolify.version}$`));
  });

  it('brings back the settings, and the key files that Coolify writes with them', async () => {
    expect(await onHost(HOST, 'cat /data/coolify/source/.env')).toContain(
      (await readFile(join(folder, 'snapshot/backups/coolify/APP_KEY'), 'utf8')).trim(),
    );
    const keys = (
      await onHost(
        HOST,
        "find /data/coolify/ssh/keys -name 'ssh_key@*' ! -name '*.lock' -printf '%f %U %m\\n'",
      )
    )
      .trim()
      .split('\n');
    expect(keys).toHaveLength(instance.keys.length);
    for (const key of keys) expect(key).toMatch(/ 9999 600$/);
  });

  it('brings back who the host is, and the ways in', async () => {
    for (const { path, sha256, origin } of manifest.files) {
      if (!path.startsWith('.ssh/') || origin === undefined) continue;
      expect(`${origin.path} ${await onHost(HOST, 'sha256sum "$1" | cut -d" " -f1', origin.path)}`).toBe(
        `${origin.path} ${sha256}\n`,
      );
    }
    const authorized = await onHost(HOST, 'cat /root/.ssh/authorized_keys');
    expect(authorized).toContain(
      (await readFile(join(folder, 'snapshot/backups/authorized_keys'), 'utf8')).trim(),
    );
  });
});

const HEALTHY = `
for _ in $(seq 300); do
  [ "$(docker inspect --format '{{.State.Health.Status}}' coolify)" != healthy ] || exit 0
  sleep 0.2
done
exit 1
`;
