import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { Generations, type Staging } from '../../../src/state/generations.js';
import type { Manifest } from '../../../src/state/manifest.js';
import { openStateFolder } from '../../../src/state/state-folder.js';

let root: string;
let generations: Generations;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'coolify-state-'));
  generations = new Generations(root, 'host');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function pull(text: string): Promise<{ staging: Staging; manifest: Manifest }> {
  const staging = await generations.stage();
  const writer = staging.create('backups/coolify/.env');
  await new Promise<void>((resolve, reject) => {
    writer.on('error', reject).on('finish', resolve).end(text);
  });
  const manifest: Manifest = {
    format: 1,
    id: `id-${text}`,
    host: 'host',
    createdAt: new Date(Date.UTC(2026, 0, 1, 0, 0, Number(text))).toISOString(),
    tool: { name: 'test', version: '0' },
    files: [{ path: 'backups/coolify/.env', artifact: 'env', ...writer.result() }],
    proofs: [],
    instance: {},
  };
  return { staging, manifest };
}

async function commit(text: string): Promise<void> {
  const { staging, manifest } = await pull(text);
  await staging.commit(manifest);
}

const ids = async (): Promise<string[]> => (await generations.all()).map(({ manifest }) => manifest.id);
const currentText = (): Promise<string> => readFile(join(root, 'host/backups/coolify/.env'), 'utf8');

describe('a generation', () => {
  it('becomes state/<host> as a whole; those before it are kept, newest first', async () => {
    await commit('1');
    await commit('2');
    await commit('3');
    expect(await currentText()).toBe('3');
    expect(await ids()).toEqual(['id-3', 'id-2', 'id-1']);
    expect((await readdir(join(root, '.generations/host'))).sort()).toEqual(['id-1', 'id-2']);
  });

  it('is private, whatever the umask', async () => {
    const before = process.umask(0);
    try {
      await commit('1');
    } finally {
      process.umask(before);
    }
    const modes = await Promise.all(
      ['host', 'host/backups', 'host/backups/coolify/.env', 'host/manifest.json'].map(
        async (path) => (await stat(join(root, path))).mode & 0o777,
      ),
    );
    expect(modes).toEqual([0o700, 0o700, 0o600, 0o600]);
  });

  it('leaves no trace when it is discarded', async () => {
    await commit('1');
    const { staging } = await pull('2');
    await staging.discard();
    expect(await ids()).toEqual(['id-1']);
    expect(await readdir(join(root, '.generations/host'))).toEqual([]);
  });

  it('refuses paths that lead out of it', async () => {
    const staging = await generations.stage();
    for (const path of ['../x', '/x', 'a/../../x', 'a//b', '.', 'a\u0000b', '']) {
      expect(() => staging.create(path)).toThrow('not a path inside');
    }
  });

  it('never writes over a file that is there', async () => {
    const { staging } = await pull('1');
    const second = staging.create('backups/coolify/.env');
    await expect(
      new Promise((resolve, reject) => second.on('error', reject).on('finish', resolve).end('x')),
    ).rejects.toMatchObject({ code: 'EEXIST' });
  });

  it('keeps only as many as asked, always the newest', async () => {
    for (const text of ['1', '2', '3', '4']) await commit(text);
    await generations.rotate(2);
    expect(await ids()).toEqual(['id-4', 'id-3']);
    await generations.rotate(0);
    expect(await ids()).toEqual(['id-4']);
  });

  it('can be kept aside without becoming the newest', async () => {
    await commit('5');
    const { staging, manifest } = await pull('9');
    await generations.keepAside(staging, { ...manifest, id: 'safety-9' });
    expect(await currentText()).toBe('5');
    expect((await generations.current())?.manifest.id).toBe('id-5');
  });

  it('stays as the way back of the last restore, whatever is committed afterwards', async () => {
    for (const text of ['1', '2']) {
      const { staging, manifest } = await pull(text);
      await generations.keepAside(staging, { ...manifest, id: `safety-${text}` });
    }
    for (const text of ['3', '4', '5']) await commit(text);
    await generations.rotate(2);
    expect(await ids()).toEqual(['id-5', 'id-4', 'safety-2']);
    expect(await generations.surplus(1)).toHaveLength(1);
  });

  it('keeps state that an older tool left, under a name that says what it is', async () => {
    await mkdir(join(root, 'host/.ssh'), { recursive: true });
    await writeFile(join(root, 'host/.ssh/ssh_host_rsa_key'), 'old');
    await commit('1');
    const [kept] = await readdir(join(root, '.generations/host'));
    expect(kept).toMatch(/^unverified-/);
    expect(await readFile(join(root, '.generations/host', kept ?? '', '.ssh/ssh_host_rsa_key'), 'utf8')).toBe(
      'old',
    );
  });
});

describe('recovery', () => {
  it('clears what a killed pull left behind and nothing else', async () => {
    await commit('1');
    await pull('2');
    await generations.fetchFolder();
    await generations.recover();
    expect(await readdir(join(root, '.generations/host'))).toEqual([]);
    expect(await currentText()).toBe('1');
  });

  // The two renames of a commit, cut short: the states that a kill can leave.
  it.each(['before the first rename', 'between the renames', 'after the second rename'] as const)(
    'finds one whole generation after a kill %s',
    async (moment) => {
      await commit('1');
      const { staging, manifest } = await pull('2');
      await writeFile(join(staging.folder, 'manifest.json'), JSON.stringify(manifest));
      const name = staging.folder.split('/').at(-1);
      await writeFile(
        join(root, '.generations/host/commit.json'),
        JSON.stringify({ staging: name, previous: 'id-1' }),
      );
      if (moment !== 'before the first rename')
        await rename(join(root, 'host'), join(root, '.generations/host/id-1'));
      if (moment === 'after the second rename') await rename(staging.folder, join(root, 'host'));
      await new Generations(root, 'host').recover();
      expect(await currentText()).toBe(moment === 'before the first rename' ? '1' : '2');
      expect(await ids()).toEqual(moment === 'before the first rename' ? ['id-1'] : ['id-2', 'id-1']);
      expect((await readdir(join(root, '.generations/host'))).filter((entry) => entry !== 'id-1')).toEqual(
        [],
      );
    },
  );
});

describe('the state folder', () => {
  it('refuses host names that are no folder names', () => {
    for (const name of ['../x', 'a/b', '.generations', '', '..'])
      expect(() => new Generations(root, name)).toThrow(StateError);
  });

  it('is an error when others can read what it holds', async () => {
    await commit('1');
    await chmod(root, 0o755);
    await expect(openStateFolder(root)).rejects.toMatchObject({ code: 'state.readable-by-others' });
  });

  it('is made private while it holds nothing', async () => {
    await writeFile(join(root, 'README.md'), 'x');
    await chmod(root, 0o755);
    await openStateFolder(root);
    expect((await stat(root)).mode & 0o777).toBe(0o700);
  });
});
