import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fingerprintOf, type InstanceFingerprint } from './instance-fingerprint.js';
import { coolifyState, LAB, lab, onHost, type Workplace } from './lab.js';
import { treeOf } from './observations.js';
import { EMPTY_COOLIFY, OTHER_COOLIFY, targetFingerprint } from './restore-targets.js';
import { type TwoHosts, twoHosts, writeTwoHosts } from './two-hosts.js';

/**
 * Each kind of target, reached by each kind of user, with the same and with a newer PostgreSQL. Each cell ends with all proofs
 * green and a database equal to the source's, and `--check` has changed nothing.
 *
 * `make test` runs the cells that no other file covers (a bare host and another Coolify, as root, are in main-job and
 * installed-target); `make test-matrix` runs all.
 */
const ALL = process.env['COOLIFY_STATE_MATRIX'] === 'all';
const HOSTS = {
  source: 'matrix-source.test',
  sourcePort: 2301,
  target: 'matrix-target.test',
  targetPort: 2302,
};
const { source: SOURCE, target: TARGET, targetPort: TARGET_PORT } = HOSTS;

type Kind = 'bare' | 'installed empty' | 'installed with other data';
type User = 'root' | 'sudo with a password';
type Server = 'the same PostgreSQL' | 'a newer PostgreSQL' | 'the newest PostgreSQL';

interface Cell {
  readonly kind: Kind;
  readonly user: User;
  readonly server: Server;
  readonly always: boolean;
}

/** What runs on the target where it is not the source's. No suite of Debian that is kept carries 16. */
const MAJOR: Readonly<Record<Server, number>> = {
  'the same PostgreSQL': 15,
  'a newer PostgreSQL': 17,
  'the newest PostgreSQL': 18,
};

const CELLS: readonly Cell[] = (['bare', 'installed empty', 'installed with other data'] as const).flatMap(
  (kind) =>
    (['root', 'sudo with a password'] as const).flatMap((user) =>
      (['the same PostgreSQL', 'a newer PostgreSQL', 'the newest PostgreSQL'] as const)
        // A bare host gets the PostgreSQL that Coolify's installer brings.
        .filter((server) => kind !== 'bare' || server === 'the same PostgreSQL')
        // Of what differs by version only, one cell is enough.
        .filter(
          (server) => server !== 'the newest PostgreSQL' || (kind === 'installed empty' && user === 'root'),
        )
        .map((server) => ({
          kind,
          user,
          server,
          always: kind === 'installed empty' && user !== 'root' && server === 'a newer PostgreSQL',
        })),
    ),
);

let place: Workplace;
let source: InstanceFingerprint;

const run = (...args: string[]) => coolifyState([...args, ...place.options]);

beforeAll(async () => {
  await lab('host.sh', 'up', SOURCE, '--port', String(HOSTS.sourcePort), '--recreate');
  place = await twoHosts(HOSTS);
  source = await fingerprintOf(SOURCE);
  const { status, stderr } = await run('backup', SOURCE);
  expect(status, stderr).toBe(0);
  await lab('host.sh', 'down', SOURCE);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', SOURCE);
  await lab('host.sh', 'down', TARGET);
});

