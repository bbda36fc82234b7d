import { execFile } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ALL_OUTPUT, coolifyState, lab, type Outcome, onHost, type Workplace, workplace } from './lab.js';
import { hostOf, hostsOf, leftoversIn, treeOf } from './observations.js';
import { PG_DUMP, pgDumpWasReplaced, realPgDump, replacePgDump } from './pg-dump.js';
import { secretsIn, secretsOf } from './secret-search.js';

/** What can be wrong with a host or with this machine: the last good generation stands, and the next run works. */
const HOST = 'faults.test';
const PORT = 2231;
const ENV = '/data/coolify/source/.env';

let place: Workplace;
let good: Record<string, string>;

const settings = (): Record<string, unknown> => ({
  coolify_repository: `file:${join(place.folder, 'repository')}`,
});
const backup = (...more: string[]): Promise<Outcome> =>
  coolifyState(['backup', ...place.options, '--json', ...more]);
/** The generations and the repository; not the inventory, which tests write. */
async function kept(): Promise<Record<string, string>> {
  const entries = Object.entries(await treeOf(place.folder));
  return Object.fromEntries(entries.filter(([path]) => path !== 'inventory.yml'));
}

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  await place.writeInventory(settings());
  await expectGoodRun();
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

/** The next run after a fault needs nobody's help; what it leaves is the good state of the next test. */
async function expectGoodRun(...more: string[]): Promise<void> {
  const outcome = await backup(...more);
  expect(outcome.status, outcome.stdout + outcome.stderr).toBe(0);
  expect(hostOf(outcome).snapshots).toHaveLength(1);
  expect(await leftoversIn(place.state)).toEqual([]);
  good = await kept();
}

/** Nothing has changed, not by a byte, since the last good run. */
async function expectUntouched(): Promise<void> {
  expect(await leftoversIn(place.state)).toEqual([]);
  expect(await kept()).toEqual(good);
}

/** Backs up while something on the host is changed, and puts it right again. */
async function backupWhile(change: string, repair: string, ...more: string[]): Promise<Outcome> {
  await onHost(HOST, change);
  try {
    return await backup(...more);
  } finally {
    await onHost(HOST, repair);
  }
}

const SAVE_ENV = `cp -p ${ENV} /run/env.saved`;
// Written in place: the file is mounted into Coolify's container.
const REPAIR_ENV = `cat /run/env.saved >${ENV} && rm /run/env.saved`;

describe('a host whose data is not to be trusted', () => {
  it('is not backed up when APP_KEY does not fit the database', async () => {
    const other = `${SAVE_ENV} && sed "s|^APP_KEY=.*|APP_KEY=base64:$(head -c 32 /dev/urandom | base64)|" /run/env.saved >${ENV}`;
    await onHost(HOST, other);
    const shown = await coolifyState(['backup', ...place.options, '-vv'], {
      env: { COOLIFY_STATE_DEBUG: '1' },
    }).finally(() => onHost(HOST, REPAIR_ENV));
    expect(shown.status, shown.stderr).toBe(4);
    expect(shown.stdout).toContain(`error [${HOST}]: What was pulled is not a backup that could be restored`);
    expect(shown.stdout).toMatch(
      /why: .*APP_KEY does not open the database's encrypted values: \w+\.\w+ \(\d+ of \d+\)/,
    );
    expect(shown.stdout).toContain('code: backup.unproven');
    await expectUntouched();
  });

  it('is not backed up from a dump that was cut off though pg_dump reported success', async () => {
    await replacePgDump(HOST, PG_DUMP.cutOff);
    const outcome = await backup().finally(async () => {
      expect(await pgDumpWasReplaced(HOST)).toBe(true);
      await realPgDump(HOST);
    });
    expect(outcome.status, outcome.stderr).toBe(4);
    expect(hostOf(outcome).error).toMatchObject({ kind: 'proof', code: 'dump.truncated' });
    await expectUntouched();
  });

  it('says in the words of pg_dump why that failed', async () => {
    await replacePgDump(HOST, PG_DUMP.failing);
    const outcome = await backup().finally(() => realPgDump(HOST));
    expect(outcome.status, outcome.stderr).toBe(1);
    expect(hostOf(outcome).error).toMatchObject({ code: 'database.dump-failed' });
    expect(hostOf(outcome).error?.why).toContain('could not open relation mapping file');
    await expectUntouched();
  });

  it('is backed up by the next run when all is well again', () => expectGoodRun());
});

