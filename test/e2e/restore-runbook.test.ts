import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fingerprintOf, type InstanceFingerprint } from './instance-fingerprint.js';
import { collect, coolifyState, LAB, lab, onHost, PROJECT, type S3Access, s3, workplace } from './lab.js';

/**
 * The page for the night in docs/restore.md, done as it is written: an empty home, the SSH key, the bucket's credentials,
 * and a new server. Only the values of its first block are the lab's.
 */
const HOST = 'runbook.test';
const PORT = 2306;
const BUCKET = 'runbook';

let home: string;
let store: S3Access;
let before: InstanceFingerprint;
const path = `run-${process.pid}`;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'coolify-state-runbook-'));
  store = await s3();
  await lab('s3.sh', 'bucket', BUCKET);
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  before = await fingerprintOf(HOST);
  const place = await workplace(HOST, PORT, {
    coolify_s3_endpoint: store.endpoint,
    coolify_s3_bucket: BUCKET,
    coolify_s3_path: path,
  });
  const { status, stderr } = await coolifyState(['backup', ...place.options], { env: store.env });
  await place.remove();
  expect(status, stderr).toBe(0);
  await lab('host.sh', 'down', HOST);
  await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
});

afterAll(async () => {
  if (home !== undefined) await rm(home, { recursive: true, force: true });
  await lab('host.sh', 'down', HOST);
});

it('is a page whose commands bring the controller back', async () => {
  const page = await readFile(join(PROJECT, 'docs/restore.md'), 'utf8');
  const [values, ...others] = [...page.matchAll(/<!-- runbook: where -->\n```sh\n(.*?)```/gs)].map(
    ([, text]) => text,
  );
  const steps = [...page.matchAll(/<!-- runbook -->\n```sh\n(.*?)```/gs)].map(([, text]) => text);
  expect(others).toEqual([]);
  expect(steps).toHaveLength(5);

  // Every variable of the first block is one that the lab has a value for, and the other way round.
  const env = { ...(await labValues()), HOME: home };
  const named = [...(values ?? '').matchAll(/(?:export | )([A-Z][A-Z0-9_]*)=/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(Object.keys(await labValues()).sort());

  const outcome = await collect(
    'sh',
    ['-eu', '-c', `PATH=${home}/bin:$PATH; cd "$HOME"\n${steps.join('\n')}`],
    { env },
  );
  expect(outcome.status, `${outcome.stderr}${outcome.stdout}`).toBe(0);
  expect(outcome.stdout).toMatch(/proven +host-keys/);
  expect(outcome.stdout).toMatch(new RegExp(`${HOST} +alive +answers`));
  const after = await fingerprintOf(HOST);
  expect(after).toEqual(before);
});

async function labValues(): Promise<Record<string, string>> {
  const npx = join(home, 'bin/npx');
  await collect('mkdir', ['-p', join(home, 'bin')]);
  const program = process.env['COOLIFY_STATE_PROGRAM'] ?? join(PROJECT, 'dist/cli/main.js');
  await writeFile(npx, `#!/bin/sh\nshift\nexec "${process.execPath}" "${program}" "$@"\n`);
  await chmod(npx, 0o755);
  const line = await onHost(HOST, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub');
  return {
    HOST,
    ADDRESS: '127.0.0.1',
    PORT: String(PORT),
    FINGERPRINT: line.split(' ')[1] ?? '',
    KEY: join(LAB, 'id_ed25519'),
    SNAPSHOT_KEY: join(LAB, 'backup_ed25519'),
    ENDPOINT: store.endpoint,
    BUCKET,
    S3_PATH: path,
    HETZNER_S3_ACCESS_KEY: store.env['HETZNER_S3_ACCESS_KEY'] ?? '',
    HETZNER_S3_SECRET_KEY: store.env['HETZNER_S3_SECRET_KEY'] ?? '',
  };
}
