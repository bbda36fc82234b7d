import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fingerprintOf, type InstanceFingerprint, PRESENTED_KEYS } from './instance-fingerprint.js';
import { killedAt } from './killed-at.js';
import { collect, coolifyState, knownHostsOf, lab, onHost, type Workplace, workplace } from './lab.js';

/**
 * One host, one restore that is killed again and again, each time further on: every run takes up what the dead one
 * left. Each test goes on where the one before it ended.
 */
const HOST = 'resume.test';
const PORT = 2251;

let place: Workplace;
let before: InstanceFingerprint;
let presented: string;

const restore = (...args: string[]) => coolifyState(['restore', '--yes', ...args, ...place.options]);

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  await place.writeInventory({ coolify_repository: `file:${join(place.folder, 'repository')}` });
  const { status, stderr } = await coolifyState(['backup', ...place.options]);
  expect(status, stderr).toBe(0);
  before = await fingerprintOf(HOST);
  presented = await hostKeys();
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

describe('a restore onto a bare host that is killed', () => {
  beforeAll(async () => {
    await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
    expect(await hostKeys()).not.toBe(presented);
    // Keys are laid down, and sshd is asked whether it takes them: here for long enough to die in between.
    await onHost(HOST, SLOW_CHECK);
  });

  it.each([
    ['while the installer works', "run Coolify's installer", 2500],
    ['while the database is loaded', "restore dump of Coolify's database", 700],
    ['while Coolify starts', 'start Coolify', 300],
    ['while authorized_keys is merged', "restore root's authorized_keys", 0],
    ['between new host keys and their use', "restore host keys and root's own keys", 1500],
    ['when sshd has been told to use them', 'see which host keys sshd presents', 0],
  ])('%s leaves a host that the next run goes on with', async (_when, task, milliseconds) => {
    await killedAt(['restore', '--yes', ...place.options], task, milliseconds);
  });

  it('is complete after one that is left alone', async () => {
    const { status, stdout, stderr } = await restore();
    expect(status, `${stderr}${stdout}`).toBe(0);
    for (const proof of ['health', 'version', 'rows', 'database-login', 'app-key', 'key-files', 'api-token'])
      expect(stdout).toMatch(new RegExp(`proven +${proof}`));
    expect(await fingerprintOf(HOST)).toEqual(before);
    expect(await hostKeys()).toBe(presented);
  });

  it('leaves nothing of itself on the host, and no process', async () => {
    expect(await leftovers()).toBe('');
    expect(await processes()).toBe('');
  });

  it('knows the host by the restored keys alone', async () => {
    const known = (await readFile(knownHostsOf(PORT), 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith(`[127.0.0.1]:${PORT} `))
      .map((line) => line.split(' ').slice(1, 3).join(' '));
    expect(known.sort().join('\n')).toBe(presented.trim());
  });

  it('leaves nothing of the dead runs on this machine', async () => {
    expect(await readdir(join(place.state, '.generations'))).toEqual([]);
    const { status, stdout, stderr } = await restore('--json');
    expect(status, stderr).toBe(0);
    expect(summaryOf(stdout)).toMatchObject({ changed: 0, failed: 0 });
  });
});

describe('a restore onto a Coolify that runs with other settings, killed', () => {
  beforeAll(async () => {
    await onHost(HOST, OTHER_SETTINGS);
    expect(await runningName()).toBe('other');
  });

  it.each([
    ['after the settings were merged', 'start Coolify', 0],
    ['while the containers are made anew', 'start Coolify', 1500],
  ])('%s leaves a host that the next run goes on with', async (_when, task, milliseconds) => {
    await killedAt(['restore', '--yes', ...place.options], task, milliseconds);
  });

  it('before it is proven leaves a Coolify whose queue and scheduler are off', async () => {
    await killedAt(['restore', '--yes', ...place.options], 'prove the target', 0);
    expect(await switches()).toBe('horizon off\nscheduler off');
  });

  it('is complete after one that is left alone, and Coolify runs with the restored settings', async () => {
    const { status, stdout, stderr } = await restore();
    expect(status, `${stderr}${stdout}`).toBe(0);
    expect(await fingerprintOf(HOST)).toEqual(before);
    expect(await runningName()).toContain('Coolify of the lab');
    expect(await switches()).toBe('horizon on\nscheduler on');
    expect(await leftovers()).toBe('');
    expect(await processes()).toBe('');
  });

  it('has kept the one way back that the first of them took', async () => {
    const kept = await readdir(join(place.state, '.generations', HOST));
    expect(kept.filter((name) => name.startsWith('safety-'))).toHaveLength(1);
    expect(kept).toHaveLength(1);
  });
});

const summarySchema = z.object({ hosts: z.array(z.object({ recap: z.record(z.string(), z.number()) })) });

function summaryOf(stdout: string): Record<string, number> | undefined {
  return summarySchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).hosts[0]?.recap;
}

function hostKeys(): Promise<string> {
  return collect('sh', ['-c', PRESENTED_KEYS, 'sh', String(PORT)]).then(({ stdout }) => stdout);
}

/** APP_NAME as the running container has it. */
function runningName(): Promise<string> {
  return onHost(HOST, 'docker exec coolify printenv APP_NAME').then((text) => text.trim());
}

/** What the last start of Coolify said of its queue and its scheduler. */
function switches(): Promise<string> {
  return onHost(HOST, "docker logs coolify 2>&1 | grep -E '^(horizon|scheduler) ' | tail -n 2").then((text) =>
    text.trim(),
  );
}

const SLOW_CHECK = `
printf '#!/bin/sh\\nsleep 3\\nexec /usr/sbin/sshd "$@"\\n' > /usr/local/bin/sshd
chmod 755 /usr/local/bin/sshd
`;

/**
 * Another value in .env, containers that were made with it, rows that the snapshot does not have, and files that a run which
 * died at another moment leaves.
 */
const OTHER_SETTINGS = `
set -e
sed -i 's/^APP_NAME=.*/APP_NAME=other/' /data/coolify/source/.env
cd /data/coolify/source
docker compose --env-file .env -f docker-compose.yml -f docker-compose.prod.yml up -d --force-recreate --wait coolify >/dev/null 2>&1
docker exec coolify-db psql -qU coolify -d coolify -c "DELETE FROM activity_log WHERE id % 2 = 0; CREATE TABLE stray (n int)"
mkdir -m 700 /data/coolify/ssh/.coolify-state-keys
: > /data/coolify/ssh/.coolify-state-keys/ssh_key@half
: > /etc/ssh/.ssh_host_rsa_key.coolify-state-0123456789ab
`;

/** Notes, staged keys, files on their way into place, databases beside the live one. */
function leftovers(): Promise<string> {
  return onHost(
    HOST,
    `find /root /etc/ssh /data/coolify -name '*coolify-state*'; ls -A /tmp | grep -v '^runc-process' # the engine's own, for a moment
     docker exec coolify-db psql -XqAt -U coolify -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE 'coolify\\_state%' OR shobj_description(oid, 'pg_database') LIKE 'coolify-state%'"`,
  ).then((text) => text.trim());
}

/** What works on the host for somebody who has gone. A session that was cut off takes a moment to end. */
async function processes(): Promise<string> {
  let found = '';
  for (let attempt = 0; attempt < 20; attempt++) {
    found = await onHost(
      HOST,
      "ps -eo pid,args | grep -E 'install\\.sh|pg_dump|pg_restore|psql|docker (exec|stop|start)|tar -' | grep -v grep || :",
    );
    if (found === '') break;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
  return found.trim();
}
