import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fingerprintOf, type InstanceFingerprint, PRESENTED_KEYS } from './instance-fingerprint.js';
import {
  collect,
  coolifyState,
  LAB,
  lab,
  onHost,
  type S3Access,
  s3,
  type Workplace,
  workplace,
} from './lab.js';

/** The main job as one story: each test goes on where the one before it ended. */
const HOST = 'main.test';
const PORT = 2221;
const BUCKET = 'main-job';

let place: Workplace;
let store: S3Access;
let before: InstanceFingerprint;
let presented: string;
let key: string;

const run = (...args: string[]) => coolifyState([...args, ...place.options], { env: store.env });

beforeAll(async () => {
  store = await s3();
  await lab('s3.sh', 'bucket', BUCKET);
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {
    coolify_s3_endpoint: store.endpoint,
    coolify_s3_bucket: BUCKET,
    coolify_s3_path: `run-${process.pid}`,
  });
  before = await fingerprintOf(HOST);
  presented = await hostKeys();
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

describe('backup', () => {
  it('pulls, proves, commits and uploads', async () => {
    const { status, stdout, stderr } = await run('backup');
    expect(stderr).toContain('read back');
    expect(status, stderr).toBe(0);
    for (const proof of ['dump', 'app-key', 'key-rows', 'key-files'])
      expect(stdout).toMatch(new RegExp(`proven +${proof}`));
    key = /s3:\/\/\S+\.tar\.gz\.age/.exec(stdout)?.[0] ?? '';
    expect(key).toContain(`/${HOST}/coolify-state-${HOST}-`);
  });

  it('leaves exactly the promised layout, for its owner alone', async () => {
    const root = join(place.state, HOST);
    const files = await filesBelow(root);
    const fixed = files.filter(
      (file) => !/^backups\/coolify\/[^/]+\.pub$/.test(file) && !file.startsWith('.ssh/'),
    );
    expect(fixed).toEqual([
      'RESTORE.md',
      'backups/ansible-token',
      'backups/authorized_keys',
      'backups/coolify/.env',
      'backups/coolify/APP_KEY',
      'backups/coolify/coolify_db.dump',
      'backups/coolify/coolify_ssh_keys.tar.gz',
      'manifest.json',
    ]);
    expect(files.filter((file) => file.startsWith('.ssh/ssh_host_'))).toHaveLength(6);
    expect(files).toContain('.ssh/id_ed25519');
    expect(files.filter((file) => file.endsWith('.pub') && file.startsWith('backups/coolify/'))).toHaveLength(
      200,
    );
    for (const file of files) expect((await stat(join(root, file))).mode & 0o777, file).toBe(0o600);
    for (const folder of ['.', '.ssh', 'backups', 'backups/coolify']) {
      expect((await stat(join(root, folder))).mode & 0o777, folder).toBe(0o700);
    }
  });

  it('stores an object that age and tar open, holding exactly the files of the manifest', async () => {
    const listing = await openByHand(`aws_object`);
    const manifest = manifestSchema.parse(
      JSON.parse(await readFile(join(place.state, HOST, 'manifest.json'), 'utf8')),
    );
    expect(listing.sort()).toEqual([...manifest.files.map(({ path }) => path), 'manifest.json'].sort());
  });

  it('never lets the instance run its schedules', async () => {
    const marks = await onHost(HOST, 'find /data/coolify -name "*schedule*run*" | wc -l');
    expect(marks.trim()).toBe('0');
  });
});

describe('restore', () => {
  let saved: string;

  it('rebuilds a bare host from the repository alone', async () => {
    saved = join(place.folder, 'saved');
    await collect('cp', ['-a', join(place.state, HOST), saved]);
    await lab('host.sh', 'down', HOST);
    await rm(place.state, { recursive: true });
    await lab('host.sh', 'fresh', HOST, '--port', String(PORT));
    expect(await hostKeys()).not.toBe(presented);
    const { status, stdout, stderr } = await run('restore', '--yes');
    expect(status, `${stderr}${stdout}`).toBe(0);
    for (const proof of [
      'health',
      'version',
      'rows',
      'database-login',
      'app-key',
      'key-files',
      'api-token',
    ]) {
      expect(stdout).toMatch(new RegExp(`proven +${proof}`));
    }
  });

  it('brings back every row, file, owner and mode', async () => {
    const after = await fingerprintOf(HOST);
    expect(after.files).toBe(before.files);
    expect(after.database).toBe(before.database);
  });

  it('has sshd present the old host keys, and Coolify answer with the old token', async () => {
    expect(await hostKeys()).toBe(presented);
    expect((await onHost(HOST, "docker inspect --format '{{.State.Health.Status}}' coolify")).trim()).toBe(
      'healthy',
    );
    const version = await onHost(
      HOST,
      'curl -fsS -H "Authorization: Bearer $(cat /data/coolify/ansible-token)" http://127.0.0.1:8000/api/v1/version',
    );
    expect(version).toBe('4.3.11');
  });

  it('leaves nothing of itself on the host', async () => {
    const left = await onHost(
      HOST,
      'ls -d /root/.coolify-state* /data/coolify/ssh/.coolify-state* 2>/dev/null; ls /tmp | grep -v ^runc-process; docker exec coolify-db psql -XqAt -U coolify -d postgres -c "SELECT datname FROM pg_database WHERE datname LIKE \'coolify\\_state%\'"',
    );
    expect(left.trim()).toBe('');
  });

  it('run again finds nothing to change', async () => {
    const { status, stdout, stderr } = await run('restore', '--yes', '--json');
    expect(status, stderr).toBe(0);
    const summary = summarySchema.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? ''));
    expect(summary.hosts[0]?.recap).toMatchObject({ changed: 0, failed: 0, unreachable: 0 });
    expect(await fingerprintOf(HOST)).toEqual(before);
  });

  it('takes a snapshot that was made by hand, and keeps a way back and the proxy up', async () => {
    await onHost(
      HOST,
      `docker run -d --name coolify-proxy --network coolify coollabsio/coolify-realtime:1.0.17 >/dev/null
       docker exec coolify-db psql -qU coolify -d coolify -c "DELETE FROM activity_log WHERE id % 2 = 0; UPDATE teams SET name = 'changed'; CREATE TABLE stray (n int)"
       rm -f "$(find /data/coolify/ssh/keys -name 'ssh_key@*' | head -n 1)"
       sed -i 's/^APP_NAME=.*/APP_NAME=other/' /data/coolify/source/.env`,
    );
    const proxyStarted = await onHost(HOST, "docker inspect --format '{{.State.StartedAt}}' coolify-proxy");
    const file = join(place.folder, 'by-hand.tar.gz.age');
    const made = await collect('sh', [
      '-c',
      'tar -C "$1" -cf - "$2" | gzip | age -R "$3" -o "$4"',
      'sh',
      place.folder,
      'saved',
      join(LAB, 'backup_ed25519.pub'),
      file,
    ]);
    expect(made.status, made.stderr).toBe(0);
    const { status, stdout, stderr } = await run('restore', '--from', file, '--yes');
    expect(status, `${stderr}${stdout}`).toBe(0);
    expect(await fingerprintOf(HOST)).toEqual(before);
    expect(await onHost(HOST, "docker inspect --format '{{.State.StartedAt}}' coolify-proxy")).toBe(
      proxyStarted,
    );
    const kept = await readdir(join(place.state, '.generations', HOST));
    expect(kept.filter((name) => name.startsWith('safety-'))).toHaveLength(1);
  });

  it('tells what it would do and changes nothing with --check', async () => {
    await onHost(
      HOST,
      `docker exec coolify-db psql -qU coolify -d coolify -c "UPDATE teams SET name = 'changed'"`,
    );
    const changed = await fingerprintOf(HOST);
    const { status, stderr } = await run('restore', '--check', '--diff');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('teams: other content');
    expect(stderr).toMatch(/would restore \d+ tables/);
    expect(await fingerprintOf(HOST)).toEqual(changed);
  });
});

