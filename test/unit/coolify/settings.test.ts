import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { settingsReference } from '../../../src/coolify/settings/reference.js';
import { repositoriesOf } from '../../../src/coolify/settings/repositories.js';
import { readSettings, type Settings, showSource } from '../../../src/coolify/settings/settings.js';
import { shownSettings } from '../../../src/coolify/settings/show.js';
import { SETTINGS } from '../../../src/coolify/settings/table.js';
import { StateError } from '../../../src/core/errors.js';
import { inventoryOf } from '../inventory/files.js';

const CWD = '/srv';
const ENV = { HOME: '/home/me' };

/** The settings of a host with these variables, in an inventory in a folder of its own. */
async function settingsOf(
  variables: string,
  {
    env = {},
    ...options
  }: { env?: Record<string, string>; flags?: Parameters<typeof readSettings>[1]['flags']; all?: string } = {},
): Promise<Settings> {
  const text = `all: { vars: { ${options.all ?? ''} }, hosts: { web.example.com: { ${variables} } } }\n`;
  const inventory = await inventoryOf({ 'inventory/hosts.yml': text });
  const [host] = inventory.hosts;
  if (host === undefined) throw new Error('there is no host');
  return readSettings(host, {
    env: { ...ENV, ...env },
    cwd: CWD,
    ...(options.flags !== undefined && { flags: options.flags }),
  });
}

async function faultOf(variables: string, env: Record<string, string> = {}): Promise<StateError> {
  const thrown = await settingsOf(variables, { env }).catch((error: unknown) => error);
  if (thrown instanceof StateError) return thrown;
  throw new Error('it did not fail');
}

