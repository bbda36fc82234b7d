import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EnvFile } from '../../../src/coolify/env-file.js';
import { adoptLegacyState } from '../../../src/coolify/legacy/state.js';
import { openSource } from '../../../src/coolify/restore/target.js';
import { timeInName } from '../../../src/operations/snapshots/unpack-legacy.js';
import { proveSource } from '../../../src/operations/verify/generation.js';
import { fakeInstance, type LegacyChoices, writeLegacyState } from './fake-instance.js';

const instance = fakeInstance();
const other = fakeInstance();
const { signal } = new AbortController();
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'legacy-state-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function adopt(choices: LegacyChoices = {}, coolifyVersion?: string) {
  await writeLegacyState(folder, instance, choices);
  return await adoptLegacyState(
    folder,
    {
      host: 'web1',
      createdAt: new Date('2025-12-29T10:11:12Z'),
      file: 'old.tar.gz.enc',
      sha256: 'ab'.repeat(32),
      coolifyVersion,
      tool: { name: 'coolify-state', version: '0' },
    },
    signal,
  );
}

const text = (path: string): Promise<string> => readFile(join(folder, 'backups/coolify', path), 'utf8');

describe('a state folder of the replaced role', () => {
  it('becomes a generation whose proofs hold when they are made again', async () => {
    const { manifest, notes } = await adopt();
    expect(manifest).toMatchObject({
      id: '20251229T101112Z-ababab',
      host: 'web1',
      createdAt: '2025-12-29T10:11:12.000Z',
    });
    expect(manifest.proofs.map(({ name, ok }) => [name, ok])).toEqual([
      ['dump', true],
      ['app-key', true],
      ['key-rows', true],
      ['key-files', true],
    ]);
    expect(notes).toEqual([
      expect.stringContaining('Coolify 4.3.11 is what .env said'),
      expect.stringContaining('authorized_keys was not in it'),
    ]);
    const source = await openSource({ host: 'web1', folder, manifest });
    const { proofs } = await proveSource(source, signal);
    expect(proofs.filter(({ ok }) => !ok)).toEqual([]);
    expect(proofs.find(({ name }) => name === 'dump')?.detail).toContain('when the old archive was imported');
  });

  it('does not claim that rows were counted in the database', async () => {
    const { manifest } = await adopt();
    expect(manifest.proofs.find(({ name }) => name === 'dump')?.detail).toBe(
      'the dump was read to its end: 3 tables, 24 rows, which nobody counted when the archive was made',
    );
  });

  it('says of each file what it is, and where host keys belong', async () => {
    const { manifest } = await adopt();
    expect(Object.fromEntries(manifest.files.map(({ path, artifact }) => [path, artifact]))).toEqual({
      '.ssh/ssh_host_ed25519_key': 'host-keys',
      '.ssh/ssh_host_ed25519_key.pub': 'host-keys',
      'RESTORE.md': 'recovery-guide',
      'backups/authorized_keys': 'authorized-keys',
      'backups/coolify/.env': 'env',
      'backups/coolify/APP_KEY': 'app-key',
      'backups/coolify/coolify_db.dump': 'database',
      'backups/coolify/coolify_ssh_keys.tar.gz': 'managed-keys',
      'backups/coolify/localhost.pub': 'public-keys',
      'backups/coolify/web servers.pub': 'public-keys',
      'hetzner/server.json': 'imported',
    });
    expect(manifest.files.find(({ path }) => path === '.ssh/ssh_host_ed25519_key')?.origin).toMatchObject({
      path: '/etc/ssh/ssh_host_ed25519_key',
      mode: 0o600,
    });
    expect((await stat(join(folder, 'backups/authorized_keys'))).mode & 0o777).toBe(0o600);
  });

  it('takes the version from .env, or from a person, or does not know it', async () => {
    expect((await adopt()).instance.coolify.version).toBe('4.3.11');
    expect((await adopt({ env: null }, '4.1.2')).instance.coolify.version).toBe('4.1.2');
    await rm(join(folder, 'backups'), { recursive: true });
    expect((await adopt({ env: null })).instance.coolify.version).toBe('unknown');
  });

  it('makes a whole .env where there is none, the same each time', async () => {
    const { notes } = await adopt({ env: null }, '4.1.2');
    const env = EnvFile.parse(await text('.env'));
    expect(env.get('APP_KEY')).toBe(instance.appKey);
    expect([env.get('COOLIFY_VERSION'), env.get('LATEST_IMAGE')]).toEqual(['4.1.2', '4.1.2']);
    for (const key of ['APP_ID', 'DB_USERNAME', 'DB_PASSWORD', 'REDIS_PASSWORD', 'PUSHER_APP_SECRET'])
      expect(env.get(key), key).toMatch(/^[\w+/=]+$/);
    expect(env.get('DB_PASSWORD')).not.toBe(env.get('REDIS_PASSWORD'));
    expect(notes.join()).toContain('.env was not in it');
    await rm(join(folder, 'backups'), { recursive: true });
    await adopt({ env: null }, '4.1.2');
    expect(await text('.env')).toBe(env.toString());
  });

  it('fills in what a saved .env lacks, and leaves the rest of it as it is', async () => {
    const saved = `# mine\nAPP_KEY=${instance.appKey}\nDB_PASSWORD=\nREDIS_PASSWORD=kept\n`;
    const { notes } = await adopt({ env: saved });
    const env = await text('.env');
    expect(env).toMatch(/^# mine\nAPP_KEY=.*\nDB_PASSWORD=.{44}\nREDIS_PASSWORD=kept\n/);
    expect(notes.join()).toContain('lacks');
  });

  it('finds the key of the dump when .env is of a fresh install, and says so', async () => {
    const fresh = `APP_KEY=${other.appKey}\nDB_PASSWORD=fresh\nCOOLIFY_VERSION=9.9.9\nLATEST_IMAGE=9.9.9\n`;
    const { notes, instance: found } = await adopt({ env: fresh });
    const env = EnvFile.parse(await text('.env'));
    expect([env.get('APP_KEY'), env.get('DB_PASSWORD')]).toEqual([instance.appKey, 'fresh']);
    expect(notes.join()).toContain('of another installation');
    // The version is that of the fresh install, which must not run instead.
    expect([found.coolify.version, env.get('LATEST_IMAGE')]).toEqual(['unknown', undefined]);
  });

  it('finds it in .env when the file APP_KEY is of another instance or empty', async () => {
    await adopt({ appKey: other.appKey });
    expect(await text('APP_KEY')).toBe(instance.appKey);
    await adopt({ appKey: '' });
    expect(await text('APP_KEY')).toBe(instance.appKey);
  });

  it('makes the key files anew from the rows when the archive is missing, broken, or of another instance', async () => {
    for (const keyFiles of [null, other.keys, []]) {
      await rm(join(folder, 'backups'), { recursive: true, force: true });
      const { manifest, notes } = await adopt({ keyFiles });
      expect(notes.join()).toContain('made anew from the rows');
      const source = await openSource({ host: 'web1', folder, manifest });
      const { proofs } = await proveSource(source, signal);
      expect(proofs.filter(({ ok }) => !ok)).toEqual([]);
    }
  });

  it('puts the key with which Coolify reaches its own host into authorized_keys, and no other', async () => {
    const { instance: found } = await adopt();
    const lines = (await readFile(join(folder, 'backups/authorized_keys'), 'utf8')).trimEnd().split('\n');
    expect(lines).toEqual([`${(await text('localhost.pub')).trim()} coolify`]);
    expect(found.keys.map(({ name }) => name)).toEqual(['localhost', 'web servers']);
  });

  it('is refused with what is wrong when it could not be restored', async () => {
    const cases: readonly (readonly [LegacyChoices, string])[] = [
      [{ dump: null }, 'legacy.no-dump'],
      [{ dump: Buffer.alloc(0) }, 'legacy.no-dump'],
      [{ dump: Buffer.from('-- a plain dump\n') }, 'dump.not-a-dump'],
      [{ dump: instance.dump.subarray(0, -20) }, 'dump.truncated'],
      [{ env: null, appKey: null }, 'legacy.no-app-key'],
      [{ env: null, appKey: 'base64:AAAA' }, 'legacy.no-app-key'],
      [{ env: null, appKey: other.appKey }, 'legacy.unproven'],
    ];
    for (const [choices, code] of cases) {
      await rm(join(folder, 'backups'), { recursive: true, force: true });
      await expect(adopt(choices), code).rejects.toMatchObject({ code, kind: 'proof' });
    }
  });
});

describe('the time in the name of an old archive', () => {
  it('is read as UTC, and only where it is one', () => {
    expect(timeInName('/x/coolify-state-web1-20251229T101112.tar.gz.enc')).toEqual(
      new Date('2025-12-29T10:11:12Z'),
    );
    expect(timeInName('/20251229T101112/backup.tar.gz.enc')).toBeUndefined();
    expect(timeInName('a-20251329T101112.enc')).toBeUndefined();
  });
});
