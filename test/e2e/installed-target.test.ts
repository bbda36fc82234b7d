import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fingerprintOf, type InstanceFingerprint, PRESENTED_KEYS } from './instance-fingerprint.js';
import {
  collect,
  coolifyState,
  knownHostsOf,
  LAB,
  lab,
  type Outcome,
  onHost,
  type Workplace,
  workplace,
} from './lab.js';

/**
 * A snapshot goes onto a host where another Coolify stands: newer, with other data, another APP_KEY and another
 * password of its database. Each test goes on where the one before it ended.
 */
const SOURCE = 'installed-source.test';
const SOURCE_PORT = 2241;
const TARGET = 'installed-target.test';
const TARGET_PORT = 2242;

/** What the target keeps as its own, and what becomes the snapshot's. */
const KEPT = ['DB_PASSWORD', 'REDIS_PASSWORD'];
const TAKEN = ['APP_KEY', 'APP_PREVIOUS_KEYS', 'APP_ID', 'APP_NAME', 'PUSHER_APP_ID', 'PUSHER_APP_KEY'];

let place: Workplace;
let source: InstanceFingerprint;
let sourceEnv: ReadonlyMap<string, string>;
let sourceKeys: string;
let former: InstanceFingerprint;
let formerEnv: ReadonlyMap<string, string>;
let formerAuthorized: string;
let formerKeys: string;
let safety: string;

const run = (...args: string[]) => coolifyState([...args, ...place.options]);

beforeAll(async () => {
  await lab('host.sh', 'up', SOURCE, '--port', String(SOURCE_PORT), '--recreate');
  await lab('host.sh', 'fresh', TARGET, '--port', String(TARGET_PORT));
  await onHost(TARGET, OTHER_COOLIFY);
  place = await workplace(SOURCE, SOURCE_PORT, {});
  await writeInventory();
  [source, sourceEnv, sourceKeys] = [
    await fingerprintOf(SOURCE),
    await envOf(SOURCE),
    await hostKeys(SOURCE_PORT),
  ];
  [former, formerEnv, formerKeys] = [
    await fingerprintOf(TARGET),
    await envOf(TARGET),
    await hostKeys(TARGET_PORT),
  ];
  formerAuthorized = await onHost(TARGET, 'cat /root/.ssh/authorized_keys');
  const { status, stderr } = await run('backup', SOURCE);
  expect(status, stderr).toBe(0);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', SOURCE);
  await lab('host.sh', 'down', TARGET);
});

it('begins with two instances that have nothing in common', () => {
  for (const key of ['APP_KEY', ...KEPT]) expect(formerEnv.get(key), key).not.toBe(sourceEnv.get(key));
  expect(former.database).not.toBe(source.database);
  expect(former.database).toMatch(/^server_groups\W/m);
  expect(source.database).not.toMatch(/^server_groups\W/m);
});

