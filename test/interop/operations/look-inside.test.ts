import { mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Generation } from '../../../src/state/generations.js';
import { renderManifest } from '../../../src/state/manifest.js';
import { noise, sha256 } from '../../unit/archive/streams.js';
import { type FakeInstance, fakeInstance } from '../../unit/operations/fake-instance.js';
import { command } from '../archive/programs.js';
import { HOST, openPlace, type Place } from './place.js';
import { type Outcome, runProgram } from './program.js';

let place: Place;
let instance: FakeInstance;
let generation: Generation;
/** Oldest first. */
const ids: string[] = [];

const DUMP = 'backups/coolify/coolify_db.dump';
const run = (...args: string[]): Promise<Outcome> => runProgram([...args, ...place.options]);
const objectOf = (day: number): string =>
  join(place.at('first'), HOST, `coolify-state-${HOST}-2026010${day}T000000Z.tar.gz.age`);

beforeAll(async () => {
  place = await openPlace();
  instance = fakeInstance();
  await command('age-keygen', '-o', place.at('other'));
  await writeFile(place.at('other.pub'), await command('age-keygen', '-y', place.at('other')));
  for (const day of [1, 2]) {
    generation = await place.generation(new Date(Date.UTC(2026, 0, day)), instance);
    ids.push(await place.publish(generation, { kind: 'directory', path: place.at('first') }));
  }
});
afterAll(() => place.remove());

const last = (): string => ids.at(-1) ?? '';

describe('ls', () => {
  it('lists the files of a snapshot with what they are and where they stood', async () => {
    const { status, stdout } = await run('ls', last());
    expect(status).toBe(0);
    for (const { path } of generation.manifest.files) expect(stdout).toContain(path);
    expect(stdout).toMatch(
      /0600 +root:root .*host-keys +\.ssh\/ssh_host_ed25519_key +\/etc\/ssh\/ssh_host_ed25519_key/,
    );
  });

  it('takes latest, a file, and the folder of a generation', async () => {
    for (const snapshot of ['latest', objectOf(1), generation.folder]) {
      const { status, stdout } = await run('ls', snapshot, HOST);
      expect(status, snapshot).toBe(0);
      expect(stdout).toContain(DUMP);
    }
  });

  it('gives the same as JSON', async () => {
    const { stdout } = await run('ls', ids[0] ?? '', '--json');
    const { files } = z.object({ files: z.array(z.object({ path: z.string() })) }).parse(JSON.parse(stdout));
    expect(files.map(({ path }) => path)).toEqual(generation.manifest.files.map(({ path }) => path));
  });

  it('needs the beginning of the object only, which has to be whole', async () => {
    const large = await withNoise(300_000);
    await place.publish(large, { kind: 'directory', path: place.at('large') });
    const path = join(place.at('large'), HOST, `coolify-state-${HOST}-20260102T000000Z.tar.gz.age`);
    await truncate(path, 150_000);
    const listed = await run('ls', path);
    expect([listed.status, listed.stdout]).toEqual([0, expect.stringContaining('zz-noise')]);
    expect((await run('cat', path, 'backups/coolify/.env')).status).toBe(0);
    const cut = await run('cat', path, 'zz-noise', '-o', place.at('noise'));
    expect([cut.status, cut.stderr]).toEqual([4, expect.stringContaining('code: archive.corrupt')]);
    await truncate(path, 20_000);
    const nothing = await run('ls', path);
    expect([nothing.status, nothing.stderr]).toEqual([4, expect.stringContaining('code: archive.corrupt')]);
  });

  it('says what cannot be listed', async () => {
    for (const [snapshot, status, code] of [
      ['ffff0000', 1, 'repository.no-snapshot'],
      ['local', 1, 'repository.no-snapshot'],
      [place.at('nowhere.age'), 2, 'restore.no-file'],
      [place.folder, 4, 'restore.no-manifest'],
    ] as const) {
      const outcome = await run('ls', snapshot);
      expect([outcome.status, outcome.stderr]).toEqual([status, expect.stringContaining(`code: ${code}`)]);
    }
  });
});

/** The same generation with a file that does not become smaller. */
async function withNoise(size: number): Promise<Generation> {
  const folder = place.at('noisy');
  await command('cp', '-a', generation.folder, folder);
  const content = noise(size);
  await writeFile(join(folder, 'zz-noise'), content);
  const file = { path: 'zz-noise', artifact: 'extra-paths', size, sha256: sha256(content) };
  const manifest = { ...generation.manifest, files: [...generation.manifest.files, file] };
  await writeFile(join(folder, 'manifest.json'), renderManifest(manifest));
  return { ...generation, folder, manifest };
}