describe('a required artifact', () => {
  const KEYS = '/data/coolify/ssh/keys';
  const AUTHORIZED = '/root/.ssh/authorized_keys';
  const faults = [
    {
      fault: 'a missing .env',
      path: ENV,
      change: `mv ${ENV} /run/env.away`,
      repair: `mv /run/env.away ${ENV}`,
    },
    { fault: 'an empty .env', path: ENV, change: `${SAVE_ENV} && : >${ENV}`, repair: REPAIR_ENV },
    {
      fault: 'an empty key folder',
      path: KEYS,
      change: `mkdir /run/keys.away && mv ${KEYS}/* /run/keys.away/`,
      repair: `mv /run/keys.away/* ${KEYS}/ && rmdir /run/keys.away`,
    },
    {
      fault: 'a missing authorized_keys',
      path: AUTHORIZED,
      change: `mv ${AUTHORIZED} /run/authorized.away`,
      repair: `mv /run/authorized.away ${AUTHORIZED}`,
    },
    {
      fault: 'an empty authorized_keys',
      path: AUTHORIZED,
      change: `cp -p ${AUTHORIZED} /run/authorized.saved && : >${AUTHORIZED}`,
      repair: `cat /run/authorized.saved >${AUTHORIZED} && rm /run/authorized.saved`,
    },
  ];

  // Somebody whose own way in is not what is taken away.
  beforeAll(() => place.writeInventory({ ...settings(), ansible_user: 'deployer' }));
  afterAll(() => place.writeInventory(settings()));

  it.each(faults)('fails the backup, which says so: $fault', async ({ path, change, repair }) => {
    const outcome = await backupWhile(change, repair);
    expect(outcome.status, outcome.stderr).toBe(1);
    const { error } = hostOf(outcome);
    expect(error).toMatchObject({ kind: 'failed', code: 'artifact.missing' });
    expect(error?.what).toMatch(/^The .+ could not be backed up$/);
    expect(error?.why).toContain(path);
    await expectUntouched();
  });

  it('is in the next backup when it is there again', () => expectGoodRun());
});

describe('another instance at the same address', () => {
  const manifest = z.looseObject({ instance: z.looseObject({ appKeyFingerprint: z.string() }) });

  it('does not push out the last good generation, unless it is meant to', async () => {
    const path = join(place.state, HOST, 'manifest.json');
    const text = await readFile(path, 'utf8');
    const { appKeyFingerprint } = manifest.parse(JSON.parse(text)).instance;
    await writeFile(path, text.replace(appKeyFingerprint, `SHA256:${'A'.repeat(43)}`));
    good = await kept();

    const refused = await backup();
    expect(refused.status, refused.stderr).toBe(1);
    expect(hostOf(refused).error).toMatchObject({ kind: 'failed', code: 'backup.other-instance' });
    await expectUntouched();

    await expectGoodRun('--accept-new-instance');
    expect(manifest.parse(JSON.parse(await readFile(path, 'utf8'))).instance).toMatchObject({
      appKeyFingerprint,
    });
  });
});

describe('an unreachable host', () => {
  it('is told by exit status 3, and does not keep the others from being backed up', async () => {
    const closed = { ansible_host: '127.0.0.1', ansible_port: 9 };
    const inventory = join(place.folder, 'inventory.yml');
    const own = await readFile(inventory, 'utf8');
    const text = own.replace(
      '"hosts":{',
      `"hosts":{"gone.test":${JSON.stringify({ ...settings(), ...closed })},`,
    );
    await writeFile(
      inventory,
      text.replace('"gone.test":{', `"gone.test":{"coolify_backup_encryption_key_path":${keyOf(own)},`),
    );
    const outcome = await backup().finally(() => writeFile(inventory, own));

    expect(outcome.status, outcome.stderr).toBe(3);
    const hosts = new Map(hostsOf(outcome).map((host) => [host.host, host]));
    expect(hosts.get('gone.test')?.error).toMatchObject({ kind: 'unreachable', code: 'ssh.refused' });
    expect(hosts.get(HOST)?.error).toBeUndefined();
    expect(hosts.get(HOST)?.snapshots).toHaveLength(1);
    good = await kept();
  });
});

describe('a full disk on this machine', () => {
  const run = promisify(execFile);
  const root = process.getuid?.() === 0;
  let small: Workplace;

  beforeAll(async () => {
    small = await workplace(HOST, PORT, {});
    await small.writeInventory(settings());
    await mkdir(small.state);
  });

  afterAll(async () => {
    await run('umount', [small.state]).catch(() => undefined);
    await small.remove();
  });

  if (!root) console.warn('only root can make a small disk: the test of a full one is skipped');

  it.skipIf(!root && process.env['CI'] !== 'true')('is said so, and costs no generation', async () => {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=10m,mode=0700', 'tmpfs', small.state]);
    const backupThere = (): Promise<Outcome> => coolifyState(['backup', ...small.options, '--json']);
    const first = await backupThere();
    expect(first.status, first.stdout + first.stderr).toBe(0);
    const before = await treeOf(small.state);

    const full = await backupThere();
    expect(full.status, full.stderr).toBe(1);
    expect(hostOf(full).error).toMatchObject({ kind: 'failed', code: 'state.disk-full' });
    expect(hostOf(full).error?.what).toContain(join(small.state, '.generations', HOST));
    expect(await treeOf(small.state)).toEqual(before);

    await run('mount', ['-o', 'remount,size=64m', small.state]);
    const next = await backupThere();
    expect(next.status, next.stderr).toBe(0);
  });
});

it('no secret was shown by any of these runs', async () => {
  expect(ALL_OUTPUT.length).toBeGreaterThan(20);
  expect(secretsIn(ALL_OUTPUT, await secretsOf(HOST))).toEqual([]);
});

/** The encryption key's path, as JSON, of an inventory. */
function keyOf(inventory: string): string {
  return /"coolify_backup_encryption_key_path":("[^"]*")/.exec(inventory)?.[1] ?? '""';
}
