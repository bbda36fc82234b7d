import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
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

/** What becomes of one backup of a real host: verified, copied, given another key, looked into; and an old archive. */
const HOST = 'life.test';
const PORT = 2291;
const BUCKET = 'lifecycle';

let place: Workplace;
let store: S3Access;
let id: string;

const run = (...args: string[]) => coolifyState([...args, ...place.options], { env: store.env });
const usb = (): string => join(place.folder, 'usb');
const stored = async (): Promise<string[]> =>
  (await readdir(join(usb(), HOST))).filter((name) => name.startsWith('coolify-state-')).sort();

beforeAll(async () => {
  store = await s3();
  await lab('s3.sh', 'bucket', BUCKET);
  await lab('host.sh', 'up', HOST, '--port', String(PORT), '--recreate');
  place = await workplace(HOST, PORT, {
    coolify_s3_endpoint: store.endpoint,
    coolify_repository: [`s3://${BUCKET}/run-${process.pid}`],
  });
  const { status, stdout, stderr } = await run('backup');
  expect(status, stderr).toBe(0);
  id = /^snapshot +([0-9a-f]{8})/m.exec(stdout)?.[1] ?? '';
});

afterAll(async () => {
  await place?.remove();
  await lab('host.sh', 'down', HOST);
});

describe('a snapshot in Ceph', () => {
  it('is verified with all that is in it', async () => {
    const { status, stdout, stderr } = await run('verify', '--all', '--read-data');
    expect(status, stderr).toBe(0);
    for (const proof of ['stored-bytes', 'belonging', 'files', 'dump', 'app-key', 'key-rows', 'key-files'])
      expect(stdout).toMatch(new RegExp(`proven +${proof}`));
  });

  it('is listed, and a file and a folder are taken out of it', async () => {
    const { status, stdout } = await run('ls', id);
    expect(status).toBe(0);
    expect(stdout).toMatch(/0600 +root:root .*\.ssh\/ssh_host_ed25519_key/);
    const key = await run('cat', id, 'backups/coolify/APP_KEY');
    const live = await onHost(HOST, "sed -n 's/^APP_KEY=//p' /data/coolify/source/.env");
    expect(key.stdout).toBe(live.trim());
    const dump = join(place.folder, 'db.dump');
    expect((await run('cat', id, 'backups/coolify/coolify_db.dump', '-o', dump)).status).toBe(0);
    expect((await collect('pg_restore', ['--list', dump])).stdout).toContain('private_keys');
  });

  it('is opened by the key that the inventory names', async () => {
    const { status, stdout } = await run('keys');
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`tried +${id} .*opens its header`));
  });

  it('is copied into a folder as it is, where it is found again', async () => {
    const { status, stdout, stderr } = await run('copy', '--to-repository', `file:${usb()}`);
    expect(status, stderr).toBe(0);
    expect(stdout).toContain(`copied      ${id}`);
    await place.writeInventory({ coolify_repository: [`file:${usb()}`] });
    expect((await run('verify', HOST, id, '--read-data')).status).toBe(0);
  });
});

describe('a change of keys', () => {
  it('makes the copy open for the new key alone, and a restore is planned with that', async () => {
    await collect('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(place.folder, 'new')]);
    await place.writeInventory({
      coolify_repository: [`file:${usb()}`],
      coolify_backup_encryption_key_path: join(place.folder, 'new.pub'),
    });
    const refused = await run('restore', '--check');
    expect([refused.status, refused.stdout]).toEqual([
      2,
      expect.stringContaining('code: archive.no-identity'),
    ]);
    const { status, stderr } = await run('rekey', '--identity', join(LAB, 'backup_ed25519'), '--remove-old');
    expect(status, stderr).toBe(0);
    expect((await stored()).filter((name) => name.endsWith('.age'))).toEqual([
      expect.stringMatching(/Z-2\.tar\.gz\.age$/),
    ]);
    const planned = await run('restore', '--check');
    expect(planned.status, planned.stderr).toBe(0);
    expect(planned.stderr).toMatch(/ok +prove the snapshot/);
  });
});

describe('an archive of the replaced role', () => {
  it('becomes a snapshot from which a restore is planned', async () => {
    const role = join(place.folder, 'role', HOST);
    const saved = join(place.state, HOST);
    // What the role kept: no manifest, no authorized_keys; and the folder of keys as the host has it.
    await collect('mkdir', ['-p', join(role, 'backups')]);
    await collect('cp', ['-a', join(saved, '.ssh'), role]);
    await collect('cp', ['-a', join(saved, 'backups/coolify'), join(role, 'backups')]);
    const archive = join(place.folder, `coolify-state-${HOST}-20251229T101112.tar.gz.enc`);
    const plain = join(place.folder, 'plain.tar.gz');
    await collect('tar', ['-czf', plain, '-C', join(place.folder, 'role'), HOST]);
    const files = ['-in', plain, '-out', archive, '-pass', `file:${join(LAB, 'backup_ed25519')}`];
    await collect('openssl', ['enc', '-aes-256-cbc', '-salt', '-pbkdf2', ...files]);
    await rm(usb(), { recursive: true });

    const direct = await run('restore', '--from', archive, '--check');
    expect(direct.status, direct.stderr).toBe(0);
    expect(direct.stderr).toContain('as good as not encrypted');

    const { status, stdout, stderr } = await run('import', archive, '--host', HOST);
    expect(status, stderr).toBe(0);
    const imported = /^snapshot +([0-9a-f]{8})/m.exec(stdout)?.[1] ?? '';
    const [object = '', sidecar = ''] = await stored();
    expect(object).toBe(`coolify-state-${HOST}-20251229T101112Z.tar.gz.age`);
    expect(await readFile(join(usb(), HOST, sidecar), 'utf8')).toContain('"importedFrom"');
    const planned = await run('restore', '--from', imported, '--check');
    expect(planned.status, planned.stderr).toBe(0);
    expect(planned.stderr).toMatch(/ok +prove the snapshot: .*key-files/);
    // Nothing of the host's own state was touched.
    expect((await run('verify', '--from', 'local')).status).toBe(0);
  });
});
