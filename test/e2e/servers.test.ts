import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { collect, coolifyState, lab, onHost, type Workplace, workplace } from './lab.js';
import { hostOf } from './observations.js';

/**
 * A server of the instance, which is another real host: whether it takes the key that a restore has put back. Coolify's container
 * logs in there by itself.
 */
const HOST = 'servers.test';
const PORT = 2391;
const WORKER = 'servers-worker.test';
const WORKER_PORT = 2392;

let place: Workplace;

const run = (...args: string[]) => coolifyState([...args, ...place.options]);
const restore = () => run('restore', '--yes', '--json');
const sql = (text: string) =>
  onHost(HOST, 'docker exec coolify-db psql -XqAt -v ON_ERROR_STOP=1 -U coolify -d coolify -c "$1"', text);

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  await lab('host.sh', 'fresh', WORKER, '--port', String(WORKER_PORT));
  const { stdout } = await collect('docker', [
    ...['inspect', '--format', '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}'],
    `coolify-state-lab-host-${WORKER}`,
  ]);
  await sql(`UPDATE servers SET ip = '${stdout.trim()}' WHERE id = 1`);
  await sql('UPDATE server_settings SET is_usable = true WHERE server_id = 1');
  place = await workplace(HOST, PORT, {});
  await place.writeInventory({ coolify_repository: `file:${join(place.folder, 'repository')}` });
  await backup();
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
  await lab('host.sh', 'down', WORKER);
});

async function backup(): Promise<void> {
  const { status, stderr } = await run('backup');
  expect(status, stderr).toBe(0);
}

describe('a server of the instance', () => {
  it('that refuses the key is told, with exit status 4, and Coolify works all the same', async () => {
    const outcome = await restore();
    expect(outcome.status, outcome.stdout).toBe(4);
    const { error } = hostOf(outcome);
    expect(error).toMatchObject({ code: 'restore.servers-refuse' });
    expect(error?.why).toMatch(/worker \(root@172\.[\d.]+ port 22\) does not take the key "/);
    expect(error?.next).toContain('authorized_keys');
    expect((await onHost(HOST, 'docker exec coolify printenv HORIZON_ENABLED || echo none')).trim()).toBe(
      'none',
    );
  });

  it('that takes the key proves it', async () => {
    const uuid = await sql('SELECT uuid FROM private_keys WHERE id = 1');
    const line = await onHost(HOST, 'ssh-keygen -y -f "/data/coolify/ssh/keys/ssh_key@$1"', uuid.trim());
    await onHost(WORKER, 'echo "$1" >> /root/.ssh/authorized_keys', line.trim());
    const outcome = await restore();
    expect(outcome.status, outcome.stdout).toBe(0);
    expect(outcome.stdout).toContain('"detail":"1 keys were accepted by 1 servers"');
  });

  it('that cannot be reached is not counted', async () => {
    await onHost(WORKER, 'kill "$(cat /run/sshd.pid)"');
    const outcome = await restore();
    expect(outcome.status, outcome.stdout).toBe(0);
    expect(outcome.stdout).toMatch(
      /"detail":"not reached, and so not counted: worker \(.*Connection refused/,
    );
    await onHost(WORKER, '/usr/sbin/sshd');
  });

  it('that Coolify could not use before is only warned of', async () => {
    await onHost(WORKER, 'sed -i "$ d" /root/.ssh/authorized_keys');
    await sql('UPDATE server_settings SET is_reachable = false WHERE server_id = 1');
    await backup();
    const outcome = await restore();
    expect(outcome.status, outcome.stdout).toBe(0);
    expect(outcome.stdout).toContain('Coolify could not use it before either');
  });
});
