import {
  appendFile,
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { FakeInstance } from '../../unit/operations/fake-instance.js';
import { fakeInstance } from '../../unit/operations/fake-instance.js';
import { command } from '../archive/programs.js';
import { HOST, openPlace, type Place } from './place.js';
import { type Outcome, runProgram } from './program.js';

let place: Place;
let instance: FakeInstance;
/** Newest first. */
let ids: string[];

const first = () => ({ kind: 'directory', path: place.at('first') }) as const;
const verify = (...args: string[]): Promise<Outcome> => runProgram(['verify', ...args, ...place.options]);

beforeAll(async () => {
  place = await openPlace();
  instance = fakeInstance();
  ids = [];
  for (let day = 1; day <= 4; day++) {
    const generation = await place.generation(new Date(Date.UTC(2026, 0, day)), instance);
    ids.unshift(await place.publish(generation, first()));
  }
  await command('cp', '-a', place.at('first'), place.at('second'));
});
afterAll(() => place.remove());

const summary = z.object({
  hosts: z.array(
    z.object({
      error: z.object({ code: z.string(), kind: z.string() }).optional(),
      snapshots: z.array(
        z.object({
          id: z.string(),
          where: z.string(),
          ok: z.boolean(),
          checked: z.enum(['stored', 'data']),
          proofs: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })),
          error: z.object({ code: z.string() }).optional(),
        }),
      ),
    }),
  ),
});

function host({ stdout }: Outcome) {
  const [found] = summary.parse(JSON.parse(stdout.trim().split('\n').at(-1) ?? '')).hosts;
  if (found === undefined) throw new Error('no host was reported');
  return found;
}

describe('verify', () => {
  it('reads the stored bytes of the newest snapshot in every repository, without a key', async () => {
    await rename(place.at('key'), place.at('hidden'));
    try {
      const { status, stdout } = await verify();
      expect(status).toBe(0);
      expect(stdout).toMatch(new RegExp(`${ids[0]} .* stored bytes +good +file:.*first`));
      expect(stdout).toMatch(new RegExp(`${ids[0]} .* stored bytes +good +file:.*second`));
      expect(stdout).not.toContain(ids[1]);
    } finally {
      await rename(place.at('hidden'), place.at('key'));
    }
  });

  it('decrypts with --read-data, once for the same bytes in two repositories', async () => {
    const { snapshots } = host(await verify('--read-data', '--json'));
    expect(snapshots.map(({ ok, checked }) => [ok, checked])).toEqual([
      [true, 'data'],
      [true, 'data'],
    ]);
    expect(snapshots[0]?.proofs.map(({ name }) => name)).toEqual([
      'stored-bytes',
      'belonging',
      'files',
      'app-key-file',
      'dump',
      'app-key',
      'key-rows',
      'key-files',
    ]);
    expect(snapshots[1]?.proofs.map(({ name }) => name)).toEqual(['stored-bytes', 'content']);
    expect(snapshots[1]?.proofs[1]?.detail).toContain('first');
  });

  it('leaves nothing decrypted behind', async () => {
    await verify('--all', '--read-data');
    expect(await readdir(join(place.at('state'), '.generations', HOST)).catch(() => [])).toEqual([]);
  });

  it('takes every snapshot with --all, and the ones that are named', async () => {
    const all = host(await verify('--all', '--json'));
    expect(all.snapshots.map(({ id }) => id)).toEqual([...ids, ...ids]);
    const two = host(await verify(HOST, ids[3] ?? '', ids[1]?.slice(0, 5) ?? '', '--json'));
    expect(two.snapshots.map(({ id }) => id)).toEqual([ids[3], ids[1], ids[3], ids[1]]);
  });

  it('draws the same sample again by its seed, with the newest in it, the same in every repository', async () => {
    const sample = host(await verify('--sample', '50%', '--seed', 'x', '--json')).snapshots.map(
      ({ id }) => id,
    );
    expect(sample).toHaveLength(4);
    expect(sample[0]).toBe(ids[0]);
    expect(sample.slice(0, 2)).toEqual(sample.slice(2));
    const again = host(await verify('--all', '--sample', '2', '--seed', 'x', '--json')).snapshots;
    expect(again.map(({ id }) => id)).toEqual(sample);
    const { stderr } = await verify('--sample', '1');
    expect(stderr).toMatch(/2 in the sample, --seed [0-9a-f]{8}/);
  });

  it('refuses words that do not go together', async () => {
    for (const args of [
      ['--all', '--from', 'local'],
      [HOST, 'abcd', '--all'],
      ['--seed', 'x'],
      ['--sample', '0%'],
      ['--sample', 'some'],
    ]) {
      const { status, stderr } = await verify(...args);
      expect(status, args.join(' ')).toBe(2);
      expect(stderr).toMatch(/code: (cli\.usage|verify\.sample)/);
    }
  });

  it('says what a repository lacks that another has, and that there is nothing where there is nothing', async () => {
    await place.inventory({ coolify_repository: [`file:${place.at('first')}`, `file:${place.at('empty')}`] });
    const { stderr } = await verify('--all');
    expect(stderr).toContain('empty lacks 4 snapshots that others have');
    await place.inventory({ coolify_repository: [`file:${place.at('empty')}`] });
    const nothing = await verify('--all');
    expect([nothing.status, nothing.stderr + nothing.stdout]).toEqual([
      1,
      expect.stringContaining('repository.no-snapshot'),
    ]);
    await place.inventory({});
  });
});

