import { execFile, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings } from '../../../src/coolify/settings/settings.js';
import { loadInventory } from '../../../src/inventory/inventory.js';
import { endpointOf } from '../../../src/operations/hosts/endpoint.js';
import { sshSurroundings } from '../../../src/operations/hosts/ssh-configuration.js';
import { command } from '../../../src/ssh/command.js';
import { connect } from '../../../src/ssh/connection.js';
import type { Endpoint } from '../../../src/ssh/endpoint.js';
import { resolved } from './ssh-oracle.js';
import { freePort, startSshd, type TestSshd } from './sshd.js';

const run = promisify(execFile);
let folder: string;
let first: TestSshd;
let second: TestSshd;
let target: TestSshd;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ssh-config-'));
  [first, second, target] = await Promise.all([startSshd(), startSshd(), startSshd()]);
});
afterAll(async () => {
  await Promise.all([first?.stop(), second?.stop(), target?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

/** A block that says of a server all that is needed to log in. */
function block(name: string, sshd: TestSshd, ...more: readonly string[]): string {
  const lines = [
    'HostName 127.0.0.1',
    `Port ${sshd.port}`,
    `User ${userInfo().username}`,
    `IdentityFile ${sshd.identity}`,
    'IdentitiesOnly yes',
    `UserKnownHostsFile ${join(sshd.folder, 'known_hosts')}`,
    ...more,
  ];
  return `Host ${name}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

describe('a host that only a configuration of ssh knows the way to', () => {
  test.each([
    ['a chain in one ProxyJump', ['ProxyJump one,two'], []],
    ['jump hosts that have jump hosts', ['ProxyJump two'], ['ProxyJump one']],
    ['a ProxyCommand that runs ssh', ['ProxyCommand ssh -F @ -q -W [%h]:%p two'], ['ProxyJump one']],
  ])('is reached through two others, as ssh does: %s', async (_name, ofTarget, ofSecond) => {
    const file = join(folder, 'config');
    const text = [
      block('controller', target, ...ofTarget.map((line) => line.replace('@', file))),
      block('one', first),
      block('two', second, ...ofSecond),
    ].join('');
    await writeFile(file, text);
    const endpoint = await endpointBy(`ansible_ssh_common_args: "-F ${file}"`);
    const before = second.log().length;
    await using connection = await connect(endpoint, { signal: new AbortController().signal });
    const { stdout } = await connection.run(command('printenv', 'SSH_CONNECTION'));
    expect(connection.hostKey).toEqual(target.hostKeys[0]);
    expect(endpoint.jumps?.map(({ host, port }) => [host, port])).toEqual([
      ['one', first.port],
      ['two', second.port],
    ]);
    expect(second.log().slice(before)).toContain('Accepted publickey');

    const theirs = await run('ssh', [
      '-F',
      file,
      '-o',
      'BatchMode=yes',
      'controller',
      'printenv SSH_CONNECTION',
    ]);
    expect(stdout.toString()).toContain(` 127.0.0.1 ${target.port}\n`);
    expect(theirs.stdout).toContain(` 127.0.0.1 ${target.port}\n`);
  });

  test('is looked up in known_hosts under its alias, and a new key is written down so', async () => {
    const known = join(folder, 'known_alias');
    const file = join(folder, 'alias');
    const extra = ['HostKeyAlias prod', 'StrictHostKeyChecking accept-new'];
    await writeFile(
      file,
      block('controller', target, ...extra).replace(/UserKnownHostsFile .*/, `UserKnownHostsFile ${known}`),
    );
    const endpoint = await endpointBy(`coolify_ssh_config: "${file}"`);
    for (const checking of ['accept-new', 'strict'] as const) {
      await using connection = await connect(
        { ...endpoint, hostKeyChecking: checking },
        { signal: new AbortController().signal },
      );
      expect(connection.hostKey).toEqual(target.hostKeys[0]);
    }
    // ssh finds it there, too.
    const args = [
      '-F',
      file,
      '-o',
      'StrictHostKeyChecking=yes',
      '-o',
      'BatchMode=yes',
      'controller',
      'echo ok',
    ];
    expect((await run('ssh', args)).stdout).toBe('ok\n');
  });

  test('is connected to from the address and by the family that it names', async () => {
    const file = join(folder, 'bind');
    await writeFile(file, block('controller', target, 'AddressFamily inet', 'BindAddress 127.0.0.9'));
    const endpoint = await endpointBy(`coolify_ssh_config: "${file}"`);
    await using connection = await connect(endpoint, { signal: new AbortController().signal });
    const { stdout } = await connection.run(command('printenv', 'SSH_CONNECTION'));
    expect(stdout.toString()).toMatch(/^127\.0\.0\.9 /);
  });

  test('is logged in to only by the ways that it names', async () => {
    const file = join(folder, 'ways');
    await writeFile(file, block('controller', target, 'PubkeyAuthentication no', 'ConnectionAttempts 1'));
    const endpoint = await endpointBy(`coolify_ssh_config: "${file}"`);
    await expect(connect(endpoint, { signal: new AbortController().signal })).rejects.toMatchObject({
      code: 'ssh.auth-failed',
      why: expect.stringContaining('publickey: left out by the configuration of ssh'),
    });
  });
});

test('files of keys are those that ssh tries, with tokens and variables filled in', async () => {
  const port = await freePort();
  const server = createServer((socket) => socket.on('error', () => undefined));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  const file = join(folder, 'tokens');
  const lines = [
    'Host web',
    'HostName 127.0.0.1',
    `Port ${port}`,
    'User deploy',
    'HostKeyAlias Alias',
    'IdentityFile ~/nowhere/%h-%n-%p-%r-%u',
    'IdentityFile /nowhere/%d/%L-%l-%i-%k-%C-%%',
    'IdentityFile $' + '{HOME}/nowhere',
    'IdentityFile "~root/no where"',
    'IdentityFile relative',
  ];
  await writeFile(file, `${lines.join('\n')}\n`);
  const child = spawn('ssh', ['-v', '-F', file, 'web', 'true'], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
    // Said before the server has greeted; it never does.
    await new Promise<void>((resolve, reject) => {
      child.stderr.on('data', () => log.includes('Local version string') && resolve());
      child.once('close', () => reject(new Error(log)));
    });
    const tried = [...log.matchAll(/identity file (.*) type -?\d+/g)].map(([, path]) => path);
    const theirs = tried.filter((path) => path?.endsWith('-cert') === false);
    const ours = resolved(['-F', file], 'web').identityFiles?.map((path) =>
      path.replace(`${process.cwd()}/`, ''),
    );
    expect(ours).toEqual(theirs);
    expect(ours).toHaveLength(5);
  } finally {
    child.removeAllListeners('close');
    child.kill('SIGKILL');
    server.close();
  }
});

/** The endpoint of the host `controller` of an inventory, with these variables. */
async function endpointBy(variables: string): Promise<Endpoint> {
  const file = join(folder, 'hosts.yml');
  await writeFile(file, `all: { hosts: { controller: { ${variables} } } }\n`);
  const inventory = await loadInventory([file], { cwd: folder, env: process.env });
  const host = inventory.host('controller');
  if (host === undefined) throw new Error('there is no host');
  const settings = readSettings(host, { cwd: folder, env: process.env });
  return { ...endpointOf('controller', settings, undefined, sshSurroundings()), connectRetries: 0 };
}
