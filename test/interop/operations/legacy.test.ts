import { readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type FakeInstance, fakeInstance, writeLegacyState } from '../../unit/operations/fake-instance.js';
import { command } from '../archive/programs.js';
import { HOST, openPlace, type Place } from './place.js';
import { type Outcome, runProgram } from './program.js';

/** Archives as the replaced role made them: tar.gz of `state/<host>`, encrypted by openssl with a key file. */
let place: Place;
let instance: FakeInstance;
let archive: string;

const run = (...args: string[]): Promise<Outcome> => runProgram([...args, ...place.options]);

beforeAll(async () => {
  place = await openPlace();
  instance = fakeInstance();
  await writeLegacyState(join(place.at('role'), HOST), instance);
  archive = await makeArchive('20251229T101112', place.at('key'));
});
afterAll(() => place.remove());

async function makeArchive(time: string, key: string): Promise<string> {
  const path = place.at(`coolify-state-${HOST}-${time}.tar.gz.enc`);
  await command('tar', '-czf', place.at('plain.tar.gz'), '-C', place.at('role'), HOST);
  const files = ['-in', place.at('plain.tar.gz'), '-out', path, '-pass', `file:${key}`];
  await command('openssl', 'enc', '-aes-256-cbc', '-salt', '-pbkdf2', ...files);
  return path;
}

describe('verify --from an archive of the replaced role', () => {
  it('proves what is in it, and says how weak it is and what to do', async () => {
    const { status, stdout, stderr } = await run('verify', '--from', archive);
    expect(stderr).toContain('as good as not encrypted');
    expect(stderr).toContain(`coolify-state import ${archive} --host ${HOST}`);
    for (const proof of ['files', 'dump', 'app-key', 'key-rows', 'key-files'])
      expect(stdout).toMatch(new RegExp(`proven +${proof}`));
    expect(status).toBe(0);
  });

  it('needs no key file, because the password is known to everybody', async () => {
    await rename(place.at('key'), place.at('hidden'));
    try {
      expect((await run('verify', '--from', archive)).status).toBe(0);
    } finally {
      await rename(place.at('hidden'), place.at('key'));
    }
  });

  it('takes the first line of a key file that is no private key', async () => {
    await writeFile(place.at('words'), 'a real secret\nsecond line\n');
    const path = await makeArchive('20251230T101112', place.at('words'));
    const refused = await run('verify', '--from', path);
    expect([refused.status, refused.stdout]).toEqual([
      2,
      expect.stringContaining('code: archive.wrong-password'),
    ]);
    await place.inventory({ coolify_backup_identity_path: place.at('words') });
    expect((await run('verify', '--from', path)).status).toBe(0);
    await place.inventory({});
  });

  it('says that one is damaged', async () => {
    const bytes = await readFile(archive);
    for (const spoiled of [
      bytes.subarray(0, -16),
      bytes.subarray(0, 20),
      flipped(bytes, bytes.length - 300),
    ]) {
      await writeFile(place.at('bad.enc'), spoiled);
      const { status, stdout } = await run('verify', '--from', place.at('bad.enc'));
      expect(stdout).toMatch(/code: archive\.(truncated|corrupt)/);
      expect(status).toBe(4);
      expect(await readdir(join(place.at('state'), '.generations', HOST))).toEqual([]);
    }
  });
});

const sidecarSchema = z.object({
  createdAt: z.string(),
  importedFrom: z.object({ file: z.string(), sha256: z.string() }),
  proofs: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
});