describe.each(CELLS.filter(({ always }) => ALL || always))(
  '$kind, as $user, $server',
  ({ kind, user, server }) => {
    let former: string;

    beforeAll(async () => {
      await lab('host.sh', 'fresh', TARGET, '--port', String(TARGET_PORT));
      if (kind === 'installed empty') await onHost(TARGET, EMPTY_COOLIFY, '4.3.11');
      if (kind === 'installed with other data') await onHost(TARGET, OTHER_COOLIFY, '4.3.11');
      if (MAJOR[server] > 15) await lab('upgrade-postgres.sh', TARGET, String(MAJOR[server]));
      await writeTwoHosts(place, { ...HOSTS, targetVars: await varsOf(user) });
      former = await targetFingerprint(TARGET);
    });

    it('is not touched by --check, and neither is this machine', async () => {
      const before = await treeOf(place.state);
      const { status, stdout, stderr } = await run('restore', SOURCE, '--to', TARGET, '--check', '--diff');
      expect(status, `${stderr}${stdout}`).toBe(0);
      expect(stdout).toContain(kind === 'bare' ? 'the target is bare' : 'a Coolify stands on the target');
      expect(await targetFingerprint(TARGET)).toBe(former);
      expect(await treeOf(place.state)).toEqual(before);
    });

    it('becomes the instance of the snapshot, with all proofs', async () => {
      const { status, stdout, stderr } = await run('restore', SOURCE, '--to', TARGET, '--yes');
      expect(status, `${stderr}${stdout}`).toBe(0);
      for (const proof of PROOFS) expect(stdout).toMatch(new RegExp(`proven +${proof}`));
      expect(stdout).not.toContain('FAILED');
      // Another PostgreSQL dumps the schema in other words: the rows and sequences are compared.
      expect(dataOf(await fingerprintOf(TARGET))).toBe(dataOf(source));
      expect((await onHost(TARGET, 'docker exec coolify-db postgres --version')).trim()).toMatch(
        new RegExp(` ${MAJOR[server]}\\.`),
      );
      // The line of the replaced instance's key to its own host is gone, if there was one.
      expect((await onHost(TARGET, "grep -c ' coolify$' /root/.ssh/authorized_keys")).trim()).toBe('1');
    });

    it.skipIf(kind === 'bare')('is put back to what it was by a rollback', async () => {
      const { status, stdout, stderr } = await run('restore', '--rollback', TARGET, '--yes');
      expect(status, `${stderr}${stdout}`).toBe(0);
      expect(await targetFingerprint(TARGET)).toBe(former);
    });
  },
);

describe.skipIf(!ALL).each([17, 18])(
  'a snapshot of an instance with PostgreSQL %i, on a bare host',
  (major) => {
    beforeAll(async () => {
      await lab('host.sh', 'up', SOURCE, '--port', String(HOSTS.sourcePort), '--recreate');
      await lab('upgrade-postgres.sh', SOURCE, String(major));
      await writeTwoHosts(place, HOSTS);
      source = await fingerprintOf(SOURCE);
      const { status, stderr } = await run('backup', SOURCE, '--accept-new-instance');
      expect(status, stderr).toBe(0);
      await lab('host.sh', 'down', SOURCE);
      await lab('host.sh', 'fresh', TARGET, '--port', String(TARGET_PORT));
      await lab('upgrade-postgres.sh', TARGET, String(major), '--image-only');
    });

    it('becomes the instance of the snapshot with that version, in the volume that Coolify gives it', async () => {
      const { status, stdout, stderr } = await run('restore', SOURCE, '--to', TARGET, '--yes');
      expect(status, `${stderr}${stdout}`).toBe(0);
      expect(stdout).not.toContain('FAILED');
      expect(dataOf(await fingerprintOf(TARGET))).toBe(dataOf(source));
      expect(await onHost(TARGET, 'docker exec coolify-db postgres --version')).toMatch(
        new RegExp(` ${major}\\.`),
      );
      expect(await onHost(TARGET, 'docker volume ls --format "{{.Name}}" | grep coolify-db')).toBe(
        `coolify-db-pg${major}\n`,
      );
    });

    it('is refused by an older one, before anything is touched', async () => {
      await lab('host.sh', 'fresh', TARGET, '--port', String(TARGET_PORT));
      await onHost(TARGET, EMPTY_COOLIFY, '4.3.11');
      const former = await targetFingerprint(TARGET);
      const { status, stdout } = await run('restore', SOURCE, '--to', TARGET, '--yes');
      expect(status).toBe(1);
      expect(stdout).toContain(`The target runs PostgreSQL 15, older than the dump's ${major}`);
      expect(await targetFingerprint(TARGET)).toBe(former);
    });
  },
);

const PROOFS = [
  'health',
  'version',
  'rows',
  'sequences',
  'database-login',
  'app-key',
  'key-rows',
  'key-files',
  'localhost',
  'api-token',
  'queue',
  'host-keys',
];

function dataOf({ database }: InstanceFingerprint): string {
  return database
    .split('\n')
    .filter((line) => !/^[0-9a-f]{64} /.test(line))
    .join('\n');
}

async function varsOf(user: User): Promise<TwoHosts['targetVars'] & object> {
  if (user === 'root') return {};
  const password = (await readFile(join(LAB, 'operator-password'), 'utf8')).trim();
  return { ansible_user: 'operator', ansible_become: true, ansible_become_password: password };
}