describe('verify of bad snapshots', () => {
  const object = (index: number): string => {
    const day = 4 - index;
    return join(place.at('second'), HOST, `coolify-state-${HOST}-2026010${day}T000000Z.tar.gz.age`);
  };

  it('tells for each what is wrong with it, and goes on with the others', async () => {
    const whole = await readFile(object(1));
    const flipped = Buffer.from(whole);
    const at = flipped.length - 40;
    flipped.writeUInt8(flipped.readUInt8(at) ^ 1, at);
    await writeFile(object(1), flipped);
    await truncate(object(2), 1000);
    await rm(object(3));
    const outcome = await verify('--all', '--read-data', '--json');
    expect(outcome.status).toBe(4);
    const { snapshots, error } = host(outcome);
    expect(error).toMatchObject({ code: 'verify.bad-snapshots', kind: 'proof' });
    expect(snapshots.map(({ ok, error: own }) => [ok, own?.code])).toEqual([
      ...Array.from({ length: 4 }, () => [true, undefined]),
      [true, undefined],
      [false, 'archive.corrupt'],
      [false, 'archive.truncated'],
      [false, 'repository.object-missing'],
    ]);
    expect(snapshots[5]?.proofs.map(({ name, ok }) => [name, ok])).toEqual([
      ['stored-bytes', false],
      ['decryption', false],
    ]);
    const { stdout } = await verify('--all', '--read-data');
    expect(stdout).toMatch(new RegExp(`${ids[1]} .* all data +BAD +file:.*second`));
    expect(stdout).toMatch(/FAILED +stored-bytes +.*SHA-256 should be/);
    await rm(place.at('second'), { recursive: true });
    await command('cp', '-a', place.at('first'), place.at('second'));
  });

  it('finds a snapshot of another host or time under a forged sidecar', async () => {
    const folder = place.at('forged');
    await mkdir(join(folder, HOST), { recursive: true });
    const name = (day: number): string => `coolify-state-${HOST}-2026010${day}T000000Z.tar.gz.age`;
    await copyFile(join(place.at('first'), HOST, name(1)), join(folder, HOST, name(4)));
    const old: unknown = JSON.parse(await readFile(join(place.at('first'), HOST, `${name(1)}.json`), 'utf8'));
    const now: unknown = JSON.parse(await readFile(join(place.at('first'), HOST, `${name(4)}.json`), 'utf8'));
    const both = z.record(z.string(), z.unknown());
    const { id, object: file, createdAt } = both.parse(now);
    const forged = { ...both.parse(old), id, object: file, createdAt };
    await writeFile(join(folder, HOST, `${name(4)}.json`), JSON.stringify(forged));
    await place.inventory({ coolify_repository: `file:${folder}` });
    const outcome = await verify('--read-data', '--json');
    expect(outcome.status).toBe(4);
    const bad = host(outcome).snapshots[0]?.proofs.filter(({ ok }) => !ok);
    expect(bad).toEqual([
      expect.objectContaining({ name: 'belonging', detail: expect.stringContaining('another time') }),
    ]);
    expect((await verify()).status).toBe(0);
    await place.inventory({});
  });

  it('does not call a snapshot bad because the key is another one', async () => {
    await command('ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', place.at('other'));
    await place.inventory({ coolify_backup_identity_path: place.at('other') });
    const outcome = await verify('--read-data');
    expect(outcome.status).toBe(2);
    expect(outcome.stdout).toContain('NOT VERIFIED');
    expect(outcome.stdout).not.toContain('BAD');
    await place.inventory({});
  });
});

