import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { coolifyState, lab, type Outcome, onHost, type Workplace } from './lab.js';
import { hostOf, treeOf } from './observations.js';
import { OTHER_COOLIFY, targetFingerprint } from './restore-targets.js';
import { twoHosts } from './two-hosts.js';

/**
 * What must not happen at night: a restore beside an original that works, onto too little space, of a dump that cannot be
 * loaded. The target runs a newer Coolify with other data. Each test goes on where the one before it ended.
 */
const HOSTS = {
  source: 'faults-source.test',
  sourcePort: 2307,
  target: 'faults-target.test',
  targetPort: 2308,
};
const { source: SOURCE, target: TARGET } = HOSTS;

let place: Workplace;
let former: string;

const run = (...args: string[]) => coolifyState([...args, ...place.options]);
const restore = (...args: string[]) => run('restore', SOURCE, '--to', TARGET, '--yes', '--json', ...args);
const onSource = (sql: string) =>
  onHost(SOURCE, 'docker exec coolify-db psql -XqAt -v ON_ERROR_STOP=1 -U coolify -d coolify -c "$1"', sql);

beforeAll(async () => {
  await lab('host.sh', 'up', SOURCE, '--port', String(HOSTS.sourcePort), '--recreate');
  await lab('host.sh', 'fresh', TARGET, '--port', String(HOSTS.targetPort));
  await onHost(TARGET, OTHER_COOLIFY, '4.3.12');
  place = await twoHosts(HOSTS);
  former = await targetFingerprint(TARGET);
  await backup();
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', SOURCE);
  await lab('host.sh', 'down', TARGET);
});

async function backup(): Promise<void> {
  const { status, stderr } = await run('backup', SOURCE);
  expect(status, stderr).toBe(0);
}

/** Refused while only looking: neither the target nor this machine shows a trace. */
async function expectRefused(
  outcome: Outcome,
  code: string,
): Promise<{ what: string; why: string; next: string }> {
  const { error } = hostOf(outcome);
  expect(error?.code, outcome.stdout).toBe(code);
  expect(outcome.status).toBe(1);
  expect(await targetFingerprint(TARGET)).toBe(former);
  return error ?? { what: '', why: '', next: '' };
}

/** Failed while it loaded the new database: the live one is as it was, and the message says step, cause and way back. */
async function expectNotLoaded(outcome: Outcome, cause: RegExp): Promise<void> {
  const { error } = hostOf(outcome);
  expect(outcome.status, outcome.stdout).toBe(1);
  expect(error?.code).toBe('database.restore-failed');
  expect(error?.why).toMatch(cause);
  expect(error?.next).toContain(`coolify-state restore --rollback ${TARGET} -i `);
  expect(outcome.stdout).toContain(`"task":"restore dump of Coolify's database","status":"failed"`);
  expect(await onHost(TARGET, COUNT_KEYS)).toBe('8\n');
  const back = await run('restore', '--rollback', TARGET, '--yes');
  expect(back.status, `${back.stderr}${back.stdout}`).toBe(0);
  expect(await targetFingerprint(TARGET)).toBe(former);
}

