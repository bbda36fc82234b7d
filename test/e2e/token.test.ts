import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { coolifyState, lab, type Outcome, onHost, sha256, type Workplace, workplace } from './lab.js';

/** API access of one host, which loses it in one way after the other. */
const HOST = 'token.test';
const PORT = 2305;

let place: Workplace;

const token = (...args: string[]) => coolifyState(['token', ...args, ...place.options]);
const saved = () => onHost(HOST, 'cat /data/coolify/ansible-token').then((text) => text.trim());
const sql = (text: string) =>
  onHost(HOST, 'docker exec coolify-db psql -XqAt -U coolify -d coolify -c "$1"', text).then((answer) =>
    answer.trim(),
  );
/** How Coolify's API answers the saved token, asked by curl and not through the program. */
const status = () =>
  onHost(
    HOST,
    'curl -s -o /dev/null -w "%{http_code}" -H "Authorization: Bearer $(cat /data/coolify/ansible-token)" http://127.0.0.1:8000/api/v1/version',
  );

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, { coolify_s3_enabled: false });
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

const tokenSchema = z.object({
  alive: z.boolean(),
  made: z.boolean(),
  api: z.string().optional(),
  path: z.string(),
  text: z.string().optional(),
});
const summarySchema = z.object({
  hosts: z.array(z.object({ recap: z.record(z.string(), z.number()), token: tokenSchema.optional() })),
});

function factsOf({ stdout }: Outcome): z.infer<typeof summarySchema>['hosts'][number] | undefined {
  return summarySchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).hosts[0];
}

it('finds the saved token alive, changes nothing, and does not show it', async () => {
  const before = await saved();
  const outcome = await token('--json');
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(factsOf(outcome)).toMatchObject({
    recap: { changed: 0 },
    token: { alive: true, made: false, api: 'answers' },
  });
  expect(outcome.stdout + outcome.stderr).not.toContain(before);
  const shown = await token('--show');
  expect(shown.stdout).toContain(before);
  expect(await saved()).toBe(before);
});

it('tells with --check what it would do about a token that the instance does not know, and does nothing', async () => {
  await sql("DELETE FROM personal_access_tokens WHERE name = 'ansible-token'");
  const before = await saved();
  const { status: code, stderr } = await token('--check');
  expect(code, stderr).toBe(0);
  expect(stderr).toContain('would make a token "ansible-token"');
  expect(stderr).toContain('the instance does not know the saved token');
  expect(await saved()).toBe(before);
  expect(await sql("SELECT count(*) FROM personal_access_tokens WHERE name = 'ansible-token'")).toBe('0');
});

it('makes another one in its place, which the API takes, for root and Coolify alone', async () => {
  const before = await saved();
  const outcome = await token('--json');
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(factsOf(outcome)?.token).toMatchObject({ alive: true, made: true, api: 'answers' });
  const now = await saved();
  expect(now).not.toBe(before);
  expect(outcome.stdout + outcome.stderr).not.toContain(now);
  expect(await status()).toBe('200');
  expect(await sql("SELECT token FROM personal_access_tokens WHERE name = 'ansible-token'")).toBe(
    sha256(now),
  );
  expect((await onHost(HOST, "stat -c '%u:%g %a' /data/coolify/ansible-token")).trim()).toBe('9999:0 600');
});

it('mends a token that has expired', async () => {
  await sql(
    "UPDATE personal_access_tokens SET expires_at = now() - interval '1 day' WHERE name = 'ansible-token'",
  );
  expect(await status()).toBe('401');
  const outcome = await token();
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(await status()).toBe('200');
  expect(await sql("SELECT count(*) FROM personal_access_tokens WHERE name = 'ansible-token'")).toBe('1');
});

it('leaves an API that is switched off and closed to this host as strict as it is', async () => {
  await sql("UPDATE instance_settings SET is_api_enabled = false, allowed_ips = '192.0.2.7' WHERE id = 0");
  const outcome = await token('--json');
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(factsOf(outcome)).toMatchObject({ recap: { changed: 0 }, token: { alive: true, api: 'disabled' } });
  expect(await sql('SELECT is_api_enabled, allowed_ips FROM instance_settings WHERE id = 0')).toBe(
    'f|192.0.2.7',
  );
});

it('opens it with --enable-api to this host alone', async () => {
  const outcome = await token('--enable-api', '--json');
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(factsOf(outcome)?.token).toMatchObject({ api: 'answers' });
  expect(await sql('SELECT is_api_enabled, allowed_ips FROM instance_settings WHERE id = 0')).toMatch(
    /^t\|192\.0\.2\.7,[0-9a-f.:,]+$/,
  );
  expect(await status()).toBe('200');
});

it('makes one of its own beside the other, which may only read', async () => {
  const before = await saved();
  const outcome = await token('--own', '--show');
  expect(outcome.status, outcome.stderr).toBe(0);
  const own = (await onHost(HOST, 'cat /data/coolify/coolify-state-token')).trim();
  expect(outcome.stdout).toContain(own);
  expect(await sql("SELECT abilities FROM personal_access_tokens WHERE name = 'coolify-state'")).toBe(
    '["read"]',
  );
  expect(await saved()).toBe(before);
});
