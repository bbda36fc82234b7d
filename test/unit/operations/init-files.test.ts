import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadInventory } from '../../../src/inventory/inventory.js';
import { asCandidate, inventoryFile, writeInventory } from '../../../src/operations/init/files.js';
import { ignoreLines, ignoreState } from '../../../src/operations/init/gitignore.js';
import { type InventoryAnswers, renderInventory, withHost } from '../../../src/operations/init/inventory.js';
import { makeKeyPair } from '../../../src/operations/init/keys.js';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'init-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const ANSWERS: InventoryAnswers = {
  name: 'coolify.example.com',
  target: { address: '203.0.113.10', user: 'ubuntu', port: 2222 },
  privateKeyFile: '/keys/login key',
  knownHostsFile: '/keys/known_hosts',
  place: { kind: 's3', bucket: 'my-bucket', path: 'coolify' },
  endpoint: 'https://s3.example.com',
  region: 'fsn1',
  encryptionKey: '/keys/backup.pub',
  dataPath: '/srv/coolify',
};

const EXPECTED = {
  ansible_host: '203.0.113.10',
  ansible_port: 2222,
  ansible_user: 'ubuntu',
  ansible_ssh_private_key_file: '/keys/login key',
  coolify_known_hosts_file: '/keys/known_hosts',
  coolify_data_path: '/srv/coolify',
  coolify_s3_endpoint: 'https://s3.example.com',
  coolify_s3_region: 'fsn1',
  coolify_s3_bucket: 'my-bucket',
  coolify_s3_path: 'coolify',
  coolify_backup_encryption_key_path: '/keys/backup.pub',
};

async function variablesIn(text: string, host: string): Promise<unknown> {
  const path = join(folder, 'read.yml');
  await writeFile(path, text);
  const inventory = await loadInventory([path], { cwd: folder, env: {} });
  expect(inventory.groups.get('controller')?.map(({ name }) => name)).toContain(host);
  return inventory.host(host)?.variables();
}

