import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { generateHybridIdentity, identityToRecipient } from 'age-encryption';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fakeInstance } from '../../unit/operations/fake-instance.js';
import { command } from '../archive/programs.js';
import { HOST, openPlace, type Place } from './place.js';
import { type Outcome, runProgram } from './program.js';

/** One story: the snapshots of two days are in two repositories, and the key is changed. */
let place: Place;
let ids: string[];
/** Variables of an inventory in which the new key is the recipient of today. */
let renewed: Readonly<Record<string, unknown>>;

const run = (...args: string[]): Promise<Outcome> => runProgram([...args, ...place.options]);
const objects = async (name: string): Promise<string[]> =>
  (await readdir(join(place.at(name), HOST))).filter((file) => file.endsWith('.age')).sort();
const object = (day: number, ordinal = ''): string =>
  `coolify-state-${HOST}-2026010${day}T000000Z${ordinal}.tar.gz.age`;
const sidecarSchema = z.object({
  id: z.string(),
  createdAt: z.string(),
  recipients: z.array(z.string()),
  files: z.number(),
  proofs: z.array(z.unknown()),
  sha256: z.string(),
  rekeyedFrom: z.object({ id: z.string(), sha256: z.string() }).optional(),
});
const sidecar = async (name: string): Promise<z.infer<typeof sidecarSchema>> =>
  sidecarSchema.parse(JSON.parse(await readFile(join(place.at('first'), HOST, `${name}.json`), 'utf8')));

beforeAll(async () => {
  place = await openPlace();
  await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', place.at('new'));
  await command('age-keygen', '-o', place.at('age'));
  await writeFile(place.at('age.pub'), await command('age-keygen', '-y', place.at('age')));
  const instance = fakeInstance();
  ids = [];
  for (const day of [1, 2]) {
    const generation = await place.generation(new Date(Date.UTC(2026, 0, day)), instance);
    ids.push(await place.publish(generation, { kind: 'directory', path: place.at('first') }));
  }
  await command('cp', '-a', place.at('first'), place.at('second'));
  renewed = {
    coolify_backup_encryption_key_path: place.at('new.pub'),
    coolify_backup_identity_path: place.at('new'),
    coolify_backup_recipients: [(await readFile(place.at('age.pub'), 'utf8')).trim()],
  };
});
afterAll(() => place.remove());

describe('rekey', () => {
  it('finds nothing to do while the recipients are the same', async () => {
    const { status, stdout, stderr } = await run('rekey');
    expect(status).toBe(0);
    expect(stderr).toContain('is for these recipients already');
    expect(stdout).toContain('changed=0');
  });

  it('tells with --check for which snapshots it would be done', async () => {
    await place.inventory(renewed);
    const { status, stderr } = await run('rekey', '--check');
    expect(status).toBe(0);
    expect(stderr.match(/would store it anew for 2 recipients/g)).toHaveLength(4);
    expect(await objects('first')).toEqual([object(1), object(2)]);
  });

  it('cannot be done without a key that opens them', async () => {
    const { status, stdout } = await run('rekey', '-s', ids[0] ?? '');
    expect([status, stdout]).toEqual([2, expect.stringContaining('code: archive.no-identity')]);
    expect(stdout).toMatch(/its sidecar names as recipients: SHA256:/);
    expect(await objects('first')).toEqual([object(1), object(2)]);
  });

  it('stores the same payload under a new header, as a new snapshot of the same time', async () => {
    const { status, stdout, stderr } = await run('rekey', '--identity', place.at('key'));
    expect(status, stderr).toBe(0);
    expect(stdout.match(/^rekeyed /gm)).toHaveLength(4);
    expect(await objects('first')).toEqual([object(1, '-2'), object(1), object(2, '-2'), object(2)]);
    const [old, made] = [await sidecar(object(2)), await sidecar(object(2, '-2'))];
    expect(made).toMatchObject({
      createdAt: old.createdAt,
      files: old.files,
      proofs: old.proofs,
      rekeyedFrom: { id: old.id, sha256: old.sha256 },
    });
    expect(made.recipients).toHaveLength(2);
    const payload = async (name: string): Promise<Buffer> => {
      const bytes = await readFile(join(place.at('first'), HOST, name));
      return bytes.subarray(bytes.indexOf('\n', bytes.indexOf('\n---') + 1) + 1);
    };
    expect((await payload(object(2, '-2'))).equals(await payload(object(2)))).toBe(true);
  });

  it('makes one object for all repositories, so that copies stay copies', async () => {
    for (const name of await objects('first')) {
      const [here, there] = await Promise.all(
        ['first', 'second'].map((folder) => readFile(join(place.at(folder), HOST, name))),
      );
      expect(here !== undefined && there?.equals(here), name).toBe(true);
    }
  });

  it('leaves the newest snapshot the newest, and open for every new key', async () => {
    const { status, stdout } = await run('verify', '--read-data');
    expect(status, stdout).toBe(0);
    expect(stdout).toContain((await sidecar(object(2, '-2'))).id);
    for (const key of ['new', 'age']) {
      const line = 'age -d -i "$1" "$2" | tar -tzf -';
      const path = join(place.at('first'), HOST, object(1, '-2'));
      const listed = await command('bash', '-o', 'pipefail', '-c', line, '-', place.at(key), path);
      expect(listed).toMatch(/^RESTORE\.md\n/);
    }
    await expect(
      command(
        'age',
        '-d',
        '-i',
        place.at('key'),
        '-o',
        '/dev/null',
        join(place.at('first'), HOST, object(1, '-2')),
      ),
    ).rejects.toThrow();
  });

  it('knows the second time what it made, and removes the old ones only when asked', async () => {
    const again = await run('rekey', '--identity', place.at('key'));
    expect(again.status).toBe(0);
    expect(again.stdout).toContain('changed=0');
    const { status, stdout } = await run('rekey', '--identity', place.at('key'), '--remove-old');
    expect(status, stdout).toBe(0);
    expect(stdout.match(/old one removed/g)).toHaveLength(4);
    expect(await objects('first')).toEqual([object(1, '-2'), object(2, '-2')]);
    expect((await run('verify', '--all', '--read-data')).status).toBe(0);
  });

  it('can make them for a post-quantum key', async () => {
    const hybrid = await generateHybridIdentity();
    await writeFile(place.at('pq'), `${hybrid}\n`);
    await place.inventory({
      coolify_backup_recipients: [await identityToRecipient(hybrid)],
      coolify_backup_encryption_key_path: place.at('pq'),
      coolify_repository: `file:${place.at('first')}`,
    });
    const { status, stderr } = await run(
      'rekey',
      '--identity',
      place.at('age'),
      '-s',
      'latest',
      '--remove-old',
    );
    expect(status, stderr).toBe(0);
    expect((await run('verify', '--read-data')).status).toBe(0);
  });

  it('makes nothing of a snapshot that is damaged, and keeps it', async () => {
    await place.inventory({
      ...renewed,
      coolify_backup_recipients: [],
      coolify_repository: `file:${place.at('second')}`,
    });
    const path = join(place.at('second'), HOST, object(1, '-2'));
    const bytes = await readFile(path);
    bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20);
    await writeFile(path, bytes);
    const { status, stdout } = await run('rekey', '--remove-old');
    expect(status).toBe(4);
    expect(stdout).toContain('code: archive.corrupt');
    expect(await objects('second')).toEqual([object(1, '-2'), object(2, '-3')]);
  });
});
