import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PRESENTED_KEYS } from './instance-fingerprint.js';
import { killedAt } from './killed-at.js';
import { collect, coolifyState, lab, onHost, type Workplace } from './lab.js';
import { leftovers } from './restore-remains.js';
import { OTHER_COOLIFY, targetFingerprint } from './restore-targets.js';
import { twoHosts } from './two-hosts.js';

/**
 * A restore that is killed, and then taken back: the target is what it was before. Each test goes on where the one before it
 * ended; the former state is the same for all.
 */
const SOURCE = 'rollback-source.test';
const SOURCE_PORT = 2303;
const TARGET = 'rollback-target.test';
const TARGET_PORT = 2304;

/** Killed at these steps in every run, at all of them in `make test-matrix`. */
const ALL = process.env['COOLIFY_STATE_MATRIX'] === 'all';

const BROKEN_CONFIG = '/etc/ssh/sshd_config.d/zz-broken.conf';

type Moment = readonly [when: string, task: string, milliseconds: number];

const ANYWHERE: readonly Moment[] = [
  ['when the writers are stopped', "restore dump of Coolify's database", 0],
  ['while the database is loaded', "restore dump of Coolify's database", 500],
  ['when Coolify is held still', 'prove the target', 0],
  ['while Coolify is let go', "switch Coolify's queue and scheduler on", 700],
  ['when all but the host keys is restored', "restore host keys and root's own keys", 0],
  ['when only its notes are left', 'remove the notes of this restore', 0],
];
const BARE_MOMENTS: readonly Moment[] = [
  ['while the installer works', "run Coolify's installer", 2000],
  ...ANYWHERE,
];
const INSTALLED_MOMENTS: readonly Moment[] = [
  ['when the way back was kept', 'note what is under way', 0],
  ['when the settings are merged', 'restore controller environment', 0],
  ...ANYWHERE,
];

let place: Workplace;
let former: string;
let formerKeys: string;

const run = (...args: string[]) => coolifyState([...args, ...place.options]);
const RESTORE = ['restore', SOURCE, '--to', TARGET, '--yes', '--downgrade'];
const hostKeys = () =>
  collect('sh', ['-c', PRESENTED_KEYS, 'sh', String(TARGET_PORT)]).then(({ stdout }) => stdout);

beforeAll(async () => {
  await lab('host.sh', 'up', SOURCE, '--port', String(SOURCE_PORT), '--recreate');
  place = await twoHosts({
    source: SOURCE,
    sourcePort: SOURCE_PORT,
    target: TARGET,
    targetPort: TARGET_PORT,
  });
  const { status, stderr } = await run('backup', SOURCE);
  expect(status, stderr).toBe(0);
  // The fire: nothing answers at the original's address any more.
  await lab('host.sh', 'down', SOURCE);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', SOURCE);
  await lab('host.sh', 'down', TARGET);
});

async function expectTakenBack(): Promise<void> {
  const { status, stdout, stderr } = await run('restore', '--rollback', TARGET, '--yes');
  expect(status, `${stderr}${stdout}`).toBe(0);
  expect(await targetFingerprint(TARGET)).toBe(former);
  expect(await hostKeys()).toBe(formerKeys);
  expect(await leftovers(TARGET)).toBe('');
}

describe('on a bare host', () => {
  beforeAll(async () => {
    await lab('host.sh', 'fresh', TARGET, '--port', String(TARGET_PORT));
    former = await targetFingerprint(TARGET);
    formerKeys = await hostKeys();
  });

  const MOMENTS: readonly Moment[] = [
    ['when sshd presents the restored host keys', 'prove the host keys', 0],
    ...(ALL ? BARE_MOMENTS : []),
  ];

  it.each(MOMENTS)(
    'killed %s it leaves a host that a rollback makes bare again',
    async (_when, task, milliseconds) => {
      await killedAt([...RESTORE, ...place.options], task, milliseconds);
      await expectTakenBack();
    },
  );

  it('says that there is nothing to take back once that is done', async () => {
    const { status, stdout } = await run('restore', '--rollback', TARGET, '--yes');
    expect(status).toBe(2);
    expect(stdout).toContain('rollback.nothing');
  });
});

describe('on a host where another Coolify stands', () => {
  beforeAll(async () => {
    await onHost(TARGET, OTHER_COOLIFY);
    former = await targetFingerprint(TARGET);
    formerKeys = await hostKeys();
  });

  const MOMENTS: readonly Moment[] = [
    ['while the containers are made anew', 'start Coolify', 1500],
    ...(ALL ? INSTALLED_MOMENTS : []),
  ];

  it.each(MOMENTS)(
    'killed %s it leaves a host that a rollback puts back',
    async (_when, task, milliseconds) => {
      await killedAt([...RESTORE, ...place.options], task, milliseconds);
      await expectTakenBack();
    },
  );

  it('is put back also when the rollback itself is killed and run again', async () => {
    await killedAt([...RESTORE, ...place.options], "restore root's authorized_keys", 0);
    await killedAt(['restore', '--rollback', TARGET, '--yes', ...place.options], 'start Coolify', 1000);
    const other = await run(...RESTORE);
    expect(other.stdout).toContain('restore.rollback-under-way');
    await expectTakenBack();
  });

  it('is put back from the safety generation also when the restore was complete', async () => {
    const restored = await run(...RESTORE);
    expect(restored.status, `${restored.stderr}${restored.stdout}`).toBe(0);
    expect(await targetFingerprint(TARGET)).not.toBe(former);
    const planned = await run('restore', '--rollback', TARGET, '--check');
    expect(planned.status, planned.stderr).toBe(0);
    expect(planned.stdout).toContain('what was written since is lost');
    // The former host keys stand there, but sshd was not told: the next run has to see to it.
    await onHost(TARGET, `echo NoSuchOption yes >${BROKEN_CONFIG}`);
    const refused = await run('restore', '--rollback', TARGET, '--yes');
    expect(refused.stdout).toContain('host-keys.refused');
    await onHost(TARGET, `rm ${BROKEN_CONFIG}`);
    await expectTakenBack();
  });

  it('keeps a record of each restore with its proofs, on this machine', async () => {
    const folder = join(place.state, '.restores', TARGET);
    const names = await readdir(folder);
    expect(names.length).toBeGreaterThan(3);
    const records = await Promise.all(
      names.map(async (name) =>
        recordSchema.parse(JSON.parse(await readFile(join(folder, name, 'record.json'), 'utf8'))),
      ),
    );
    expect(records.every(({ outcome }) => outcome === 'rolled-back')).toBe(true);
  });
});

const recordSchema = z.object({
  outcome: z.string(),
  proofs: z.array(z.object({ name: z.string(), ok: z.boolean() })),
});
