import { describe, expect, test } from 'vitest';
import type { ResolvedHost } from '../../../../src/ssh/config/resolve.js';
import { homeWith } from './homes.js';

function way({ jumps }: ResolvedHost): string[] {
  return jumps.map(({ user, host, port }) => `${user}@${host}:${port}`);
}

describe('the way to a host', () => {
  test('leads through hosts that are configured themselves, and as the local user where nothing is said', async () => {
    const { resolve } = await homeWith({
      '.ssh/config':
        'Host target\n ProxyJump one,admin@two:44\n User deploy\nHost one\n HostName 10.0.0.1\n Port 2201\n IdentityFile ~/one\n ProxyJump zero\nHost two\n HostName two.example\n User second\n Port 5\n',
    });
    const target = resolve('target');
    expect(way(target)).toEqual(['me@zero:22', 'me@10.0.0.1:2201', 'admin@two.example:44']);
    expect(target.user).toBe('deploy');
    expect(target.jumps[1]?.identityFiles?.[0]).toMatch(/\/home\/one$/);
    expect(target.jumps[1]?.original).toBe('one');
  });

  test('takes the chain of the asking host, not that of the last host of the chain', async () => {
    const { resolve } = await homeWith({ '.ssh/config': 'Host b\n ProxyJump x,y\nHost a\n ProxyJump z\n' });
    expect(way(resolve('t', '-J a,b'))).toEqual(['me@z:22', 'me@a:22', 'me@b:22']);
    expect(way(resolve('t', '-J b'))).toEqual(['me@x:22', 'me@y:22', 'me@b:22']);
    expect(way(resolve('a', '-J none'))).toEqual([]);
  });

  test('is not changed by what the command line says of the host itself', async () => {
    const { resolve } = await homeWith({ '.ssh/config': 'Host jump\n User j\n' });
    const target = resolve('t', '-J jump -l deploy -p 99 -i /key -o HostKeyAlias=x');
    expect(way(target)).toEqual(['j@jump:22']);
    expect(target.jumps[0]).toMatchObject({ identityFiles: undefined, hostKeyAlias: undefined });
  });

  test('may name the host in it', async () => {
    const named = await homeWith({
      '.ssh/config': 'Match originalhost web\n ProxyJump %r@gate-%n\n HostName h\n',
    });
    expect(way(named.resolve('web'))).toEqual(['root@gate-web:22']);
  });

  test('takes the other file of the configuration along', async () => {
    const { resolve } = await homeWith({
      '.ssh/config': 'Host gate\n User usual\n',
      other: 'Host web\n ProxyJump gate\nHost gate\n User other\n',
    });
    expect(way(resolve('web', '-F home/other'))).toEqual(['other@gate:22']);
    expect(way(resolve('web', '-J gate'))).toEqual(['usual@gate:22']);
  });

  test.each([
    ['a host through itself', 'Host *\n ProxyJump gate\n', 'it goes gate, through gate'],
    [
      'two hosts through each other',
      'Host a\n ProxyJump b\nHost b\n ProxyJump a\n',
      'it goes b, through a, through b',
    ],
    [
      'two names of one host',
      'Host a\n HostName x\n User u\n ProxyJump u@b\nHost b\n HostName X\n',
      'it goes a, through b',
    ],
  ])('is refused where it leads through itself: %s', async (_name, config, why) => {
    const { fault } = await homeWith({ '.ssh/config': config });
    expect(fault(config.startsWith('Host *') ? 'web' : 'a')).toMatchObject({
      kind: 'usage',
      code: 'ssh-config.loop',
      what: expect.stringMatching(/^~\/\.ssh\/config:\d: The way to .* leads through itself$/),
      why,
      detail: expect.stringContaining('ProxyJump'),
    });
  });

  test('is refused where every host leads to another one, without end', async () => {
    const { fault } = await homeWith({ '.ssh/config': 'Host *.example\n ProxyJump gate-%h\n' });
    expect(fault('a.example')).toMatchObject({
      kind: 'usage',
      code: 'ssh-config.loop',
      what: '~/.ssh/config:2: The way to a.example does not end',
      why: expect.stringContaining(
        'it goes a.example, through gate-a.example, through gate-gate-a.example, ',
      ),
    });
  });

  test('may pass one machine twice by different ports', async () => {
    const { resolve } = await homeWith({
      '.ssh/config': 'Host a\n HostName x\n ProxyJump b\nHost b\n HostName x\n Port 2\n',
    });
    expect(way(resolve('a'))).toEqual(['me@x:2']);
  });
});

describe('a ProxyCommand that only runs ssh', () => {
  test.each([
    ['ssh -W %h:%p gate', 'me@gate:22'],
    ['ssh -q -W [%h]:%p deploy@gate', 'deploy@gate:22'],
    ['ssh -W %h:%p -q -p 2222 -l deploy gate', 'deploy@gate:2222'],
    ['/usr/bin/ssh gate -o Port=44 -W %h:%p 2>/dev/null', 'me@gate:44'],
    ['exec ssh -W %h:%p ssh://u@gate:7', 'u@gate:7'],
    ["ssh -o 'User=quoted' -W %h:%p gate", 'quoted@gate:22'],
    ['ssh -l %r -W %h:%p gate-%n', 'root@gate-web:22'],
  ])('is the jump host that it is: %s', async (command, jump) => {
    const { resolve } = await homeWith({});
    expect(way(resolve('web', `-o ProxyCommand="${command}"`))).toEqual([jump]);
    const file = await homeWith({ '.ssh/config': `Host web\n ProxyCommand ${command}\n` });
    expect(way(file.resolve('web'))).toEqual([jump]);
  });

  test('has its own key, and a chain of its own', async () => {
    const { resolve, context } = await homeWith({ alone: 'Host gate\n User alone\n' });
    const target = resolve(
      'web',
      '-o ProxyCommand="ssh -F ~/alone -J first -i ~/key -o StrictHostKeyChecking=accept-new -W %h:%p gate"',
    );
    expect(way(target)).toEqual(['me@first:22', 'alone@gate:22']);
    expect(target.jumps[1]?.identityFiles).toEqual([`${context.machine.home}/key`]);
    expect(target.jumps[1]?.options.strictHostKeyChecking?.value).toBe('accept-new');
  });

  test.each([
    ['nc %h %p', 'nc'],
    ['ssh gate nc %h %p', 'only "ssh -W %h:%p"'],
    ['ssh -W other:22 gate', 'only "ssh -W %h:%p"'],
    ['ssh -W %h:%p', 'names no host'],
    ['ssh -W %h:%p gate true', 'runs "true"'],
    ['ssh -W %h:%p gate | tee /tmp/x', 'more than a plain command'],
    ['ssh -W %h:%p $GATE', 'more than a plain command'],
    ['sshpass -p x ssh -W %h:%p gate', 'sshpass'],
    ['cloudflared access ssh --hostname %h', 'cloudflared'],
  ])('is refused with a reason where it is more: %s', async (command, why) => {
    const { fault } = await homeWith({ '.ssh/config': `ProxyCommand ${command}\n` });
    expect(fault('web')).toMatchObject({
      code: 'ssh-config.proxy-command',
      what: '~/.ssh/config:1: ProxyCommand is not supported',
      why: expect.stringContaining(why),
      next: expect.stringContaining('ProxyJump'),
    });
  });

  test('is refused where its options are not understood', async () => {
    const { fault } = await homeWith({ '.ssh/config': 'ProxyCommand ssh -f -W %h:%p gate\n' });
    expect(fault('web')).toMatchObject({ code: 'ssh-config.arguments', why: '-f is not supported' });
  });
});
