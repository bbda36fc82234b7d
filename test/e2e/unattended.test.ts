import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { logLine } from '../../src/cli/json/log-line.js';
import { ALL_OUTPUT, collect, coolifyState, LAB, lab, onHost, type Workplace, workplace } from './lab.js';
import { type Heard, httpListener, type Listener, type MailListener, mailListener } from './listeners.js';
import { begin, eventually, hostOf, leftoversIn, whileRunning } from './observations.js';
import { secretsIn, secretsOf } from './secret-search.js';

/** What a timer starts at night: nobody watches, and everybody who asked is told. */
const HOST = 'unattended.test';
const PORT = 2331;
const PING = 'd0f4b7a2-ping-secret';
const HOOK = 'a-webhook-secret';

let place: Workplace;
let web: Listener;
let mail: MailListener;
let pingStatus = 200;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  web = await httpListener(({ path }) => (path.startsWith(`/${PING}`) ? pingStatus : 200));
  mail = await mailListener();
  place = await workplace(HOST, PORT, {});
});

afterAll(async () => {
  await web?.close();
  await mail?.close();
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

beforeEach(async () => {
  web.heard.length = 0;
  mail.said.length = 0;
  pingStatus = 200;
  await settings({});
});

const at = (name: string): string => join(place.folder, name);

/** A hook that writes down that it ran, what it was told and what it read. */
function noting(name: string): string {
  return `{ echo "${name} $COOLIFY_STATE_HOST $COOLIFY_STATE_RESULT $COOLIFY_STATE_EXIT_STATUS"; cat; env; } >> '${at('hooks')}'`;
}

async function settings(more: Readonly<Record<string, unknown>>): Promise<void> {
  await writeFile(at('hooks'), '');
  await place.writeInventory({
    coolify_repository: `file:${at('repository')}`,
    coolify_keep_last: 2,
    coolify_hook_before: noting('before'),
    coolify_hook_after: noting('after'),
    coolify_hook_failure: noting('failure'),
    coolify_ping_url: `http://127.0.0.1:${web.port}/${PING}?source=test`,
    coolify_webhook_url: `http://127.0.0.1:${web.port}/hook/${HOOK}`,
    coolify_ntfy_url: `http://127.0.0.1:${web.port}/topic`,
    coolify_ntfy_token: 'tk_a-token-of-ntfy',
    coolify_smtp_url: `smtp://sender:mail-password@127.0.0.1:${mail.port}`,
    coolify_mail_from: 'backup@example.org',
    coolify_mail_to: ['ops@example.org'],
    coolify_metrics_folder: at('metrics'),
    ...more,
  });
}

const run = (...args: readonly string[]) => coolifyState(['run', ...place.options, '--json', ...args]);
const paths = (): string[] => web.heard.map(({ path }) => path);
const hooks = async (): Promise<string[]> =>
  (await readFile(at('hooks'), 'utf8')).split('\n').filter((line) => /^(before|after|failure) /.test(line));
const metrics = async (): Promise<Record<string, number>> => {
  const text = await readFile(at(`metrics/coolify_state_run_${HOST}.prom`), 'utf8');
  return Object.fromEntries(
    [...text.matchAll(/^coolify_state_(\w+)\{host="unattended.test",operation="run"\} (\S+)$/gm)].map(
      ([, name = '', value]) => [name, Number(value)],
    ),
  );
};

it('a run that succeeds backs up, prunes, verifies, and tells in order: start, hooks, end', async () => {
  const outcome = await run();
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(paths()).toEqual([`/${PING}/start?source=test`, expect.anything(), expect.anything()]);
  expect(paths().slice(1).sort()).toEqual([`/${PING}?source=test`, `/hook/${HOOK}`].sort());
  expect(await hooks()).toEqual([`before ${HOST}  `, `after ${HOST} success 0`]);
  // Success is nothing to wake people up for.
  expect(mail.said).toEqual([]);
  const told = JSON.parse(heard(`/hook/${HOOK}`).body);
  expect(told).toMatchObject({ host: HOST, operation: 'run', succeeded: true, exitStatus: 0 });
  expect(Object.keys(told.report.parts)).toEqual(['backup', 'prune', 'verify']);
  expect(await metrics()).toMatchObject({ last_run_success: 1, failed_proofs: 0 });
  expect((await metrics())['snapshot_size_bytes']).toBeGreaterThan(100_000);
});

it('the policy of the inventory is applied without a question', async () => {
  for (let round = 0; round < 2; round += 1) expect((await run()).status).toBe(0);
  const stored = await readdir(join(place.folder, 'repository', HOST));
  expect(stored.filter((name) => name.endsWith('.tar.gz.age'))).toHaveLength(2);
});

it('with --skip-unchanged a run stores nothing anew of a state that is stored, and says so', async () => {
  const folder = join(place.folder, 'repository', HOST);
  const before = (await readdir(folder)).filter((name) => name.endsWith('.tar.gz.age')).sort();
  const outcome = await run('--skip-unchanged');
  expect(outcome.status, outcome.stderr).toBe(0);
  const after = (await readdir(folder)).filter((name) => name.endsWith('.tar.gz.age')).sort();
  expect(after).toEqual(before);
  const { report, summary } = JSON.parse(heard(`/hook/${HOOK}`).body);
  expect(report.parts.backup.unchangedSince.id).toMatch(/^\d{8}T\d{6}Z-/);
  expect(report.parts.backup.snapshots).toEqual([]);
  expect(summary).toBe(`nothing has changed since ${report.parts.backup.unchangedSince.id}`);
});

it('a run that fails tells people too, by its status, its sentence and the end of its log', async () => {
  const before = (await metrics())['last_success_timestamp_seconds'];
  await onHost(HOST, 'docker stop -t 1 coolify-db');
  try {
    const outcome = await run();
    expect(outcome.status).toBe(1);
    expect(await hooks()).toEqual([
      `before ${HOST}  `,
      `after ${HOST} failure 1`,
      `failure ${HOST} failure 1`,
    ]);
    expect(heard(`/${PING}/fail?source=test`).body).toContain("failed  pull dump of Coolify's database");
    const push = heard('/topic');
    expect(push.headers['authorization']).toBe('Bearer tk_a-token-of-ntfy');
    expect(push.headers['priority']).toBe('high');
    expect(mail.said.join('\n')).toContain(`Subject: coolify-state: run of ${HOST} FAILED`);
    expect(mail.said).toContain('To: ops@example.org');
    expect(await metrics()).toMatchObject({ last_run_success: 0, last_success_timestamp_seconds: before });
  } finally {
    await onHost(HOST, 'docker start coolify-db');
    await eventually('the database answers', async () =>
      onHost(HOST, 'docker exec coolify-db pg_isready -U coolify').then(
        () => true,
        () => false,
      ),
    );
  }
});

it('a hook before that fails stops the run before anything is touched, and is told as a failure', async () => {
  await settings({ coolify_hook_before: 'echo the disk is not mounted; exit 3' });
  const outcome = await run();
  expect(outcome.status).toBe(1);
  expect(hostOf(outcome).error).toMatchObject({ code: 'hook.failed' });
  expect(hostOf(outcome).error?.why).toContain('the disk is not mounted');
  expect(paths()).toContain(`/${PING}/fail?source=test`);
});

it('nobody who can not be told makes a good backup fail', async () => {
  pingStatus = 404;
  await settings({
    coolify_hook_after: 'exit 9',
    coolify_smtp_url: 'smtp://127.0.0.1:9',
    coolify_notify_on: 'always',
  });
  const outcome = await run();
  expect(outcome.status, outcome.stderr).toBe(0);
  const warnings = outcome.stdout.match(/"type":"warning".*/g)?.join('\n') ?? '';
  expect(warnings).toContain('status 404');
  expect(warnings).toContain('coolify_hook_after failed');
  expect(warnings).toContain('127.0.0.1:9 did not take the mail');
});

it('a run that is interrupted tells that it failed, one that is killed leaves the start without an end', async () => {
  const slow = { coolify_hook_before: 'sleep 600' };
  await settings(slow);
  const ended = begin(['run', ...place.options, '--json']);
  await whileRunning(
    ended.outcome,
    eventually('the start is told', async () => web.heard.length > 0),
  );
  ended.process.kill('SIGTERM');
  expect((await ended.outcome).status).toBe(130);
  expect(paths()).toContain(`/${PING}/fail?source=test`);
  web.heard.length = 0;
  const killed = begin(['run', ...place.options, '--json']);
  await whileRunning(
    killed.outcome,
    eventually('the start is told', async () => web.heard.length > 0),
  );
  killed.process.kill('SIGKILL');
  await killed.outcome;
  expect(paths()).toEqual([`/${PING}/start?source=test`]);
  await settings({});
  expect((await run()).status).toBe(0);
  expect(await leftoversIn(place.state)).toEqual([]);
});

it("the command of the timer's unit runs with its credentials, and logs one JSON object for each fact", async () => {
  const passphrase = at('passphrase');
  await writeFile(passphrase, 'a passphrase\n', { mode: 0o600 });
  const key = at('protected');
  await writeFile(key, await readFile(join(LAB, 'id_ed25519')), { mode: 0o600 });
  const { execFileSync } = await import('node:child_process');
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'a passphrase', '-f', key]);
  await settings({ ansible_ssh_private_key_file: key });
  const without = await run();
  expect(without.status).not.toBe(0);
  web.heard.length = 0;

  const unit = await unitOf('--credential', `COOLIFY_STATE_KEY_PASSPHRASE=${passphrase}`);
  // Whatever the run writes to is open to it; all else is not.
  expect(settingOf(unit, 'ReadWritePaths')).toBe(`${place.state} -${at('metrics')} -${at('repository')}`);
  const [program = '', ...words] = (settingOf(unit, 'ExecStart') ?? '').split(' ');
  const [name = '', source = ''] = (settingOf(unit, 'LoadCredential') ?? '').split(':');
  // What systemd does before it starts the command.
  const credentials = at('credentials');
  await mkdir(credentials, { mode: 0o700 });
  await writeFile(join(credentials, name), await readFile(source), { mode: 0o400 });
  await chmod(credentials, 0o500);
  const outcome = await collect(program, words, {
    cwd: settingOf(unit, 'WorkingDirectory') ?? '',
    env: { CREDENTIALS_DIRECTORY: credentials },
  });
  expect(outcome.status, outcome.stderr).toBe(0);
  expect(outcome.stdout).toBe('');

  const lines = outcome.stderr
    .trimEnd()
    .split('\n')
    .map((line) => logLine.parse(JSON.parse(line)));
  const events = lines.map(({ event }) => event);
  expect([events[0], events.at(-1)]).toEqual(['start', 'end']);
  expect(lines.at(-1)).toMatchObject({ level: 'info', exitStatus: 0 });
  expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
  const inside = lines.filter(({ event }) => !['start', 'end'].includes(event));
  expect(new Set(inside.map(({ host }) => host))).toEqual(new Set([HOST]));
  const steps = lines.filter(({ event }) => event === 'task-end');
  expect(steps.length).toBeGreaterThan(10);
  for (const step of steps)
    expect(step).toMatchObject({ task: expect.any(String), status: expect.any(String) });
  expect(events.filter((event) => event === 'proof').length).toBeGreaterThan(3);
  // One run, and whoever is told can find it in the log.
  const [id, ...others] = new Set(lines.map((line) => line.run));
  expect(others).toEqual([]);
  expect(JSON.parse(heard(`/hook/${HOOK}`).body)).toMatchObject({ run: id });
  expect(await readFile(at('hooks'), 'utf8')).toContain(`COOLIFY_STATE_RUN=${id}`);
});

it('nothing that was told, printed or given to a hook holds a secret', async () => {
  const told = web.heard.map(({ body, headers }) => body + JSON.stringify(headers));
  const all = [...told, ...ALL_OUTPUT, await readFile(at('hooks'), 'utf8'), mail.said.join('\n')];
  expect(secretsIn(all, await secretsOf(HOST))).toEqual([]);
  const ours = [PING, HOOK, 'mail-password', 'tk_a-token-of-ntfy'];
  expect(ours.filter((secret) => ALL_OUTPUT.join('\n').includes(secret))).toEqual([]);
});

function heard(path: string): Heard {
  const found = web.heard.find((one) => one.path === path);
  if (found === undefined) throw new Error(`nobody called ${path}, but ${paths().join(', ')}`);
  return found;
}

/** The service that would be installed. */
async function unitOf(...args: readonly string[]): Promise<string> {
  const planned = await coolifyState([
    ...['schedule', 'install', '--check', '--scheduler', 'system', '--json'],
    ...place.options,
    ...args,
  ]);
  expect(planned.status, planned.stderr).toBe(0);
  const { files } = JSON.parse(planned.stdout);
  return files[0].text;
}

function settingOf(unit: string, name: string): string | undefined {
  return new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1];
}
