import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { readSettings } from '../../../src/coolify/settings/settings.js';
import { StateError } from '../../../src/core/errors.js';
import { endpointOf } from '../../../src/operations/hosts/endpoint.js';
import { shownHost } from '../../../src/operations/hosts/shown-host.js';
import type { SshSurroundings } from '../../../src/operations/hosts/ssh-configuration.js';
import { ConfigFiles } from '../../../src/ssh/config/config-files.js';
import type { Endpoint } from '../../../src/ssh/endpoint.js';
import { inventoryOf } from '../inventory/files.js';

const PIN = `coolify_host_key_fingerprint: "SHA256:${'a'.repeat(43)}"`;

describe('how a host is reached', () => {
  test('without any configuration of ssh: as root, by the usual keys and files', async () => {
    const { endpoint, home } = await reached('', { '.ssh/id_rsa': 'x', '.ssh/id_ed25519': 'x' });
    expect(endpoint).toEqual({
      host: 'web',
      address: 'web',
      port: 22,
      user: 'root',
      identityFiles: [join(home, '.ssh/id_ed25519'), join(home, '.ssh/id_rsa')],
      agentFirst: true,
      agentSocket: '/run/agent',
      knownHostsFiles: [
        join(home, '.ssh/known_hosts'),
        join(home, '.ssh/known_hosts2'),
        '/etc/missing/ssh_known_hosts',
        '/etc/missing/ssh_known_hosts2',
      ],
      hostKeyChecking: 'strict',
      pinnedFingerprints: [],
      connectTimeoutMs: 15_000,
      connectRetries: 3,
      keepaliveMs: 10_000,
    });
  });

  test('with everything that a configuration of ssh can say', async () => {
    const { endpoint, home } = await reached('ansible_host: alias', {
      '.ssh/config': [
        'Host alias',
        'HostName 10.0.0.9',
        'User deploy',
        'Port 2222',
        'IdentityFile ~/.ssh/%r',
        'IdentitiesOnly yes',
        'IdentityAgent ~/agent',
        'UserKnownHostsFile ~/mine',
        'GlobalKnownHostsFile none',
        'HostKeyAlias Prod',
        'StrictHostKeyChecking accept-new',
        'ConnectTimeout 5',
        'ConnectionAttempts 2',
        'ServerAliveInterval 30',
        'ServerAliveCountMax 2',
        'AddressFamily inet',
        'BindAddress 10.0.0.1',
        'PreferredAuthentications password,gssapi-with-mic,publickey',
      ].join('\n'),
    });
    expect(endpoint).toEqual({
      host: 'web',
      address: '10.0.0.9',
      port: 2222,
      user: 'deploy',
      identityFiles: [join(home, '.ssh/deploy')],
      identitiesOnly: true,
      agentSocket: join(home, 'agent'),
      knownHostsFiles: [join(home, 'mine')],
      hostKeyAlias: 'prod',
      hostKeyChecking: 'accept-new',
      pinnedFingerprints: [],
      connectTimeoutMs: 5000,
      connectRetries: 1,
      keepaliveMs: 30_000,
      keepaliveCountMax: 2,
      addressFamily: 4,
      bindAddress: '10.0.0.1',
      methods: ['password', 'publickey'],
      become: { user: 'root' },
    });
  });

  test('in the order of Ansible: ansible_ssh_args, settings, the other arguments, the configuration', async () => {
    const files = { '.ssh/config': 'User file\nPort 1\nIdentityFile ~/file\nHostKeyAlias file\n' };
    const args = (name: string, user: string): string =>
      `${name}: "-l ${user} -o HostKeyAlias=${user} -i /${user}"`;
    const ladder = [
      '',
      args('ansible_ssh_extra_args', 'extra'),
      args('ansible_ssh_common_args', 'common'),
      'ansible_user: set, ansible_port: 5, ansible_ssh_private_key_file: /set',
      args('ansible_ssh_args', 'args'),
    ];
    const results = [];
    for (let length = 1; length <= ladder.length; length++) {
      const { endpoint, home } = await reached(ladder.slice(0, length).filter(Boolean).join(', '), files);
      const keys = endpoint.identityFiles.map((file) => file.replace(home, '~'));
      results.push([endpoint.user, endpoint.port, endpoint.hostKeyAlias, keys.join(' ')]);
    }
    expect(results).toEqual([
      ['file', 1, 'file', '~/file'],
      ['extra', 1, 'extra', '/extra ~/file'],
      ['common', 1, 'common', '/common /extra ~/file'],
      ['set', 5, 'common', '/set /common /extra ~/file'],
      ['args', 5, 'args', '/args /set /common /extra ~/file'],
    ]);
  });

  test('by settings of our own before those of the configuration', async () => {
    const files = {
      '.ssh/config':
        'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\nConnectTimeout 5\nConnectionAttempts 9\nHost web\nProxyJump gate\n',
    };
    const { endpoint } = await reached(
      'ssh_host_key_checking: strict, coolify_known_hosts_file: /known, ansible_timeout: 7, ansible_ssh_retries: 0, ansible_password: p',
      files,
    );
    const ours = {
      knownHostsFiles: ['/known'],
      hostKeyChecking: 'strict',
      connectTimeoutMs: 7000,
      connectRetries: 0,
    };
    expect(endpoint).toMatchObject(ours);
    expect(endpoint.password?.reveal()).toBe('p');
    expect(endpoint.jumps).toMatchObject([{ ...ours, host: 'gate', user: 'me', pinnedFingerprints: [] }]);
    expect(endpoint.jumps?.[0]).not.toHaveProperty('password');
    expect(endpoint.jumps?.[0]).not.toHaveProperty('become');
  });

  test('through jump hosts, each with what is configured for it', async () => {
    const { endpoint, home } = await reached(`${PIN}, ansible_ssh_private_key_file: /key`, {
      '.ssh/config':
        'Host web\nProxyJump one,two\nHost one\nHostName 10.0.0.1\nIdentityFile ~/one\nIdentityAgent none\n',
    });
    expect(endpoint).toMatchObject({
      identityFiles: ['/key'],
      pinnedFingerprints: [`SHA256:${'a'.repeat(43)}`],
    });
    expect(endpoint.jumps?.map(({ host, address }) => [host, address])).toEqual([
      ['one', '10.0.0.1'],
      ['two', 'two'],
    ]);
    expect(endpoint.jumps?.[0]).toMatchObject({ identityFiles: [join(home, 'one')], pinnedFingerprints: [] });
    expect(endpoint.jumps?.[0]).not.toHaveProperty('agentSocket');
    expect(endpoint.jumps?.[1]).toMatchObject({
      identityFiles: [],
      agentSocket: '/run/agent',
      agentFirst: true,
    });
  });

  test('by another file of the configuration, or none', async () => {
    const files = { '.ssh/config': 'User usual\n', other: 'User other\n' };
    expect((await reached('coolify_ssh_config: none', files)).endpoint.user).toBe('root');
    const { endpoint, home } = await reached('', files);
    expect(endpoint.user).toBe('usual');
    expect((await reached(`coolify_ssh_config: "${home}/missing"`, files).catch((error) => error)).code).toBe(
      'ssh-config.missing',
    );
    expect((await reached('ansible_ssh_common_args: "-F ~/other"', files)).endpoint.user).toBe('other');
    const [first, then] = ['ansible_ssh_common_args: "-F none"', 'coolify_ssh_config: /missing'];
    expect((await reached(`${first}, ${then}`, files)).endpoint.user).toBe('root');
  });

  test('without a password where the configuration leaves it out', async () => {
    const { endpoint } = await reached('', {
      '.ssh/config': 'PasswordAuthentication no\nPubkeyAuthentication no\n',
    });
    expect(endpoint.methods).toEqual(['keyboard-interactive']);
  });

  test('with a user that is not root as root, by sudo', async () => {
    expect((await reached('', { '.ssh/config': 'User deploy\n' })).endpoint.become).toEqual({ user: 'root' });
    expect(
      (await reached('ansible_user: root', { '.ssh/config': 'User deploy\n' })).endpoint.become,
    ).toBeUndefined();
  });

  test('by a path with a percent sign in it, as it is', async () => {
    const { endpoint } = await reached(
      'ansible_ssh_private_key_file: "/100%h", coolify_known_hosts_file: "/a b%"',
      {},
    );
    expect(endpoint).toMatchObject({ identityFiles: ['/100%h'], knownHostsFiles: ['/a b%'] });
  });
});