/** How a snapshot file is spoiled, and what has to be said of it. */
const SPOILED: readonly (readonly [string, (path: string) => Promise<void>, string, RegExp])[] = [
  [
    'cut off in the last chunk',
    (path) => shorten(path, 5),
    'archive.corrupt',
    /its end is damaged or was cut off/,
  ],
  ['cut off within its header', (path) => truncate(path, 100), 'archive.truncated', /ends within its header/],
  ['without a payload', (path) => endAtHeader(path), 'archive.no-payload', /ends with its header/],
  ['empty', (path) => truncate(path, 0), 'archive.empty', /no bytes at all/],
  [
    'with a flipped bit',
    (path) => edit(path, (bytes) => flip(bytes, bytes.length - 100)),
    'archive.corrupt',
    /damaged/,
  ],
  [
    'with another checksum of its header',
    (path) => edit(path, (bytes) => bendChecksum(bytes, (was) => (was === 'A' ? 'B' : 'A'))),
    'archive.header-changed',
    /its header was changed/,
  ],
  [
    'with a checksum of its header that is no base64',
    (path) => edit(path, (bytes) => bendChecksum(bytes, () => '{')),
    'archive.bad-header',
    /its last line is malformed/,
  ],
  [
    'followed by more bytes',
    (path) => appendFile(path, 'more'),
    'archive.trailing-data',
    /more data follows/,
  ],
  [
    'that is something else',
    (path) => writeFile(path, 'hello, this is no archive'),
    'archive.not-age',
    /no age file/,
  ],
  [
    'of a later version',
    (path) =>
      edit(path, (bytes) => Buffer.from(bytes.toString('latin1').replace('/v1\n', '/v9\n'), 'latin1')),
    'archive.version-unsupported',
    /version v9/,
  ],
];

describe('verify --from FILE', () => {
  it('proves a file, and writes nothing of a bad one under its name', async () => {
    const generation = join(place.at('first'), HOST, `coolify-state-${HOST}-20260104T000000Z.tar.gz.age`);
    const good = await verify('--from', generation);
    expect(good.status).toBe(0);
    expect(good.stdout).toMatch(/proven +app-key /);
  });

  for (const [what, spoil, code, sentence] of SPOILED) {
    it(`says what is wrong with one ${what}`, async () => {
      const path = place.at('spoiled.tar.gz.age');
      await copyFile(
        join(place.at('first'), HOST, `coolify-state-${HOST}-20260104T000000Z.tar.gz.age`),
        path,
      );
      await spoil(path);
      const { status, stdout } = await verify('--from', path);
      expect(stdout).toContain(`code: ${code}`);
      expect(stdout).toMatch(sentence);
      expect(stdout).toContain('next: ');
      expect(status).toBe(code === 'archive.version-unsupported' ? 2 : 4);
      expect(await readdir(join(place.at('state'), '.generations', HOST))).toEqual([]);
    });
  }
});

async function edit(path: string, change: (bytes: Buffer) => Buffer): Promise<void> {
  await writeFile(path, change(await readFile(path)));
}

async function shorten(path: string, by: number): Promise<void> {
  await edit(path, (bytes) => bytes.subarray(0, bytes.length - by));
}

async function endAtHeader(path: string): Promise<void> {
  await edit(path, (bytes) => bytes.subarray(0, bytes.indexOf('\n', bytes.indexOf('\n---') + 1) + 1));
}

/** Changes one character of the checksum. (A flipped bit would now and then make it one that base64 lacks.) */
function bendChecksum(bytes: Buffer, other: (was: string) => string): Buffer {
  const at = bytes.indexOf('\n--- ') + 10;
  const changed = Buffer.from(bytes);
  changed.write(other(bytes.toString('latin1', at, at + 1)), at, 'latin1');
  return changed;
}

function flip(bytes: Buffer, at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
}