describe('a snapshot on a host where another Coolify stands', () => {
  it('becomes the instance of the snapshot, with all proofs', async () => {
    expectProven(await run('restore', SOURCE, '--to', TARGET, '--yes', '--fence', '--downgrade'));
    expect((await fingerprintOf(TARGET)).database).toBe(source.database);
    expect(await versionOf(TARGET)).toBe('4.3.11 healthy');
  });

  it('has the files of the snapshot, but for the two that are merged', async () => {
    expect(unmerged(await fingerprintOf(TARGET))).toBe(unmerged(source));
  });

  it("has the snapshot's keys in .env, and the passwords of the target's own volumes", async () => {
    const env = await envOf(TARGET);
    for (const key of KEPT) expect(env.get(key), key).toBe(formerEnv.get(key));
    for (const key of TAKEN) expect(env.get(key), key).toBe(sourceEnv.get(key));
    // Over the network, as Coolify logs in.
    expect(await onHost(TARGET, LOGIN, env.get('DB_PASSWORD') ?? '')).toBe('0\n');
  });

  it("has the snapshot's lines in authorized_keys, and every line that the target's admins had", async () => {
    const present = await onHost(TARGET, 'cat /root/.ssh/authorized_keys');
    const snapshot = await onHost(SOURCE, 'cat /root/.ssh/authorized_keys');
    expect(present.startsWith(snapshot)).toBe(true);
    expect(present).toMatch(/ admin@my-coolify$/m);
    const admins = formerAuthorized.split('\n').filter((line) => / (on-call admin|.+@.+)$/.test(line));
    expect(admins).toHaveLength(3);
    for (const line of admins) expect(present.split('\n')).toContain(line);
  });

  it('answers with the host keys of the snapshot, and leaves nothing of the restore behind', async () => {
    expect(await hostKeys(TARGET_PORT)).toBe(sourceKeys);
    expect(await onHost(TARGET, LEFTOVERS)).toBe('');
  });

  it('has kept what stood there as a generation that can be proven', async () => {
    const folder = join(place.state, '.generations', TARGET);
    const [name, ...others] = await readdir(folder);
    expect(others).toEqual([]);
    expect(name).toMatch(/^safety-/);
    safety = join(folder, name ?? '');
    const { status, stdout, stderr } = await run('verify', TARGET, '--from', safety, '--read-data');
    expect(status, `${stderr}${stdout}`).toBe(0);
    for (const proof of ['files', 'dump', 'app-key', 'key-files'])
      expect(stdout).toMatch(new RegExp(`proven +${proof}`));
    const manifest = await readFile(join(safety, 'manifest.json'), 'utf8');
    expect(manifest).toContain('"4.3.12"');
    const authorized = await readFile(join(safety, 'backups/authorized_keys'), 'utf8');
    expect(hash(authorized)).toBe(hash(formerAuthorized));
  });

  it('changes nothing when it is restored again', async () => {
    const { status, stdout, stderr } = await run('restore', SOURCE, '--to', TARGET, '--yes', '--json');
    expect(status, stderr).toBe(0);
    expect(recapOf(stdout)).toMatchObject({ changed: 0, failed: 0, unreachable: 0 });
    expect(await readdir(join(place.state, '.generations', TARGET))).toHaveLength(1);
  });
});

describe('the way back, when the installer fails', () => {
  const back = () => run('restore', TARGET, '--from', safety, '--yes');
  const fail = (how: string) =>
    onHost(
      TARGET,
      'printf %s "$1" > /root/.coolify-lab-fail; [ -n "$1" ] || rm /root/.coolify-lab-fail',
      how,
    );

  it.each([
    ['cannot download', 'download', 'Could not resolve host: cdn.coollabs.io'],
    ['starts a Coolify that does not work', 'unhealthy', 'did not become healthy in time'],
  ])('is reported with step and cause when it %s, and both databases are there', async (_how, how, cause) => {
    await fail(how);
    const { status, stdout, stderr } = await back();
    expect(status, `${stderr}${stdout}`).toBe(1);
    expect(stderr).toMatch(/FAILED +start Coolify: /);
    expect(stdout).toContain(cause);
    expect(stdout).toContain('run the restore again: it goes on where it stopped');
    const databases = await onHost(TARGET, DATABASES);
    expect(databases).toMatch(/^coolify\ncoolify_state_former_\d+\n$/);
    const [, kept = ''] = databases.split('\n');
    expect(await onHost(TARGET, COUNT_KEYS, kept)).toBe('200\n');
    expect(await onHost(TARGET, COUNT_KEYS, 'coolify')).toBe('8\n');
  });

  it('is completed by the same command once the cause is put right', async () => {
    await fail('');
    expectProven(await back());
    const now = await fingerprintOf(TARGET);
    expect(now.database).toBe(former.database);
    expect(now.files).toContain(lineOf(former.files, '/data/coolify/source/.env'));
    expect(await versionOf(TARGET)).toBe('4.3.12 healthy');
    expect(await hostKeys(TARGET_PORT)).toBe(formerKeys);
    expect(await onHost(TARGET, LEFTOVERS)).toBe('');
  });
});