describe('import', () => {
  it('tells what it would do and stores nothing with --check', async () => {
    const { status, stderr } = await run('import', archive, '--host', HOST, '--check');
    expect(status).toBe(0);
    expect(stderr).toContain('would store a snapshot of 2025-12-29T10:11:12.000Z');
    expect(await readdir(place.folder)).not.toContain('first');
  });

  it('makes a snapshot that age and tar open, marked as imported, with honest proofs', async () => {
    const { status, stdout, stderr } = await run('import', archive, '--host', HOST);
    expect(status, stderr + stdout).toBe(0);
    const folder = join(place.at('first'), HOST);
    const name = `coolify-state-${HOST}-20251229T101112Z.tar.gz.age`;
    expect((await readdir(folder)).filter((file) => file.startsWith('coolify-state'))).toEqual([
      name,
      `${name}.json`,
    ]);
    const sidecar = sidecarSchema.parse(JSON.parse(await readFile(join(folder, `${name}.json`), 'utf8')));
    expect(sidecar).toMatchObject({
      createdAt: '2025-12-29T10:11:12.000Z',
      importedFrom: { file: `coolify-state-${HOST}-20251229T101112.tar.gz.enc` },
    });
    expect(sidecar.proofs.find((proof) => proof.name === 'dump')?.detail).toContain('nobody counted');
    await command('mkdir', place.at('opened'));
    const line = 'age -d -i "$1" "$2" | tar -xzf - -C "$3"';
    await command(
      'bash',
      '-o',
      'pipefail',
      '-c',
      line,
      '-',
      place.at('key'),
      join(folder, name),
      place.at('opened'),
    );
    const dump = await readFile(join(place.at('opened'), 'backups/coolify/coolify_db.dump'));
    expect(dump.equals(instance.dump)).toBe(true);
  });

  it('is verified like any other snapshot afterwards', async () => {
    const { status, stdout } = await run('verify', '--all', '--read-data');
    expect(stdout).toMatch(/all data +good +file:.*first/);
    expect(stdout).toMatch(/all data +good +file:.*second/);
    expect(status).toBe(0);
  });

  it('finds nothing to do the second time', async () => {
    const { status, stderr, stdout } = await run('import', archive, '--host', HOST);
    expect(status).toBe(0);
    expect(stderr).toMatch(/imported before, as [0-9a-f]{8}/);
    expect(stdout).toContain('changed=0');
    expect(
      (await readdir(join(place.at('first'), HOST))).filter((file) => file.endsWith('.age')),
    ).toHaveLength(1);
  });

  it('leaves the state of the host on this machine alone unless it is to be kept', async () => {
    expect(await readdir(place.at('state'))).not.toContain(HOST);
    const { status, stdout } = await run('import', archive, '--host', HOST, '--keep');
    expect(status).toBe(0);
    expect(stdout).toContain(`generation  20251229T101112Z-`);
    expect((await run('verify', '--from', 'local')).status).toBe(0);
    expect((await run('import', archive, '--host', HOST, '--keep')).stderr).toContain('kept already');
  });

  it('takes the folder of the role and leaves it as it is', async () => {
    const before = await command('find', place.at('role'), '-type', 'f', '-exec', 'sha256sum', '{}', '+');
    await place.inventory({ coolify_repository: `file:${place.at('third')}` });
    const args = ['--host', HOST, '--taken', '2025-12-01T00:00:00Z'];
    const { status, stdout } = await run('import', join(place.at('role'), HOST), ...args);
    expect(status, stdout).toBe(0);
    expect(stdout).toContain('20251201T000000Z');
    const plain = await run('import', place.at('plain.tar.gz'), '--host', HOST, '--taken', '2025-12-02');
    expect(plain.status, plain.stdout).toBe(0);
    expect(await command('find', place.at('role'), '-type', 'f', '-exec', 'sha256sum', '{}', '+')).toBe(
      before,
    );
    await place.inventory({});
  });

  it('asks for the version where nothing tells it', async () => {
    await rm(join(place.at('role'), HOST, 'backups/coolify/.env'));
    const path = await makeArchive('20251231T000000', place.at('key'));
    const refused = await run('import', path, '--host', HOST);
    expect([refused.status, refused.stdout]).toEqual([
      2,
      expect.stringContaining('--coolify-version VERSION'),
    ]);
    const { status, stderr } = await run('import', path, '--host', HOST, '--coolify-version', '4.1.2');
    expect(status, stderr).toBe(0);
    expect(stderr).toContain('.env was not in it');
  });

  it('refuses what is a snapshot already, and what is something else', async () => {
    const [snapshot = ''] = (await readdir(join(place.at('first'), HOST))).filter((file) =>
      file.endsWith('.age'),
    );
    const again = await run('import', join(place.at('first'), HOST, snapshot), '--host', HOST);
    expect([again.status, again.stdout]).toEqual([2, expect.stringContaining('code: import.not-legacy')]);
    await command('tar', '-czf', place.at('other.tar.gz'), '-C', place.folder, 'inventory.yml');
    const other = await run('import', place.at('other.tar.gz'), '--host', HOST);
    expect([other.status, other.stdout]).toEqual([4, expect.stringContaining('code: legacy.no-state')]);
    const nothing = await run('import', place.at('nowhere'), '--host', HOST);
    expect([nothing.status, nothing.stdout]).toEqual([2, expect.stringContaining('code: restore.no-file')]);
  });
});

function flipped(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}
