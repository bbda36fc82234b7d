import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  ALL_OUTPUT,
  coolifyState,
  LAB,
  lab,
  type Outcome,
  onHost,
  type S3Access,
  s3,
  type Workplace,
  workplace,
} from './lab.js';
import { type Samples, sampleWhile } from './process-samples.js';
import { type KnownSecret, secretsIn, secretsOf } from './secret-search.js';

/** Where secrets could be seen by others: output, process lists, temporary files, what is stored in the clear. */
const HOST = 'secrets.test';
const PORT = 2233;

let place: Workplace;
let store: S3Access;
let secrets: readonly KnownSecret[];
let temporary: string;

beforeAll(async () => {
  store = await s3();
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {});
  temporary = join(place.folder, 'tmp');
  await mkdir(temporary);
  await place.writeInventory({
    ansible_user: 'operator',
    ansible_become_password: (await readFile(join(LAB, 'operator-password'), 'utf8')).trim(),
    coolify_s3_endpoint: store.endpoint,
    coolify_repository: [
      `s3://${store.env['COOLIFY_S3_BUCKET']}/secrets-${process.pid}`,
      `file:${join(place.folder, 'repository')}`,
    ],
  });
  secrets = await secretsOf(HOST);
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

/** Runs the program with everything that makes it talk, and looks around while it works. */
async function watched(...args: string[]): Promise<{ outcome: Outcome; samples: Samples; left: string[] }> {
  const before = await filesOfTheHost();
  const { samples, result } = await sampleWhile(HOST, (watch) =>
    coolifyState([...args, ...place.options, '-vv'], {
      env: { ...store.env, TMPDIR: temporary, COOLIFY_STATE_DEBUG: '1' },
      started: ({ pid }) => pid !== undefined && watch(pid),
    }),
  );
  const left = (await filesOfTheHost()).filter((path) => !before.includes(path));
  return { outcome: result, samples, left };
}

/** Where one would put a temporary file. The engine's own for its health checks come and go. */
async function filesOfTheHost(): Promise<string[]> {
  const found = await onHost(
    HOST,
    'find /tmp /var/tmp /root /home -xdev ! -path "/tmp/runc-process*" | sort',
  );
  return found.trim().split('\n');
}

/** The search is worth something only if the samples are of the run. */
function expectNoSecrets(samples: Samples, seen: readonly RegExp[]): void {
  const { hostArguments, hostEnvironments, ownArguments, childEnvironments } = samples;
  for (const pattern of seen) expect(hostArguments.some((line) => pattern.test(line))).toBe(true);
  expect(hostEnvironments.some((line) => line.includes('SUDO_USER=operator'))).toBe(true);
  expect(ownArguments.some((line) => line.includes('cli/main.js'))).toBe(true);
  // Coolify itself starts Redis with its password as an argument.
  const searched = secrets.filter(({ name }) => name !== 'REDIS_PASSWORD');
  expect(secretsIn(hostArguments, searched)).toEqual([]);
  expect(secretsIn(hostEnvironments, secrets)).toEqual([]);
  expect(secretsIn(ownArguments, secrets)).toEqual([]);
  // The user's own exports are inherited; nothing that came from the host is.
  expect(
    secretsIn(
      childEnvironments,
      secrets.filter(({ name }) => name !== 'the secret of S3'),
    ),
  ).toEqual([]);
}

it('the search finds each secret where it does stand', async () => {
  expect(secrets.length).toBeGreaterThan(200);
  for (const { name, value } of secrets) expect(secretsIn([`x${value}x`], secrets)).toContain(name);
  const env = await readFile(join(LAB, 's3.env'), 'utf8');
  expect(secretsIn([env], secrets)).toEqual(['the secret of S3']);
});

it('a backup shows no secret in a process list, and leaves no temporary file on either side', async () => {
  const { outcome, samples, left } = await watched('backup');
  expect(outcome.status, outcome.stderr).toBe(0);
  expectNoSecrets(samples, [/\bpg_dump --format=custom/, /\bpsql --no-psqlrc/, /^sudo |^env LC_ALL=C sudo/]);
  expect(left).toEqual([]);
  expect(await readdir(temporary)).toEqual([]);
});

it('what is stored beside a snapshot is no secret, and the snapshot is sealed', async () => {
  const folder = join(place.folder, 'repository', HOST);
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const names = files.map(({ parentPath, name }) => relative(folder, join(parentPath, name)));
  expect([...new Set(names.map((name) => name.replace(/^.*\.tar|(?<=^\.lease\/).*$/, '')))].sort()).toEqual([
    '.gz.age',
    '.gz.age.json',
    '.lease/',
  ]);
  const contents = await Promise.all(names.map((name) => readFile(join(folder, name), 'latin1')));
  expect(secretsIn(contents, secrets)).toEqual([]);
});

it('a restore onto a bare host shows none either', async () => {
  await lab('host.sh', 'fresh', HOST);
  const { outcome, samples, left } = await watched('restore', '--yes');
  expect(outcome.status, outcome.stderr).toBe(0);
  expectNoSecrets(samples, [/\bpg_restore --exit-on-error/, /install\.sh/, /\bpsql --no-psqlrc/]);
  expect(left.filter((path) => !path.startsWith('/root/.ssh/'))).toEqual([]);
  expect(await readdir(temporary)).toEqual([]);
});

it('no secret was shown by these runs, verbose as they were', () => {
  expect(ALL_OUTPUT.join('').length).toBeGreaterThan(5000);
  expect(secretsIn(ALL_OUTPUT, secrets)).toEqual([]);
});