describe('settings', () => {
  test('without any variable every setting has its default', async () => {
    const settings = await settingsOf('');
    expect(settings.encryptionKeyPath).toMatchObject({
      value: '/home/me/.ssh/hostuk',
      source: { kind: 'default' },
    });
    expect(settings.identityPath.value).toBe('/home/me/.ssh/hostuk');
    expect(settings.host.value).toBe('web.example.com');
    expect([settings.user.value, settings.port.value, settings.keepGenerations.value]).toEqual([
      'root',
      22,
      3,
    ]);
    expect(settings.s3AccessKey.value).toBeUndefined();
  });

  test('the compression of snapshots is an algorithm, with a level where one is said', async () => {
    const compression = async (text: string) => (await settingsOf(text)).compression.value;
    expect(await compression('')).toEqual({ algorithm: 'gzip', level: 2 });
    expect(await compression('coolify_compression: zstd')).toEqual({ algorithm: 'zstd', level: 3 });
    expect(await compression('coolify_compression: "gzip:9"')).toEqual({ algorithm: 'gzip', level: 9 });
    const shown = shownSettings(await settingsOf('coolify_compression: "zstd:19"'));
    expect(shown.find(({ name }) => name === 'coolify_compression')?.value).toBe('zstd:19');
    expect(await faultOf('coolify_compression: "gzip:10"')).toMatchObject({
      code: 'settings.invalid',
      why: expect.stringContaining('a level from 1 to 9 or 19'),
    });
  });

  test('a flag wins over the environment, that over the host, that over all', async () => {
    const all = 'coolify_s3_bucket: of-all';
    const host = 'coolify_s3_bucket: of-host';
    const env = { COOLIFY_STATE_S3_BUCKET: 'of-env' };
    const flags = { s3Bucket: 'of-flag' };
    const ladder = [
      await settingsOf('', { all }),
      await settingsOf(host, { all }),
      await settingsOf(host, { all, env }),
      await settingsOf(host, { all, env, flags }),
    ];
    expect(ladder.map(({ s3Bucket }) => [s3Bucket.value, showSource(s3Bucket.source)])).toEqual([
      ['of-all', 'inventory/hosts.yml:1:16'],
      ['of-host', expect.stringMatching(/^inventory\/hosts\.yml:1:\d+$/)],
      ['of-env', '$COOLIFY_STATE_S3_BUCKET'],
      ['of-flag', '--s3-bucket'],
    ]);
  });

  test("the replaced role's shorter names mean the same", async () => {
    const settings = await settingsOf('s3_enabled: no, s3_bucket: b, backup_encryption_key_path: ~/k.pub');
    expect([settings.s3Enabled.value, settings.s3Bucket.value]).toEqual([false, 'b']);
    expect([settings.encryptionKeyPath.value, settings.identityPath.value]).toEqual([
      '/home/me/k.pub',
      '/home/me/k',
    ]);
  });

  test('two names of one setting that disagree are an error; the same value twice is none', async () => {
    expect(await faultOf('s3_bucket: a, coolify_s3_bucket: b')).toMatchObject({
      code: 'settings.conflict',
      kind: 'usage',
    });
    expect((await settingsOf('s3_bucket: a, coolify_s3_bucket: a')).s3Bucket.value).toBe('a');
  });

  test('an unknown coolify_* variable is an error with its place and the nearest name', async () => {
    expect(await faultOf('coolify_s3_buckt: b')).toMatchObject({
      code: 'settings.unknown',
      what: expect.stringMatching(/^inventory\/hosts\.yml:1:\d+: There is no setting "coolify_s3_buckt"$/),
      next: 'Did you mean "coolify_s3_bucket"?',
      host: 'web.example.com',
    });
  });

  test("the replaced role's other variables are accepted", async () => {
    await settingsOf(
      'coolify_root_username: admin, coolify_autoupdate: true, coolify_key_name: x, coolify_state_path: /s',
    );
  });

  test.each([
    ['coolify_keep_generations: 0', 'a whole number from 1 to 1000, not 0'],
    ['coolify_keep_generations: many', 'not "many"'],
    ['ansible_port: 99999', 'from 1 to 65535'],
    ['s3_enabled: maybe', 'true or false, not "maybe"'],
    ['coolify_data_path: data', 'an absolute path on the host'],
    ['coolify_data_path: /data/../etc', 'an absolute path on the host'],
    ['coolify_extra_paths: [/a, b]', 'a list, each an absolute path'],
    ['ssh_host_key_checking: off', '"strict" or "accept-new", not false'],
    ['ansible_become_method: su', '"sudo"'],
    ['coolify_host_key_fingerprint: abc', 'SHA256:'],
    ['coolify_base_url: ftp://x', 'http or https'],
    ['coolify_repository: nowhere', '"file:/folder" or "s3://bucket/path"'],
    ['coolify_s3_bucket: [a]', 'text, not ["a"]'],
  ])('%s does not fit', async (variables, expected) => {
    const fault = await faultOf(variables);
    expect(fault).toMatchObject({ code: 'settings.invalid', host: 'web.example.com' });
    expect(fault.why).toContain(expected);
  });

  test('numbers and switches may come out of templates, which give text', async () => {
    const settings = await settingsOf(
      'base: 2200, ansible_port: "{{ base + 22 }}", flag: yes, s3_enabled: "{{ flag | bool }}"',
    );
    expect([settings.port.value, settings.s3Enabled.value]).toEqual([2222, true]);
  });

  test('empty text is as good as nothing', async () => {
    expect((await settingsOf('s3_region: "", s3_endpoint: null')).s3Region.source).toEqual({
      kind: 'default',
    });
  });

  test('passwords are secrets, and no way of printing the settings shows them', async () => {
    const settings = await settingsOf('ansible_password: hunter2, ansible_become_pass: hunter3', {
      env: { HETZNER_S3_ACCESS_KEY: 'hunter4', HETZNER_S3_SECRET_KEY: 'hunter5' },
    });
    expect([settings.password.value?.reveal(), settings.becomePassword.value?.reveal()]).toEqual([
      'hunter2',
      'hunter3',
    ]);
    expect(settings.s3SecretKey.value?.reveal()).toBe('hunter5');
    const shown = [
      inspect(settings, { depth: 9 }),
      JSON.stringify(settings),
      JSON.stringify(shownSettings(settings)),
    ];
    expect(shown.join()).not.toContain('hunter');
  });

  test('a password that does not fit is not shown', async () => {
    const fault = await faultOf('ansible_password: [hunter2]');
    expect(`${fault.message}${fault.detail}`).not.toContain('hunter2');
  });
});

