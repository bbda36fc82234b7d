import { execFileSync } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { coolifyState, lab, onHost, type Workplace, workplace } from './lab.js';
import { hostsOf, leftoversIn } from './observations.js';

/** A host on which somebody has laid traps for whoever reads it as root. */
const HOST = 'sec2.test';
const PORT = 2362;

const TRAPS = `
set -e
cd /data/coolify/ssh/keys
ln -s /etc/shadow ssh_key@shadow
ln -s /dev/zero ssh_key@zero
mkfifo ssh_key@pipe
mknod ssh_key@disk c 1 5
mkdir folder && echo x >folder/ssh_key@deep
cp /etc/os-release /tmp/os-release && cat /tmp/os-release >/etc/os-release.new && mv /etc/os-release.new /etc/os-release
printf 'PRETTY_NAME="\\033[2J\\033]0;owned\\007Debian"\\n' >>/etc/os-release
mkfifo /etc/ssh/ssh_host_pipe_key
ln -s /dev/zero /root/.ssh/id_zero
mkdir -p /srv/odd/folder
echo plain >/srv/odd/plain
mkfifo /srv/odd/pipe
mkdir /srv/round && ln -s . /srv/round/loop
ln -s /dev/zero /srv/odd/zero
mkdir /srv/huge && truncate -s 1T /srv/huge/sparse && mkdir /srv/vast && truncate -s 4T /srv/vast/sparse
mkdir /srv/newline && echo x >"/srv/newline/$(printf 'a\\nb')"
mkdir /srv/latin && echo x >"/srv/latin/$(printf 'caf\\351')"
docker exec -i coolify-db psql -qU coolify <<'SQL'
UPDATE private_keys SET name = E'../../../../etc/cron.d/x\\n\\033[2J' WHERE id = (SELECT max(id) FROM private_keys);
SQL
`;

const inventorySchema = z.object({
  controller: z.object({ hosts: z.record(z.string(), z.record(z.string(), z.unknown())) }),
});

let place: Workplace;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  await onHost(HOST, TRAPS);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

async function backup(extraPaths: readonly string[], ...args: string[]) {
  await place.writeInventory({
    coolify_repository: `file:${join(place.folder, 'repository')}`,
    coolify_extra_paths: extraPaths,
  });
  return await coolifyState(['backup', ...place.options, ...args]);
}

it('is backed up without hanging, following, or writing to the terminal', async () => {
  const { status, stdout, stderr } = await backup(['/srv/odd/']);
  expect(status, stderr).toBe(0);
  for (const name of ['shadow', 'zero', 'pipe', 'disk'])
    expect(stderr).toContain(`ssh_key@${name} is not a plain file and was left out`);
  expect(stderr).toContain('\\x1b[2J');
  expect(`${stdout}${stderr}`.includes('\u001b')).toBe(false);

  const archive = join(place.state, HOST, 'backups/coolify/coolify_ssh_keys.tar.gz');
  const names = execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' });
  expect(names).not.toMatch(/shadow|zero|pipe|disk|deep/);
  expect(names).toMatch(/ssh_key@/);

  const paths = await readdir(join(place.state, HOST), { recursive: true });
  expect(paths.filter((path) => path.includes('/srv/odd/')).sort()).toEqual(
    expect.arrayContaining([expect.stringMatching(/srv\/odd\/plain$/)]),
  );
  expect(paths.filter((path) => /(zero|pipe)(_key)?$/.test(path))).toEqual([]);
  const trap = paths.filter((path) => /cron|\n/.test(path));
  expect(trap).toEqual([expect.stringMatching(/^backups\/coolify\/[^/\n]*cron[^/\n]*\.pub$/)]);
  const manifest = await readFile(join(place.state, HOST, 'manifest.json'), 'utf8');
  expect(manifest).toContain('../../../../etc/cron.d/x');
});

/** One host under five names: each with another extra path, all in one run. */
const EXTRA: Record<string, { path: string; code: string; told: string }> = {
  'larger-than-the-disk-here': {
    path: '/srv/huge',
    code: 'host.file-too-large',
    told: '/srv/huge/sparse is larger than',
  },
  'of-4-terabytes': { path: '/srv/vast', code: 'host.file-too-large', told: 'srv/vast/sparse has more than' },
  'with-a-line-break': { path: '/srv/newline', code: 'host.file-name-unsafe', told: 'a\\x0ab' },
  'linked-to-its-own-folder': {
    path: '/srv/round',
    code: 'host.file-name-unsafe',
    told: 'srv/round/loop/loop',
  },
  'not-in-utf-8': { path: '/srv/latin', code: 'host.file-name-unsafe', told: 'srv/latin/caf' },
};

it('fails in words, at once, for an extra path that cannot be taken', async () => {
  const inventory = join(place.folder, 'inventory.yml');
  const { controller } = inventorySchema.parse(JSON.parse(await readFile(inventory, 'utf8')));
  const one = controller.hosts[HOST];
  const hosts = Object.entries(EXTRA).map(([name, { path }]) => [
    name,
    { ...one, coolify_extra_paths: [path] },
  ]);
  await writeFile(inventory, JSON.stringify({ controller: { hosts: Object.fromEntries(hosts) } }));
  const outcome = await coolifyState(['backup', ...place.options, '--json']);
  expect(outcome.status).toBe(1);
  const reports = hostsOf(outcome);
  expect(reports.map(({ host }) => host).sort()).toEqual(Object.keys(EXTRA).sort());
  for (const { host, error } of reports) {
    expect(error, host).toMatchObject({ kind: 'failed', code: EXTRA[host]?.code });
    expect(`${error?.what}: ${error?.why}`).toContain(EXTRA[host]?.told);
    expect(error?.next).toContain('on the host');
  }
  expect(await leftoversIn(place.state)).toEqual([]);
});
