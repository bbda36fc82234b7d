import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { instanceOf } from '../../../src/coolify/instance.js';
import { layoutOf } from '../../../src/coolify/layout.js';
import { recoveryGuide } from '../../../src/coolify/restore/recovery-guide.js';
import { parseManifest } from '../../../src/state/manifest.js';
import { type ReleasedSnapshot, releasedSnapshots } from '../../released-snapshots.js';
import { command, filter } from '../archive/programs.js';
import { type Cluster, startCluster } from '../postgres/cluster.js';
import { type ShellBlock, shellBlocks } from './shell-blocks.js';

/** The part of a guide that needs a host; the e2e tests run it on one. */
const ON_A_HOST = /^Put it back/;
const FORMAT_PAGE = resolve(import.meta.dirname, '../../../docs/format.md');

let cluster: Cluster;
/** A place to work in, as a stranger would: an empty folder, the snapshot, the key. */
let folder: string;
let work: string;
let key: string;

beforeAll(async () => {
  cluster = await startCluster();
}, 60_000);
afterAll(() => cluster?.stop());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'by-hand-'));
  work = join(folder, 'work');
  key = join(folder, 'key');
  await mkdir(work, { mode: 0o700 });
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
  await cluster.psql('postgres', 'DROP DATABASE IF EXISTS coolify; DROP DATABASE IF EXISTS coolify_look;');
});

describe.each(releasedSnapshots())('the snapshot of version $version', (released) => {
  it('opens, is checked and gives its database back with the commands of docs/format.md', async () => {
    const snapshot = await bring(released);
    const blocks = shellBlocks(await readFile(FORMAT_PAGE, 'utf8'));
    expect(blocks.length).toBeGreaterThan(5);
    const output = await execute(blocks.filter(fits(snapshot)), snapshot);
    const manifest = await readManifest();
    await expectRows('coolify', manifest);
    // The value that was decrypted by hand.
    expect(output).toContain('PRIVATE KEY-----');
    const names = (await readdir(join(work, 'keys'))).filter((name) => name.startsWith('ssh_key@'));
    expect(names).toHaveLength(instanceOf(manifest).keys.length);
    expect(await readFile(join(work, 'coolify_db.sql'), 'utf8')).toContain('COPY public.private_keys');
  });

  it('opens with zstd too, once it is packed so', async () => {
    const snapshot = await bring(released);
    const zstd = join(folder, basename(snapshot).replace('.tar.gz.', '.tar.zst.'));
    await repack(snapshot, zstd);
    const blocks = shellBlocks(await readFile(FORMAT_PAGE, 'utf8')).filter(({ mark }) => mark === 'zstd');
    await execute(blocks, zstd);
    await readManifest();
  });

  it('says in its own RESTORE.md how that is done', async () => {
    const snapshot = await bring(released);
    await command(
      'bash',
      '-c',
      'age -d -i "$0" "$1" | tar -xOzf - RESTORE.md > "$2"',
      key,
      snapshot,
      join(folder, 'guide'),
    );
    await followGuide(await readFile(join(folder, 'guide'), 'utf8'), snapshot);
  });

  it('would be told the same by the guide of this version', async () => {
    const snapshot = await bring(released);
    await command(
      'bash',
      '-c',
      'age -d -i "$0" "$1" | tar -xOzf - manifest.json > "$2"',
      key,
      snapshot,
      join(folder, 'manifest'),
    );
    const manifest = parseManifest(await readFile(join(folder, 'manifest'), 'utf8'), 'a test');
    const layout = layoutOf({
      dataPath: '/data/coolify',
      installScript: '/i',
      databaseContainer: 'coolify-db',
    });
    await followGuide(recoveryGuide('controller', 'a test', instanceOf(manifest), layout), snapshot);
  });

  it('is found out by those commands when a byte of it was changed', async () => {
    const snapshot = await bring(released);
    const bytes = await readFile(snapshot);
    bytes[bytes.length - 1000] = (bytes[bytes.length - 1000] ?? 0) ^ 1;
    await writeFile(snapshot, bytes);
    const blocks = shellBlocks(await readFile(FORMAT_PAGE, 'utf8')).filter(fits(snapshot));
    const check = blocks.filter(
      ({ commands }) => commands.includes('sed -n') && commands.includes('SNAPSHOT'),
    );
    expect(check).toHaveLength(1);
    await expect(execute(check, snapshot)).rejects.toThrow('did NOT match');
    await expect(execute(blocks.slice(0, 1), snapshot)).rejects.toThrow();
  });
});

async function followGuide(guide: string, snapshot: string): Promise<void> {
  const blocks = shellBlocks(guide).filter(({ heading }) => !ON_A_HOST.test(heading));
  expect(blocks.length).toBeGreaterThan(2);
  await execute(blocks.filter(fits(snapshot)), snapshot);
  await expectRows('coolify_look', await readManifest());
}

/** The blocks that are for a snapshot compressed as this one is. */
function fits(snapshot: string): (block: ShellBlock) => boolean {
  const mark = snapshot.endsWith('.tar.zst.age') ? 'zstd' : '';
  return (block) => block.mark === mark;
}

/** Runs blocks one after the other in one shell, and ends at the first command that fails. */
async function execute(blocks: readonly ShellBlock[], snapshot: string): Promise<string> {
  const text = blocks.map(({ commands }) => commands).join('\n');
  const environment = { ...cluster.environment, KEY: key, SNAPSHOT: snapshot };
  return command('env', '-i', ...assignments(environment), 'bash', '-c', `cd "$0"\n${STRICT}\n${text}`, work);
}

const STRICT = 'set -euo pipefail\numask 077';

function assignments(environment: NodeJS.ProcessEnv): string[] {
  const wanted = ['PATH', 'HOME', 'PGHOST', 'PGUSER', 'LC_ALL', 'KEY', 'SNAPSHOT'];
  return wanted.map((name) => `${name}=${environment[name] ?? ''}`);
}

/** Copies snapshot, sidecar and key to where they are worked with. */
async function bring({ object, identity }: ReleasedSnapshot): Promise<string> {
  const snapshot = join(folder, basename(object));
  await copyFile(object, snapshot);
  await copyFile(`${object}.json`, `${snapshot}.json`);
  await writeFile(key, await readFile(identity), { mode: 0o600 });
  return snapshot;
}

async function repack(snapshot: string, zstd: string): Promise<void> {
  const tar = await filter('bash', ['-c', 'age -d -i "$0" "$1" | gunzip', key, snapshot], Readable.from([]));
  const publicKey = await command('ssh-keygen', '-y', '-f', key);
  await writeFile(`${key}.pub`, publicKey);
  const sealed = await filter('bash', ['-c', 'zstd | age -R "$0"', `${key}.pub`], Readable.from([tar]));
  await writeFile(zstd, sealed);
}

async function readManifest() {
  return parseManifest(await readFile(join(work, 'manifest.json'), 'utf8'), 'a test');
}

/** The database has the rows that the manifest says. */
async function expectRows(
  database: string,
  manifest: Awaited<ReturnType<typeof readManifest>>,
): Promise<void> {
  const { tables } = instanceOf(manifest).database;
  const counts = tables.map(({ schema, name }) => `SELECT '${name}', count(*) FROM "${schema}"."${name}";`);
  const found = (await cluster.psql(database, counts.join('\n'))).trim().split('\n');
  expect(found).toEqual(tables.map(({ name, rows }) => `${name}|${rows}`));
}