describe('a new inventory', () => {
  test('reads back as what was said', async () => {
    expect(await variablesIn(renderInventory(ANSWERS), ANSWERS.name)).toEqual(EXPECTED);
  });

  test('says nothing that goes without saying', async () => {
    const text = renderInventory({
      ...ANSWERS,
      target: { address: ANSWERS.name, user: 'root', port: 22 },
      privateKeyFile: undefined,
      knownHostsFile: undefined,
      place: { kind: 'directory', path: '/srv/snapshots' },
      endpoint: undefined,
      region: undefined,
      dataPath: undefined,
    });
    expect(await variablesIn(text, ANSWERS.name)).toEqual({
      coolify_repository: 'file:/srv/snapshots',
      coolify_backup_encryption_key_path: '/keys/backup.pub',
    });
  });

  test('whatever the texts, they come back', async () => {
    const text = fc
      .string({ unit: fc.constantFrom(...`ab1 :#'"\\-!&*?|>%@{}[],é~=`), minLength: 1, maxLength: 12 })
      .map((part) => `/k${part}`)
      .filter((path) => !/\{[{%#]|[}%#]\}/.test(path) && path.trim() === path);
    await fc.assert(
      fc.asyncProperty(text, text, async (key, folderPath) => {
        const rendered = renderInventory({
          ...ANSWERS,
          privateKeyFile: key,
          place: { kind: 'directory', path: folderPath },
        });
        expect(await variablesIn(rendered, ANSWERS.name)).toMatchObject({
          ansible_ssh_private_key_file: key,
          coolify_repository: `file:${folderPath}`,
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe('a host that is added', () => {
  const second: InventoryAnswers = { ...ANSWERS, name: 'second', place: undefined, encryptionKey: undefined };

  test.each([
    [
      'a group at the top',
      'controller:\n  hosts:\n    first: # the old one\n  vars:\n    coolify_s3_bucket: one\n',
    ],
    ['a group below all', 'all:\n  children:\n    controller:\n      hosts:\n        first: # the old one\n'],
    ['a group without a body', '# the old one\ncontroller:\nweb: {hosts: {first: }}\n'],
    ['hosts without a body', '# the old one\ncontroller:\n  hosts:\nweb: {hosts: {first: }}\n'],
    ['no such group', '# the old one\nweb:\n  hosts:\n    first:\n'],
    ['nothing at all', '# the old one\n'],
  ])('to %s stands beside what was there, comments and all', async (_title, before) => {
    const after = withHost(before, 'hosts.yml', second);
    expect(after).toContain('# the old one');
    expect(await variablesIn(after, 'second')).toMatchObject({
      ansible_host: '203.0.113.10',
      ansible_port: 2222,
    });
    const inventory = await loadInventory([join(folder, 'read.yml')], { cwd: folder, env: {} });
    if (before.includes('first')) expect(inventory.host('first')).toBeDefined();
  });

  test('leaves vaults, templates and quotes as they were', () => {
    const body =
      '    a: !vault |\n      $ANSIBLE_VAULT;1.1;AES256\n      6162\n    b: "{{ a }}"\n    c: \'x\'\n    d: 0o17\n';
    const after = withHost(`controller:\n  vars:\n${body}`, 'hosts.yml', second);
    expect(after).toContain(body);
  });

  test('is not added twice', () => {
    const before = 'controller: {hosts: {second: }}\n';
    expect(() => withHost(before, 'hosts.yml', second)).toThrow(
      expect.objectContaining({ kind: 'usage', code: 'init.host-exists' }),
    );
  });

  test.each(['- a\n- b\n', 'a: [\n', 'controller: {hosts: [first]}\n'])(
    '%j is left to a person',
    (before) => {
      expect(() => withHost(before, 'hosts.yml', second)).toThrow(
        expect.objectContaining({ kind: 'usage', code: 'init.inventory-unreadable' }),
      );
    },
  );
});

describe('the file', () => {
  test.each([
    ['inventory/', 'inventory/hosts.yml'],
    ['hosts.yml', 'hosts.yml'],
    ['deep/er/x.yaml', 'deep/er/x.yaml'],
  ])('%s goes to %s', async (source, path) => {
    expect(await inventoryFile(source, false, folder)).toEqual({
      path: join(folder, path),
      before: undefined,
    });
  });

  test.each(['inventory.yml', 'hosts', 'script.sh'])(
    'an inventory that is there (%s) stops a first one',
    async (name) => {
      await mkdir(join(folder, 'inventory'));
      await writeFile(join(folder, 'inventory', name), 'web1:\n');
      await expect(inventoryFile('inventory/', false, folder)).rejects.toMatchObject({
        kind: 'usage',
        code: 'init.inventory-exists',
        what: expect.stringContaining(name),
      });
    },
  );

  test('what makes groups of variables, and what is ignored, is no inventory', async () => {
    await mkdir(join(folder, 'inventory/group_vars'), { recursive: true });
    await writeFile(join(folder, 'inventory/z.config.yaml'), 'plugin: constructed\n');
    await writeFile(join(folder, 'inventory/notes.md'), 'x');
    expect((await inventoryFile('inventory/', false, folder)).before).toBeUndefined();
  });

  test('a host is added to hosts.yml, or to the only YAML file', async () => {
    await mkdir(join(folder, 'inventory'));
    await expect(inventoryFile('inventory/', true, folder)).rejects.toMatchObject({
      code: 'init.inventory-missing',
    });
    await writeFile(join(folder, 'inventory/one.yml'), 'one:\n');
    expect((await inventoryFile('inventory/', true, folder)).path).toBe(join(folder, 'inventory/one.yml'));
    await writeFile(join(folder, 'inventory/two.yml'), 'two:\n');
    await expect(inventoryFile('inventory/', true, folder)).rejects.toMatchObject({
      code: 'init.inventory-choice',
    });
    await writeFile(join(folder, 'inventory/hosts.yml'), 'three:\n');
    expect((await inventoryFile('inventory/', true, folder)).before).toBe('three:\n');
  });

  test('trying a text leaves nothing behind, not even folders', async () => {
    const file = { path: join(folder, 'a/b/hosts.yml'), before: undefined };
    expect(await asCandidate(file, 'x: 1\n', (path) => readFile(path, 'utf8'))).toBe('x: 1\n');
    await expect(asCandidate(file, 'x', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await readdir(folder)).toEqual([]);
  });

  test('a file that appeared meanwhile is not written over', async () => {
    const path = join(folder, 'hosts.yml');
    await writeFile(path, 'theirs');
    await expect(writeInventory({ path, before: undefined }, 'ours')).rejects.toMatchObject({
      code: 'init.inventory-exists',
    });
    await expect(writeInventory({ path, before: 'as it was' }, 'ours')).rejects.toMatchObject({
      code: 'init.inventory-changed',
    });
    expect(await readFile(path, 'utf8')).toBe('theirs');
    expect(await readdir(folder)).toEqual(['hosts.yml']);
  });
});

describe('.gitignore', () => {
  test.each([
    ['', 'state', '# What was pulled from hosts: secrets.\n/state/\n'],
    ['dist', 'state', '\n# What was pulled from hosts: secrets.\n/state/\n'],
    ['dist\n', 'a/b [1]', '# What was pulled from hosts: secrets.\n/a/b\\ \\[1\\]/\n'],
    ['/state/*\n!/state/README.md\n', 'state', ''],
    ['state\r\n', 'state', ''],
    ['', '../elsewhere', ''],
    ['', '', ''],
  ])('%j gets a line for %s only where it needs one', (before, path, added) => {
    expect(ignoreLines(before, path)).toBe(added);
  });

  test('a second run changes nothing', async () => {
    expect(await ignoreState(folder, join(folder, 'state'))).toBe(join(folder, '.gitignore'));
    const once = await readFile(join(folder, '.gitignore'), 'utf8');
    expect(await ignoreState(folder, join(folder, 'state'))).toBeUndefined();
    expect(await readFile(join(folder, '.gitignore'), 'utf8')).toBe(once);
  });
});

describe('a new key', () => {
  test('is for its owner alone, and never replaces another', async () => {
    const path = join(folder, 'keys/backup');
    await makeKeyPair(path, 'me');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const before = await readFile(path, 'utf8');
    await expect(makeKeyPair(path, 'me')).rejects.toMatchObject({ kind: 'usage', code: 'init.key-exists' });
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  test('is not left half made', async () => {
    const path = join(folder, 'backup');
    await writeFile(`${path}.pub`, 'theirs');
    await expect(makeKeyPair(path, 'me')).rejects.toMatchObject({ code: 'init.key-exists' });
    expect(await readdir(folder)).toEqual(['backup.pub']);
  });
});