function expectProven({ status, stdout, stderr }: Outcome): void {
  expect(status, `${stderr}${stdout}`).toBe(0);
  for (const proof of PROOFS) expect(stdout).toMatch(new RegExp(`proven +${proof}`));
  expect(stdout).not.toContain('FAILED');
}

const PROOFS = ['health', 'version', 'rows', 'database-login', 'app-key', 'key-rows', 'key-files'];
const recapSchema = z.object({ hosts: z.array(z.object({ recap: z.record(z.string(), z.number()) })) });

function recapOf(stdout: string): Record<string, number> | undefined {
  return recapSchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).hosts[0]?.recap;
}

/** Both hosts in one inventory; only the source is a controller. */
async function writeInventory(): Promise<void> {
  const host = (port: number) => ({
    ansible_host: '127.0.0.1',
    ansible_port: port,
    coolify_known_hosts_file: knownHostsOf(port),
  });
  const inventory = {
    all: {
      vars: {
        ansible_user: 'root',
        ansible_ssh_private_key_file: join(LAB, 'id_ed25519'),
        coolify_backup_encryption_key_path: join(LAB, 'backup_ed25519'),
        coolify_repository: `file:${join(place.folder, 'repository')}`,
      },
    },
    controller: { hosts: { [SOURCE]: host(SOURCE_PORT) } },
    spare: { hosts: { [TARGET]: host(TARGET_PORT) } },
  };
  await writeFile(join(place.folder, 'inventory.yml'), JSON.stringify(inventory));
}

async function envOf(host: string): Promise<ReadonlyMap<string, string>> {
  const text = await onHost(host, 'cat /data/coolify/source/.env');
  return new Map(
    text.split('\n').flatMap((line) => {
      const [, key, value] = /^([A-Z_]+)=(.*)$/.exec(line) ?? [];
      return key === undefined || value === undefined ? [] : [[key, value] as const];
    }),
  );
}

function versionOf(host: string): Promise<string> {
  const format = '{{.Config.Image}} {{.State.Health.Status}}';
  return onHost(host, `docker inspect --format '${format}' coolify | sed 's/^[^:]*://'`).then((text) =>
    text.trim(),
  );
}

function hostKeys(port: number): Promise<string> {
  return collect('sh', ['-c', PRESENTED_KEYS, 'sh', String(port)]).then(({ stdout }) => stdout);
}

/** Of the files all but those where the target's own lines survive. */
function unmerged({ files }: InstanceFingerprint): string {
  return files
    .split('\n')
    .filter((line) => !/ (\/data\/coolify\/source\/\.env|\/root\/\.ssh\/authorized_keys) /.test(line))
    .join('\n');
}

function lineOf(files: string, path: string): string {
  return files.split('\n').find((line) => line.includes(` ${path} `)) ?? 'missing';
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

const OTHER_COOLIFY = `
set -e
ssh-keygen -q -t ed25519 -N '' -C admin@my-coolify -f /tmp/admin
USER=root bash /root/install.sh 4.3.12 >/dev/null
bash /usr/local/share/coolify-fixture/seed.sh --other
cat /tmp/admin.pub >> /root/.ssh/authorized_keys
rm /tmp/admin /tmp/admin.pub
`;

const LOGIN = `
docker exec -e PGPASSWORD="$1" coolify-db sh -c 'psql -h "$(hostname -i)" -U coolify -d coolify -c "SELECT 1"' >/dev/null 2>&1
echo $?
`;

const LEFTOVERS = `
find /root /etc/ssh /data/coolify -name '*coolify-state*'
docker exec coolify-db psql -XqAt -U coolify -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'coolify\\_state%' OR shobj_description(oid, 'pg_database') LIKE 'coolify-state%'"
`;

const DATABASES = `docker exec coolify-db psql -XqAt -U coolify -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'coolify%' ORDER BY 1"`;

const COUNT_KEYS = `docker exec coolify-db psql -XqAt -U coolify -d "$1" -c "SELECT count(*) FROM private_keys"`;
