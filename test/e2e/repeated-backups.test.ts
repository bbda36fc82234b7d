import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import {
  coolifyState,
  lab,
  type Outcome,
  onHost,
  PROJECT,
  type S3Access,
  s3,
  type Workplace,
  workplace,
} from './lab.js';

/** What a backup costs, and how a backup of what has not changed is spared. */
const HOST = 'repeated.test';
const PORT = 2374;

let place: Workplace;
let store: S3Access;

beforeAll(async () => {
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  store = await s3();
  place = await workplace(HOST, PORT, {
    coolify_s3_endpoint: store.endpoint,
    coolify_s3_bucket: store.env['COOLIFY_S3_BUCKET'],
    coolify_s3_path: `repeated-${process.pid}`,
  });
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

const summarySchema = z.object({
  type: z.literal('summary'),
  hosts: z.tuple([
    z.looseObject({
      generation: z.object({ id: z.string(), folder: z.string() }).optional(),
      unchangedSince: z.object({ id: z.string() }).optional(),
      traffic: z.object({ received: z.number(), sent: z.number() }).optional(),
      snapshots: z.array(
        z.looseObject({ id: z.string(), size: z.number(), requests: z.number().optional() }),
      ),
      tasks: z.array(z.looseObject({ task: z.string(), note: z.string().optional() })),
    }),
  ]),
});

async function backup(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
  const outcome = await coolifyState(['backup', ...place.options, '--json', ...args], {
    env: { ...store.env, ...env },
  });
  expect(outcome.status, outcome.stderr).toBe(0);
  const [host] = summarySchema.parse(JSON.parse(outcome.stdout.trim().split('\n').at(-1) ?? '')).hosts;
  return host;
}

/** How many snapshots the repository lists. */
async function stored(): Promise<number> {
  const { stdout } = await coolifyState(['snapshots', ...place.options, '--json'], { env: store.env });
  return stdout.split('"kind":"snapshot"').length - 1;
}

it('a backup tells what it cost: bytes on the wire, requests to the store, where the time went', async () => {
  const plain = await coolifyState(['backup', '-v', ...place.options], { env: store.env });
  expect(plain.status, plain.stderr).toBe(0);
  expect(plain.stdout).toMatch(
    /^cost +[\d.]+ MiB from the host, [\d.]+ KiB to it; [\d.]+ MiB stored; \d+ requests to S3$/m,
  );
  for (const step of ["pull dump of Coolify's database", 'archive, encrypt and upload to s3://'])
    expect(plain.stdout).toMatch(
      new RegExp(`^time +[\\d.]+ s +\\d+% +[\\d.]+ MiB +[\\d.]+ MB/s +${step}`, 'm'),
    );
});

it('--skip-unchanged makes neither a generation nor a snapshot of a state that is stored already', async () => {
  const before = await stored();
  expect(before).toBe(1);
  const host = await backup(['--skip-unchanged']);
  expect(host.unchangedSince).toBeDefined();
  expect(host.generation).toBeUndefined();
  expect(host.snapshots).toEqual([]);
  expect(await stored()).toBe(before);
});

it('a row that changed is reason enough for a new one, and the reason is told', async () => {
  await onHost(
    HOST,
    `docker exec coolify-db psql -q -U coolify -d coolify -c "UPDATE teams SET description = 'other' WHERE id = 2"`,
  );
  const before = await stored();
  const host = await backup(['--skip-unchanged']);
  expect(host.unchangedSince).toBeUndefined();
  expect(host.generation).toBeDefined();
  expect(await stored()).toBe(before + 1);
  expect(host.tasks.find(({ task }) => task === 'look for changes')?.note).toBe('table teams changed');
});

it('so are a definition without rows, a key file, and other recipients', async () => {
  await onHost(
    HOST,
    `docker exec coolify-db psql -q -U coolify -d coolify -c 'CREATE INDEX later ON teams (name)'`,
  );
  const reasons: (string | undefined)[] = [];
  const again = async () => {
    const host = await backup(['--skip-unchanged']);
    expect(host.snapshots).toHaveLength(1);
    reasons.push(host.tasks.find(({ task }) => task === 'look for changes')?.note);
  };
  await again();
  await onHost(HOST, "echo '# a note' >>/root/.ssh/authorized_keys");
  await again();
  await place.writeInventory({
    coolify_backup_recipients: ['age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p'],
  });
  await again();
  expect(reasons[0]).toMatch(/index later added/);
  expect(reasons[1]).toMatch(/authorized_keys/);
  expect(reasons[2]).toMatch(/for other recipients$/);
  await place.writeInventory({});
});

it('pg_dump compresses as hard as is asked for, fewer bytes come over the wire, and the snapshot is as good', async () => {
  const full = await backup();
  await place.writeInventory({ coolify_dump_compression: 6 });
  const small = await backup();
  await place.writeInventory({});
  expect(small.traffic?.received).toBeLessThan((full.traffic?.received ?? 0) / 2);
  const verified: Outcome = await coolifyState(['verify', '--read-data', ...place.options], {
    env: store.env,
  });
  expect(verified.status, verified.stdout + verified.stderr).toBe(0);
});

it("without ssh2's native binding a backup works all the same, and doctor tells that it is slower", async () => {
  const NODE_OPTIONS = `--import=${join(PROJECT, 'bench/drivers/without-native.mjs')}`;
  const host = await backup([], { NODE_OPTIONS });
  expect(host.snapshots).toHaveLength(1);
  const doctor = await coolifyState(['doctor', ...place.options], { env: { ...store.env, NODE_OPTIONS } });
  expect(doctor.stdout).toMatch(/JavaScript|native/i);
});
