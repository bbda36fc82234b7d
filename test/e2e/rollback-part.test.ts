import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { killedAt } from './killed-at.js';
import { coolifyState, lab, onHost, type Workplace, workplace } from './lab.js';
import { leftovers } from './restore-remains.js';

/** What somebody does in Coolify between a restore and its rollback stays where the restore had not replaced the database. */
const HOST = 'rollback-part.test';
const PORT = 2690;

let place: Workplace;

const run = (...args: string[]) => coolifyState([...args, '--yes', ...place.options]);
const sql = (text: string) =>
  onHost(HOST, `docker exec coolify-db psql -qAtX -U coolify -d coolify -c "${text}"`);

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  await place.writeInventory({ coolify_repository: `file:${join(place.folder, 'repository')}` });
  const { status, stderr } = await coolifyState(['backup', ...place.options]);
  expect(status, stderr).toBe(0);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

it('a part goes back alone, and Coolify goes on meanwhile', async () => {
  const started = await onHost(HOST, STARTED);
  await onHost(HOST, `echo '# ours' >> ${AUTHORIZED_KEYS}`);
  const restored = await run('restore', '--only', 'authorized-keys');
  expect(restored.status, restored.stderr).toBe(0);
  expect(await onHost(HOST, `cat ${AUTHORIZED_KEYS}`)).not.toContain('# ours');
  await sql("UPDATE users SET name = 'worked on'");

  const back = await run('restore', '--rollback', HOST);
  expect(back.status, `${back.stderr}${back.stdout}`).toBe(0);
  expect(await onHost(HOST, `cat ${AUTHORIZED_KEYS}`)).toContain('# ours');
  expect(await sql('SELECT DISTINCT name FROM users')).toBe('worked on\n');
  expect(await onHost(HOST, STARTED)).toBe(started);
});

it('a restore that broke off before the database is taken back around what was done since', async () => {
  await sql("UPDATE users SET name = 'of before'");
  await killedAt(['restore', '--yes', ...place.options], "restore dump of Coolify's database", 0);
  await onHost(HOST, 'docker start coolify-redis coolify-realtime coolify');
  await sql("UPDATE users SET name = 'worked on again'");
  await sql(NEW_KEY);

  const back = await run('restore', '--rollback', HOST);
  expect(back.status, `${back.stderr}${back.stdout}`).toBe(0);
  expect(back.stdout).toMatch(/proven +rows +the former database itself, changed since the restore began/);
  expect(await sql('SELECT DISTINCT name FROM users')).toBe('worked on again\n');
  expect(await onHost(HOST, 'ls /data/coolify/ssh/keys')).toContain('ssh_key@later');
  expect(await leftovers(HOST)).toBe('');
});

const AUTHORIZED_KEYS = '/root/.ssh/authorized_keys';
const STARTED = "docker inspect --format '{{.State.StartedAt}}' coolify";
const NEW_KEY = `INSERT INTO private_keys (uuid, name, private_key, team_id, is_git_related, created_at, updated_at)
SELECT 'later', 'later', private_key, team_id, false, now(), now() FROM private_keys LIMIT 1`;