describe('a backup of an instance at work', () => {
  it('is restored although Coolify changes rows at its start, and what it changed is told', async () => {
    const sql = (text: string) =>
      onHost(HOST, 'docker exec coolify-db psql -XqAt -U coolify -d coolify -c "$1"', text);
    await sql("UPDATE scheduled_task_executions SET status = 'running' WHERE id = 1");
    expect((await run('backup')).status).toBe(0);
    await sql("UPDATE teams SET name = 'changed since'");
    const { status, stdout, stderr } = await run('restore', '--from', 'local', '--yes');
    expect(status, `${stderr}${stdout}`).toBe(0);
    expect(await sql('SELECT status FROM scheduled_task_executions WHERE id = 1')).toBe('failed\n');
    expect(await sql("SELECT count(*) FROM teams WHERE name = 'changed since'")).toBe('0\n');
    expect(stderr).toContain('changed by Coolify since it came up: scheduled_task_executions');
  });
});

describe('a snapshot that was spoiled', () => {
  it('is refused with exit status 4, and nothing is touched', async () => {
    const spoiled = join(place.folder, 'spoiled');
    await collect('cp', ['-a', join(place.folder, 'saved'), spoiled]);
    const dump = join(spoiled, 'backups/coolify/coolify_db.dump');
    const bytes = await readFile(dump);
    await writeFile(dump, bytes.subarray(0, bytes.length >> 1));
    const file = join(place.folder, 'spoiled.tar.gz.age');
    await collect('sh', [
      '-c',
      'tar -C "$1" -cf - . | gzip | age -R "$2" -o "$3"',
      'sh',
      spoiled,
      join(LAB, 'backup_ed25519.pub'),
      file,
    ]);
    const untouched = await fingerprintOf(HOST);
    const { status, stderr, stdout } = await run('restore', '--from', file, '--yes', '--json');
    expect(status, stderr).toBe(4);
    expect(stdout).toContain('dump.truncated');
    expect(await fingerprintOf(HOST)).toEqual(untouched);
  });
});