describe('before anything is touched', () => {
  it('a newer Coolify on the target is refused, with what can be said about it', async () => {
    const state = await treeOf(place.state);
    const { why, next } = await expectRefused(await restore(), 'restore.newer-coolify');
    expect(why).toBe('migrations run forward, never back');
    expect(next).toContain('--allow-newer');
    expect(await treeOf(place.state)).toEqual(state);
  });

  it('an original that still works is refused, and goes on working', async () => {
    const { why, next } = await expectRefused(await restore('--allow-newer'), 'restore.original-answers');
    expect(why).toContain(`127.0.0.1 port ${HOSTS.sourcePort} is the original, and its Coolify works`);
    expect(next).toContain('--fence');
    expect(await sourceState()).toBe('running always');
  });

  it('too little space is refused in numbers', async () => {
    await onHost(TARGET, LITTLE_SPACE);
    const { why } = await expectRefused(await restore('--allow-newer', '--fence'), 'restore.no-space');
    expect(why).toMatch(
      /^20 MiB are free, about \d+ MiB are needed: the new database beside the present one \(\d/,
    );
    expect(why).toMatch(/the present database of [\d.]+ MiB stays until all is proven$/);
    await onHost(TARGET, 'rm /usr/local/bin/df');
    expect(await sourceState()).toBe('running always');
  });
});

describe('while the database is loaded', () => {
  it('a missing extension leaves everything as it was; the original was stopped and stays so', async () => {
    await onSource('CREATE EXTENSION pgcrypto');
    await backup();
    await onSource('DROP EXTENSION pgcrypto');
    await onHost(TARGET, EXTENSION, 'pgcrypto.control', 'gone.control');
    await expectNotLoaded(await restore('--allow-newer', '--fence'), /extension "pgcrypto" is not available/);
    await onHost(TARGET, EXTENSION, 'gone.control', 'pgcrypto.control');
    expect(await sourceState()).toBe('exited no');
  });

  it('a row that the server refuses leaves everything as it was', async () => {
    await onSource(BROKEN_ROW);
    await backup();
    await onSource('DROP TABLE aardvarks; DROP FUNCTION is_team');
    await expectNotLoaded(await restore('--allow-newer'), /violates check constraint/);
  });

  it('a disk that becomes full leaves everything as it was', async () => {
    await backup();
    await onHost(TARGET, FULL_DISK);
    await expectNotLoaded(await restore('--allow-newer'), /No space left on device/);
    await onHost(TARGET, ENOUGH_DISK);
  });
});

describe('a newer Coolify that may stay', () => {
  it('brings the restored database up to itself, and all is proven', async () => {
    const outcome = await run('restore', SOURCE, '--to', TARGET, '--yes', '--allow-newer');
    expect(outcome.status, `${outcome.stderr}${outcome.stdout}`).toBe(0);
    expect(outcome.stdout).not.toContain('FAILED');
    expect(outcome.stdout).toMatch(/proven +version +Coolify 4\.3\.12 runs/);
    expect(await onHost(TARGET, COUNT_KEYS)).toBe('200\n');
    expect(await onHost(TARGET, MIGRATED)).toBe('server_groups\n');
  });
});

describe('the database alone', () => {
  it('is put back between settings that stay, and Coolify is held still meanwhile', async () => {
    const env = await onHost(TARGET, ENV);
    await onHost(
      TARGET,
      'docker exec coolify-db psql -qX -U coolify -d coolify -c "DELETE FROM activity_log"',
    );
    const outcome = await run(
      'restore',
      SOURCE,
      '--to',
      TARGET,
      '--yes',
      '--allow-newer',
      '--only',
      'database',
    );
    expect(outcome.status, `${outcome.stderr}${outcome.stdout}`).toBe(0);
    expect(outcome.stderr).toContain('left as they are: env, host-keys, authorized-keys');
    expect(outcome.stderr).toMatch(/changed +switch Coolify's queue and scheduler off/);
    expect(outcome.stderr).toMatch(/changed +switch Coolify's queue and scheduler on/);
    expect(await onHost(TARGET, ENV)).toBe(env);
    expect(await onHost(TARGET, 'docker exec coolify printenv HORIZON_ENABLED || echo none')).toBe('none\n');
    expect(await onHost(TARGET, 'ls -d /root/.coolify-state-restore 2>/dev/null || echo none')).toBe(
      'none\n',
    );
  });
});

function sourceState(): Promise<string> {
  return onHost(
    SOURCE,
    "docker inspect --format '{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}' coolify",
  ).then((text) => text.trim());
}

const LITTLE_SPACE = `
cat > /usr/local/bin/df <<'SH'
#!/bin/sh
printf 'Filesystem 1024-blocks Used Available Capacity Mounted on\\n/dev/vda 100000 79520 20480 80%% /\\n'
SH
chmod 755 /usr/local/bin/df
`;

const EXTENSION = `docker exec coolify-db sh -c 'cd /usr/share/postgresql/15/extension && mv "$1" "$2"' sh "$1" "$2"`;

/** As a check that asks another table makes it: true in the database, false while the dump is loaded. */
const BROKEN_ROW = `
CREATE FUNCTION is_team(n bigint) RETURNS boolean LANGUAGE sql AS 'SELECT EXISTS (SELECT FROM public.teams WHERE id = n)';
CREATE TABLE aardvarks (team bigint CHECK (is_team(team)));
INSERT INTO aardvarks VALUES (0);
`;

/** What is loaded goes into a tablespace on a file system that is far too small for it. */
const FULL_DISK = `
set -e
docker exec -u 0 coolify-db sh -c 'mkdir /small'
nsenter -t "$(docker inspect --format '{{.State.Pid}}' coolify-db)" -m mount -t tmpfs -o size=3m tmpfs /small
docker exec -u 0 coolify-db chown postgres:postgres /small
docker exec coolify-db psql -qX -U coolify -d postgres -c "CREATE TABLESPACE small LOCATION '/small'"
docker exec -u 0 coolify-db sh -c '
real=$(command -v pg_restore)
mv "$real" "$real.real"
printf "#!/bin/sh\\nPGOPTIONS=\\"-c default_tablespace=small\\" exec %s.real --no-tablespaces \\"\\$@\\"\\n" "$real" > "$real"
chmod 755 "$real"'
`;

const ENOUGH_DISK = `
set -e
docker exec -u 0 coolify-db sh -c 'real=$(command -v pg_restore); mv "$real.real" "$real"'
docker exec coolify-db psql -qX -U coolify -d postgres -c 'DROP TABLESPACE small'
nsenter -t "$(docker inspect --format '{{.State.Pid}}' coolify-db)" -m umount /small
docker exec -u 0 coolify-db rmdir /small
`;

const ENV = `cd /data/coolify/source && stat -c '%u:%g %a' .env && cat .env`;
const COUNT_KEYS = `docker exec coolify-db psql -XqAt -U coolify -d coolify -c "SELECT count(*) FROM private_keys"`;
const MIGRATED = `docker exec coolify-db psql -XqAt -U coolify -d coolify -c "SELECT to_regclass('server_groups')"`;