describe('host keys are always checked:', () => {
  test.each([
    ['StrictHostKeyChecking no', '', '~/.ssh/config:1'],
    ['StrictHostKeyChecking off', '', '~/.ssh/config:1'],
    ['', 'ansible_ssh_common_args: "-o StrictHostKeyChecking=no"', 'ansible_ssh_common_args'],
    ['Host web\nProxyJump gate\nHost gate\nStrictHostKeyChecking no', '', '~/.ssh/config:4'],
    ['UserKnownHostsFile /dev/null', 'ssh_host_key_checking: accept-new', '~/.ssh/config:1'],
    ['StrictHostKeyChecking accept-new\nUserKnownHostsFile none', '', '~/.ssh/config:2'],
  ])('%s %s', async (config, variables, place) => {
    const refusal = await reached(variables, { '.ssh/config': `${config}\n` }).catch(
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(StateError);
    expect(refusal).toMatchObject({
      kind: 'usage',
      code: 'ssh-config.insecure',
      host: 'web',
      next: expect.any(String),
    });
    expect(refusal).toHaveProperty('what', expect.stringContaining(`${place}: `));
  });

  test('a pinned fingerprint is a check, whatever the configuration says', async () => {
    const { endpoint } = await reached(PIN, {
      '.ssh/config': 'StrictHostKeyChecking no\nUserKnownHostsFile /dev/null\n',
    });
    expect(endpoint).toMatchObject({ hostKeyChecking: 'strict', pinnedFingerprints: [expect.any(String)] });
  });

  test('new keys never go into files of the system', async () => {
    const { endpoint } = await reached('', {
      '.ssh/config': 'UserKnownHostsFile none\nGlobalKnownHostsFile /etc/known\n',
    });
    expect(endpoint.knownHostsFiles).toEqual(['/dev/null', '/etc/known']);
  });
});

test('arguments that came out of a vault are not shown, neither in errors nor in the list', async () => {
  for (const args of ['-o User=hunter2 -p 2 -o Port=hunter2', '-N hunter2', '-o Port=hunter2']) {
    const { settings, surroundings } = await prepared('ansible_ssh_common_args: "-v"', {});
    const sshCommonArgs = { ...settings.sshCommonArgs, value: args, hidden: true as const };
    const hidden = { ...settings, sshCommonArgs };
    const error = await (async () => endpointOf('web', hidden, undefined, surroundings))().catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(StateError);
    expect(JSON.stringify(error instanceof StateError && error.facts())).not.toContain('hunter2');
    expect(JSON.stringify(shownHost('web', hidden, surroundings))).not.toContain('hunter2');
  }
  const { settings, surroundings } = await prepared('ansible_ssh_common_args: "-v"', {});
  const sshCommonArgs = { ...settings.sshCommonArgs, value: '-l hunter2 -J hunter2', hidden: true as const };
  const rows = shownHost('web', { ...settings, sshCommonArgs }, surroundings);
  expect(rows.find(({ name }) => name === 'ansible_user')?.value).toBe('[redacted]');
  expect(rows.find(({ name }) => name === 'ProxyJump')?.value).toBe('[redacted]');
  expect(
    rows.filter(({ name, value }) => name !== 'ansible_ssh_common_args' && value.includes('hunter2')),
  ).toEqual([]);
  expect(rows.some(({ name }) => name === 'jump host 1')).toBe(true);
});

describe('inventory show', () => {
  test('tells what comes from where', async () => {
    const { rows } = await shown('ansible_ssh_common_args: "-o ServerAliveInterval=5"', {
      '.ssh/config':
        'Host web\nHostName h\nUser deploy\nProxyJump me@gate,b\nIdentityFile ~/k\nHost gate\nHostName 10.0.0.1\n',
    });
    expect(rows).toEqual(
      expect.arrayContaining([
        ['ansible_host', 'h', '~/.ssh/config:2'],
        ['ansible_user', 'deploy', '~/.ssh/config:3'],
        ['ansible_port', '22', 'default'],
        ['ServerAliveInterval', '5', 'ansible_ssh_common_args'],
        ['ProxyJump', 'me@gate,b', '~/.ssh/config:4'],
        ['IdentityFile', expect.stringMatching(/\/k$/), '~/.ssh/config:5'],
        ['jump host 1', 'me@10.0.0.1:22', '~/.ssh/config:7'],
        ['jump host 2', 'me@b:22', '-'],
      ]),
    );
  });

  test('keeps the source of what the inventory says', async () => {
    const { rows } = await shown('ansible_user: set, ansible_port: 5', { '.ssh/config': 'User x\nPort 1\n' });
    const byName = new Map(rows.map(([name, ...rest]) => [name, rest]));
    expect(byName.get('ansible_user')).toEqual(['set', expect.stringContaining('hosts.yml')]);
    expect(byName.get('ansible_port')).toEqual(['5', expect.stringContaining('hosts.yml')]);
    expect(byName.has('User')).toBe(false);
  });

  test('shows the settings although the configuration of ssh is wrong, and says how', async () => {
    const { rows } = await shown('ansible_user: set', { '.ssh/config': 'Port x\n' });
    expect(rows.at(-1)).toEqual(['ssh', expect.stringContaining('~/.ssh/config:1'), 'ssh-config.invalid']);
    expect(rows.some(([name, value]) => name === 'ansible_user' && value === 'set')).toBe(true);
  });
});

async function reached(
  variables: string,
  files: Readonly<Record<string, string>>,
): Promise<{ endpoint: Endpoint; home: string }> {
  const { settings, surroundings, home } = await prepared(variables, files);
  return { endpoint: endpointOf('web', settings, undefined, surroundings), home };
}

async function shown(
  variables: string,
  files: Readonly<Record<string, string>>,
): Promise<{ rows: string[][] }> {
  const { settings, surroundings } = await prepared(variables, files);
  const rows = shownHost('web', settings, surroundings).map(({ name, value, source }) => [
    name,
    value,
    source,
  ]);
  return { rows };
}

async function prepared(variables: string, files: Readonly<Record<string, string>>) {
  const home = await mkdtemp(join(tmpdir(), 'endpoint-'));
  onTestFinished(() => rm(home, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(home, name)), { recursive: true });
    await writeFile(join(home, name), text);
    await chmod(join(home, name), 0o600);
  }
  const inventory = await inventoryOf({
    'inventory/hosts.yml': `all: { hosts: { web: { ${variables} } } }\n`,
  });
  const [host] = inventory.hosts;
  if (host === undefined) throw new Error('there is no host');
  const surroundings: SshSurroundings = {
    machine: { home, localUser: 'me', uid: 1000, hostname: 'desk', env: { SSH_AUTH_SOCK: '/run/agent' } },
    files: new ConfigFiles(home),
    systemFolder: '/etc/missing',
    cwd: home,
  };
  return { settings: readSettings(host, { env: { HOME: home }, cwd: home }), surroundings, home };
}
