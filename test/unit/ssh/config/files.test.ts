import { chmod, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { globPaths } from '../../../../src/ssh/config/glob.js';
import { homeWith } from './homes.js';

describe('the files of a configuration', () => {
  test("are the user's and then the system's; what is said first counts", async () => {
    const { resolve } = await homeWith({
      '.ssh/config': 'Host web\n  User mine\n  IdentityFile ~/.ssh/mine\n',
      'etc/ssh_config': 'User theirs\nPort 2200\nIdentityFile /etc/key\n',
    });
    expect(resolve('web')).toMatchObject({ user: 'mine', port: 2200 });
    expect(resolve('web').identityFiles?.map((file) => file.split('/').at(-1))).toEqual(['mine', 'key']);
    expect(resolve('other').user).toBe('theirs');
  });

  test('need not be there', async () => {
    const { resolve, context } = await homeWith({});
    expect(resolve('web')).toMatchObject({
      host: 'web',
      port: 22,
      user: 'root',
      identityFiles: undefined,
      identityAgent: undefined,
      userKnownHostsFiles: ['known_hosts', 'known_hosts2'].map((name) =>
        join(context.machine.home, '.ssh', name),
      ),
      jumps: [],
    });
  });

  test('can be another one, or none', async () => {
    const { resolve, fault } = await homeWith({ '.ssh/config': 'User usual\n', other: 'User other\n' });
    expect(resolve('a', '-F home/other').user).toBe('other');
    expect(resolve('a', '-F ~/other').user).toBe('other');
    expect(resolve('a', '-F none').user).toBe('root');
    expect(resolve('a', '-F /dev/null').user).toBe('root');
    expect(fault('a', '-F home/missing')).toMatchObject({ kind: 'usage', code: 'ssh-config.missing' });
  });

  test('are refused when others could have written them', async () => {
    const { fault, context } = await homeWith({ '.ssh/config': 'User x\n' });
    await chmod(join(context.machine.home, '.ssh/config'), 0o620);
    expect(fault('a')).toMatchObject({
      code: 'ssh-config.permissions',
      what: expect.stringContaining('~/.ssh/config'),
      next: 'chmod go-w ~/.ssh/config',
    });
  });

  test('are refused when they cannot be read', async () => {
    const { fault } = await homeWith({ '.ssh/config/x': '' });
    expect(fault('a')).toMatchObject({
      code: 'ssh-config.unreadable',
      why: expect.stringContaining('EISDIR'),
    });
  });
});

describe('Include', () => {
  test('starts at ~/.ssh for the user, and at the system folder for the system', async () => {
    const { resolve } = await homeWith({
      '.ssh/config': 'Include conf.d/*\n',
      '.ssh/conf.d/b': 'User b\nPort 2\n',
      '.ssh/conf.d/a': 'Host web\n  User a\n',
      'etc/ssh_config': 'Include more\n',
      'etc/more': 'HostKeyAlias system\n',
    });
    expect(resolve('web')).toMatchObject({ user: 'a', port: 2, hostKeyAlias: 'system' });
    expect(resolve('x').user).toBe('b');
  });

  test('knows the home, tokens and variables', async () => {
    const { resolve, fault } = await homeWith({
      '.ssh/config': 'Include ~/one $' + '{HOME}/two %d/three-%n ~me/four\n',
      one: 'Port 1\n',
      two: 'User two\n',
      'three-web': 'HostKeyAlias three\n',
      four: 'ConnectTimeout 4\n',
      'etc/ssh_config': 'Include ~/one\n',
    });
    expect(fault('web')).toMatchObject({
      code: 'ssh-config.invalid',
      what: expect.stringContaining('ssh_config:1: the system configuration has no home'),
    });
    const { options, ...web } = resolve('web', '-F home/.ssh/config');
    expect(web).toMatchObject({ port: 1, user: 'two', hostKeyAlias: 'three' });
    expect(options.connectTimeout?.value).toBe(4);
  });

  test('refuses included files that others could have written, and cycles', async () => {
    const { fault, context } = await homeWith({
      '.ssh/config': 'Include a\n',
      '.ssh/a': 'Include b\n',
      '.ssh/b': 'Include a\n',
    });
    expect(fault('x')).toMatchObject({
      code: 'ssh-config.invalid',
      what: expect.stringMatching(/^~\/\.ssh\/b:1: .*would include itself$/),
      detail: 'Include a',
    });
    await chmod(join(context.machine.home, '.ssh/b'), 0o606);
    const fresh = await homeWith({ '.ssh/config': 'Include a\n', '.ssh/a': 'User x\n' });
    await chmod(join(fresh.context.machine.home, '.ssh/a'), 0o666);
    expect(fresh.fault('x').code).toBe('ssh-config.permissions');
  });

  test('goes sixteen files deep, even where links hide a cycle', async () => {
    const chain = (length: number): Record<string, string> =>
      Object.fromEntries(
        Array.from({ length }, (_, index) => [
          index === 0 ? '.ssh/config' : `.ssh/f${index}`,
          index === length - 1 ? 'User deep\n' : `Include f${index + 1}\n`,
        ]),
      );
    expect((await homeWith(chain(17))).resolve('x').user).toBe('deep');
    expect((await homeWith(chain(18))).fault('x').what).toContain('too deeply');

    const linked = await homeWith({
      '.ssh/config': 'Include c*/loop\n',
      '.ssh/c/loop': 'Include c/self/loop\n',
    });
    await symlink('.', join(linked.context.machine.home, '.ssh/c/self'));
    expect(linked.fault('x')).toMatchObject({ code: 'ssh-config.invalid' });
  });
});

describe('patterns of files', () => {
  test('are those of glob(7)', async () => {
    const names = ['a.conf', 'b.conf', 'ab', '.hidden', 'x[1]', 'x1', '-', 'sub/a.conf', 'sub2/a.conf'];
    const { folder, context } = await homeWith(Object.fromEntries(names.map((name) => [name, ''])));
    const found = (pattern: string): string[] =>
      globPaths(join(context.machine.home, pattern)).map((path) =>
        path.slice(folder.length + '/home/'.length),
      );
    expect(found('*.conf')).toEqual(['a.conf', 'b.conf']);
    expect(found('?')).toEqual(['-']);
    expect(found('.h*')).toEqual(['.hidden']);
    expect(found('x*')).toEqual(['x1', 'x[1]']);
    expect(found('x[1]')).toEqual(['x1']);
    expect(found('x\\[1]')).toEqual(['x[1]']);
    expect(found('[!a-w]*1*')).toEqual(['x1', 'x[1]']);
    expect(found('[]x-]')).toEqual(['-']);
    expect(found('[z-a]')).toEqual([]);
    expect(found('sub*/*')).toEqual(['sub/a.conf', 'sub2/a.conf']);
    expect(found('a.conf/x')).toEqual([]);
    expect(found('nothing')).toEqual([]);
  });
});