describe('cat', () => {
  it('writes the bytes of a file and nothing else', async () => {
    const { status, bytes } = await run('cat', last(), DUMP);
    expect(status).toBe(0);
    expect(bytes.equals(instance.dump)).toBe(true);
    const env = await run('cat', 'latest', './backups/coolify/.env');
    expect(env.stdout).toContain(`APP_KEY=${instance.appKey}\n`);
    const folder = await run('cat', generation.folder, DUMP);
    expect(folder.bytes.equals(instance.dump)).toBe(true);
  });

  it('writes a folder, or everything, as a tar archive', async () => {
    const { status, bytes } = await run('cat', last(), '.ssh');
    expect(status).toBe(0);
    await writeFile(place.at('ssh.tar'), bytes);
    const listed = await command('tar', '-tvf', place.at('ssh.tar'));
    expect(listed).toMatch(/-rw------- root\/root .* \.ssh\/ssh_host_ed25519_key\n/);
    await writeFile(place.at('all.tar'), (await run('cat', last(), '.')).bytes);
    const all = (await command('tar', '-tf', place.at('all.tar'))).trim().split('\n');
    expect(all.sort()).toEqual(generation.manifest.files.map(({ path }) => path).sort());
  });

  it('writes into a new file of its owner, and never over another', async () => {
    const target = place.at('db.dump');
    const { status, stdout } = await run('cat', last(), DUMP, '-o', target);
    expect([status, stdout]).toEqual([0, '']);
    expect((await readFile(target)).equals(instance.dump)).toBe(true);
    expect((await stat(target)).mode & 0o777).toBe(0o600);
    const again = await run('cat', last(), DUMP, '-o', target);
    expect([again.status, again.stderr]).toEqual([2, expect.stringContaining('code: cli.output-exists')]);
    const nowhere = await run('cat', last(), DUMP, '-o', place.at('no/such/folder'));
    expect([nowhere.status, nowhere.stderr]).toEqual([
      1,
      expect.stringContaining('code: cli.output-unwritable'),
    ]);
  });

  it('offers what may have been meant', async () => {
    for (const [path, offer] of [
      ['.env', 'backups/coolify/.env'],
      ['backups/coolify/coolify_db.dmp', DUMP],
    ] as const) {
      const { status, stderr } = await run('cat', last(), path);
      expect([status, stderr]).toEqual([2, expect.stringContaining(`did you mean ${offer}`)]);
    }
  });

  it('gives no binary content to a terminal', async () => {
    const before = process.stdout.isTTY;
    process.stdout.isTTY = true;
    try {
      const { status, bytes, stderr } = await run('cat', last(), DUMP);
      expect([status, stderr]).toEqual([2, expect.stringContaining('--output FILE')]);
      expect(bytes).toHaveLength(0);
      const text = await run('cat', last(), 'backups/coolify/.env');
      expect([text.status, text.stdout]).toEqual([0, expect.stringContaining('APP_KEY=')]);
    } finally {
      process.stdout.isTTY = before;
    }
  });

  it('leaves no file when the snapshot is damaged or a file in it is not what its manifest says', async () => {
    const damaged = place.at('damaged.tar.gz.age');
    const bytes = await readFile(objectOf(2));
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 30) ^ 1, bytes.length - 30);
    await writeFile(damaged, bytes);
    const bad = await run('cat', damaged, DUMP, '-o', place.at('bad.dump'));
    expect([bad.status, bad.stderr]).toEqual([4, expect.stringContaining('code: archive.corrupt')]);
    const folder = place.at('changed');
    await command('cp', '-a', generation.folder, folder);
    await writeFile(join(folder, 'backups/coolify/.env'), 'APP_KEY=other\n');
    const wrong = await run('cat', folder, 'backups/coolify/.env', '-o', place.at('bad.env'));
    expect([wrong.status, wrong.stderr]).toEqual([4, expect.stringContaining('code: snapshot.file-differs')]);
    expect((await readdir(place.folder)).filter((name) => name.includes('bad.'))).toEqual([]);
  });
});

describe('keys', () => {
  it('tells which snapshot the key of the inventory opens, and opens the newest header', async () => {
    const { status, stdout } = await run('keys');
    expect(status).toBe(0);
    expect(stdout.match(/yes {2,}file:/g)).toHaveLength(2);
    expect(stdout).toMatch(new RegExp(`tried +${last()} +.*key opens its header`));
  });

  it('needs nothing but the header of the newest', async () => {
    const path = objectOf(2);
    const whole = await readFile(path);
    await writeFile(path, whole.subarray(0, whole.indexOf('\n', whole.indexOf('\n---') + 1) + 1));
    expect((await run('keys')).stdout).toMatch(/tried .* opens its header/);
    await writeFile(path, whole);
  });

  it('tells apart which of several keys opens what', async () => {
    await mkdir(place.at('mixed'));
    const settings = { kind: 'directory', path: place.at('mixed') } as const;
    await place.publish(generation, settings, place.at('other.pub'));
    await place.inventory({ coolify_repository: [`file:${place.at('first')}`, `file:${place.at('mixed')}`] });
    const without = await run('keys');
    expect(without.status).toBe(2);
    expect(without.stdout).toMatch(/none of these +no +file:.*mixed/);
    expect(without.stderr).toContain('code: archive.no-identity');
    const { status, stdout } = await run('keys', '--identity', place.at('other'));
    expect(status).toBe(0);
    expect(stdout).toMatch(/other +no +file:.*mixed/);
    expect(stdout).toMatch(/tried +\S+ +\S+other opens its header/);
    await place.inventory({});
  });

  it('works on a machine that has public halves only, and says that it cannot try', async () => {
    await place.inventory({
      coolify_backup_encryption_key_path: place.at('key.pub'),
      coolify_backup_identity_path: place.at('missing'),
      coolify_repository: `file:${place.at('first')}`,
    });
    const { status, stdout, stderr } = await run('keys');
    expect(stdout).toMatch(/missing +cannot be read/);
    expect([status, stderr]).toEqual([2, expect.stringContaining('code: key-file.missing')]);
    await place.inventory({});
    await rm(place.at('mixed'), { recursive: true });
  });
});
