import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type Cut, type CutLine, cutAt, lineTo } from './cut-line.js';
import { fingerprintOf, type InstanceFingerprint, PRESENTED_KEYS } from './instance-fingerprint.js';
import { killedAt } from './killed-at.js';
import { collect, coolifyState, lab, onHost, type Workplace, workplace } from './lab.js';
import { leftovers, processes } from './restore-remains.js';

/**
 * One host, one restore that is killed, or whose connection is cut, again and again, each time further on: every run takes up
 * what the dead one left. Each test goes on where the one before it ended. Cuts at every step are in cut-connection.
 */
const HOST = 'resume.test';
const PORT = 2251;

let place: Workplace;
let line: CutLine;
let before: InstanceFingerprint;
let presented: string;

const restore = (...args: string[]) => coolifyState(['restore', '--yes', ...args, ...place.options]);

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  line = await lineTo(PORT, place);
  const repository = `file:${join(place.folder, 'repository')}`;
  await place.writeInventory({ ...line.vars, coolify_repository: repository });
  const { status, stderr } = await coolifyState(['backup', ...place.options]);
  expect(status, stderr).toBe(0);
  before = await fingerprintOf(HOST);
  presented = await hostKeys();
});

afterAll(async () => {
  await line?.close();
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

/** How a run ends: by a power cut on this side, or by one of two kinds on the way. */
async function brokenOff(how: 'killed' | Cut, task: string, milliseconds: number): Promise<void> {
  const args = ['restore', '--yes', ...place.options];
  if (how === 'killed') await killedAt(args, task, milliseconds);
  else await cutAt(line, how, args, task, milliseconds);
}

describe('a restore onto a bare host that is broken off', () => {
  beforeAll(async () => {
    await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
    await line.learn();
    expect(await hostKeys()).not.toBe(presented);
    // Keys are laid down, and sshd is asked whether it takes them: here for long enough to die in between.
    await onHost(HOST, SLOW_CHECK);
  });

  it.each([
    ['killed', 'while the installer works', "run Coolify's installer", 2500],
    ['freeze', 'while the database is loaded', "restore dump of Coolify's database", 500],
    ['killed', 'while the database is loaded', "restore dump of Coolify's database", 700],
    ['killed', 'while Coolify starts', 'start Coolify', 300],
    ['killed', 'while authorized_keys is merged', "restore root's authorized_keys", 0],
    ['reset', 'while Coolify is let go', "switch Coolify's queue and scheduler on", 700],
    ['killed', 'between new host keys and their use', "restore host keys and root's own keys", 1500],
    ['killed', 'when sshd has been told to use them', 'see which host keys sshd presents', 0],
  ] as const)(
    '%s %s leaves a host that the next run goes on with',
    async (how, _when, task, milliseconds) => {
      await brokenOff(how, task, milliseconds);
    },
  );

  it('is complete after one that is left alone', async () => {
    const { status, stdout, stderr } = await restore();
    expect(status, `${stderr}${stdout}`).toBe(0);
    for (const proof of ['health', 'version', 'rows', 'database-login', 'app-key', 'key-files', 'api-token'])
      expect(stdout).toMatch(new RegExp(`proven +${proof}`));
    expect(await fingerprintOf(HOST)).toEqual(before);
    expect(await hostKeys()).toBe(presented);
  });

  it('leaves nothing of itself on the host, and no process', async () => {
    await line.mend();
    expect(await leftovers(HOST)).toBe('');
    expect(await processes(HOST)).toBe('');
  });

  it('knows the host by the restored keys alone', async () => {
    const known = (await readFile(line.knownHosts, 'utf8'))
      .split('\n')
      .filter((known) => known.startsWith(`[127.0.0.1]:${line.port} `))
      .map((known) => known.split(' ').slice(1, 3).join(' '));
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
    await brokenOff('killed', task, milliseconds);
  });

  it('before it is proven leaves a Coolify whose queue and scheduler are off', async () => {
    await brokenOff('killed', 'prove the target', 0);
    expect(await switches()).toBe('horizon off\nscheduler off');
  });

  it('is complete after one that is left alone, and Coolify runs with the restored settings', async () => {
    const { status, stdout, stderr } = await restore();
    expect(status, `${stderr}${stdout}`).toBe(0);
    expect(await fingerprintOf(HOST)).toEqual(before);
    expect(await runningName()).toContain('Coolify of the lab');
    expect(await switches()).toBe('horizon on\nscheduler on');
    expect(await leftovers(HOST)).toBe('');
    expect(await processes(HOST)).toBe('');
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