it('leaves the git work tree as it was', async () => {
  const { stdout } = await collect('git', ['status', '--porcelain', '--', 'state', 'inventory']);
  expect(stdout).toBe('');
});

const manifestSchema = z.object({ files: z.array(z.object({ path: z.string() })) });
const summarySchema = z.object({ hosts: z.array(z.object({ recap: z.record(z.string(), z.number()) })) });

function hostKeys(): Promise<string> {
  return collect('sh', ['-c', PRESENTED_KEYS, 'sh', String(PORT)]).then(({ stdout }) => stdout);
}

/** Downloads the object with the AWS SDK and opens it with age and tar, as a stranger would. */
async function openByHand(name: string): Promise<string[]> {
  const { S3Client, GetObjectCommand } = await import('@aws-sdk/client-s3');
  const client = new S3Client({
    endpoint: store.endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: {
      accessKeyId: store.env['HETZNER_S3_ACCESS_KEY'] ?? '',
      secretAccessKey: store.env['HETZNER_S3_SECRET_KEY'] ?? '',
    },
  });
  const path = join(place.folder, name);
  await mkdir(place.folder, { recursive: true });
  const { Body } = await client.send(
    new GetObjectCommand({ Bucket: BUCKET, Key: key.replace(`s3://${BUCKET}/`, '') }),
  );
  await writeFile(path, (await Body?.transformToByteArray()) ?? new Uint8Array());
  client.destroy();
  const { status, stdout, stderr } = await collect('sh', [
    '-c',
    'age -d -i "$1" "$2" | tar -tzf -',
    'sh',
    join(LAB, 'backup_ed25519'),
    path,
  ]);
  expect(status, stderr).toBe(0);
  return stdout.trim().split('\n');
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .sort();
}