describe('what is refused with a reason', () => {
  test.each([
    ['ansible_connection: local', 'ansible_host: 127.0.0.1'],
    ['ansible_connection: docker', 'Remove it'],
    ['ansible_host_key_checking: false', 'accept-new'],
    ['ansible_ssh_host_key_checking: no', 'accept-new'],
    ['s3_secret_key: abc', 'HETZNER_S3_SECRET_KEY'],
    ['coolify_s3_access_key: abc', 'HETZNER_S3_ACCESS_KEY'],
  ])('%s', async (variables, next) => {
    const fault = await faultOf(variables);
    expect(fault).toMatchObject({ code: 'settings.refused', kind: 'usage' });
    expect(fault.next).toContain(next);
  });

  test("what merely repeats the environment, as the role's defaults do, may stay", async () => {
    const env = { HETZNER_S3_SECRET_KEY: 'abc', HETZNER_S3_ACCESS_KEY: 'def' };
    await settingsOf(
      's3_secret_key: abc, s3_access_key: "", ansible_connection: ssh, ansible_host_key_checking: true',
      { env },
    );
  });
});

describe('repositories', () => {
  test('the bucket of the settings, with the credentials of the environment', async () => {
    const settings = await settingsOf('s3_bucket: b, s3_endpoint: https://s3.example.com, s3_path: p', {
      env: { HETZNER_S3_ACCESS_KEY: 'a', HETZNER_S3_SECRET_KEY: 's' },
    });
    const [repository] = repositoriesOf(settings, 'h');
    expect(repository).toMatchObject({
      kind: 's3',
      bucket: 'b',
      path: 'p',
      endpoint: 'https://s3.example.com',
    });
    expect(repository).toMatchObject({
      accessKeyId: settings.s3AccessKey.value,
      secretAccessKey: settings.s3SecretKey.value,
    });
  });

  test('a relative folder starts beside the folder of the inventory', async () => {
    const inventory = await inventoryOf({
      'inventory/hosts.yml':
        'all: { hosts: { h: { coolify_repository: ["file:backups", "s3://b/x/y/", "file:///abs%20olute", "file:~/h"] } } }\n',
    });
    const [host] = inventory.hosts;
    if (host === undefined) throw new Error('there is no host');
    const parent = host.inventoryDir?.replace(/\/inventory$/, '');
    expect(repositoriesOf(readSettings(host, { env: ENV, cwd: CWD }), 'h')).toMatchObject([
      { kind: 'directory', path: `${parent}/backups` },
      { kind: 's3', bucket: 'b', path: 'x/y' },
      { kind: 'directory', path: '/abs olute' },
      { kind: 'directory', path: '/home/me/h' },
    ]);
  });

  test('switched off on purpose there are none; with nothing said it is an error', async () => {
    expect(repositoriesOf(await settingsOf('s3_enabled: false'), 'h')).toEqual([]);
    const silent = await settingsOf('');
    expect(() => repositoriesOf(silent, 'h')).toThrow(
      expect.objectContaining({ code: 'settings.repository-missing' }),
    );
  });
});

describe('the reference', () => {
  test('names every setting, every alias and every variable of the environment', () => {
    const text = settingsReference();
    for (const { name, aliases, ...setting } of Object.values(SETTINGS)) {
      for (const word of [name, ...aliases]) expect(text).toContain(`\`${word}\``);
      if ('env' in setting && setting.env !== undefined) expect(text).toContain(`\`$${setting.env}\``);
    }
  });

  test('no name means two settings', () => {
    const names = Object.values(SETTINGS).flatMap(({ name, aliases }) => [name, ...aliases]);
    expect(new Set(names).size).toBe(names.length);
  });

  test('what is shown of a host has a line for every setting, in order, with its source', async () => {
    const rows = shownSettings(await settingsOf('s3_bucket: b, coolify_repository: [file:/r, s3://x/y]'));
    expect(rows.map(({ name }) => name).slice(0, Object.keys(SETTINGS).length)).toEqual(
      Object.values(SETTINGS).map(({ name }) => name),
    );
    expect(rows.find(({ name }) => name === 'coolify_repository')?.value).toBe('file:/r, s3://x/y');
    expect(rows.find(({ name }) => name === 'ansible_password')).toEqual({
      name: 'ansible_password',
      value: '-',
      source: 'default',
    });
  });
});
