import { describe, expect, test } from 'vitest';
import { homeWith } from './homes.js';

describe('a fault in a configuration', () => {
  test('names the file, the line and what stands there', async () => {
    const { fault } = await homeWith({ '.ssh/config': '# mine\n\nHost a\n  Port 70000 # too many\n' });
    expect(fault('b')).toMatchObject({
      kind: 'usage',
      code: 'ssh-config.invalid',
      what: '~/.ssh/config:4: port expects a port from 1 to 65535',
      detail: 'Port 70000 # too many',
    });
  });

  test('cannot write to the terminal', async () => {
    const { fault } = await homeWith({ '.ssh/config': 'User \u001b[2Ja b\n' });
    expect(JSON.stringify(fault('b').facts())).not.toContain('\\u001b');
    expect(fault('b').detail).toBe('User \\x1b[2Ja b');
  });

  test.each([
    ['HostName %z', 'means nothing here'],
    ['HostName a%', 'ends in "%"'],
    ['User $' + '{NOT_SET}', '$NOT_SET is not set'],
    ['IdentityFile ~nobody-at-all/key', 'there is no user "nobody-at-all"'],
    ['UserKnownHostsFile /a/$' + '{', 'names no variable'],
  ])('is a value that cannot be filled in: %s', async (line, why) => {
    const { fault } = await homeWith({ '.ssh/config': `${line}\n` });
    expect(fault('a')).toMatchObject({ code: 'ssh-config.invalid', what: expect.stringContaining(why) });
  });
});

describe('what would take a command or a look at the network', () => {
  const EXEC = 'Match host web exec "test -e /x"\n';

  test('is refused where the block could matter, with the line of the Match', async () => {
    const { fault, resolve } = await homeWith({ '.ssh/config': `${EXEC}  User other\n` });
    expect(fault('web')).toMatchObject({
      code: 'ssh-config.undecided',
      what: expect.stringMatching(/^~\/\.ssh\/config:1: .*"Match exec" is not supported$/),
      why: expect.stringContaining('user'),
      detail: 'Match host web exec "test -e /x"',
    });
    expect(resolve('db').user).toBe('root');
  });

  test('does not matter when everything in the block is settled already, or is nothing to us', async () => {
    const { resolve } = await homeWith({ '.ssh/config': `${EXEC}  User other\n  ForwardAgent yes\n` });
    expect(resolve('web', '-l me').user).toBe('me');
  });

  test('matters through an included file', async () => {
    const { fault, resolve } = await homeWith({
      '.ssh/config': `${EXEC}  Include more\nHost *\n Port 7\n`,
      '.ssh/more': 'Host db\n  User never\nHost web\n  User maybe\n',
    });
    expect(fault('web').code).toBe('ssh-config.undecided');
    expect(resolve('web', '-l me')).toMatchObject({ user: 'me', port: 7 });
  });

  test.each(['localnetwork 10.0.0.0/8', '!exec true', 'command x', 'sessiontype shell', 'version OpenSSH_*'])(
    'is also: Match %s',
    async (criterion) => {
      const { fault } = await homeWith({ '.ssh/config': `Match ${criterion}\n  HostName x\n` });
      expect(fault('web').code).toBe('ssh-config.undecided');
    },
  );
});

test('Match tagged looks at the tag', async () => {
  const { resolve } = await homeWith({
    '.ssh/config':
      'Host web\n  Tag prod\nMatch tagged prod,other\n  User deploy\nMatch !tagged prod\n  Port 7\n',
  });
  expect(resolve('web')).toMatchObject({ user: 'deploy', port: 22 });
  expect(resolve('db')).toMatchObject({ user: 'root', port: 7 });
  expect(resolve('db', '-P other')).toMatchObject({ user: 'deploy', port: 7 });
});

describe('keywords that are refused where they count', () => {
  test.each([
    ['ProxyCommand nc %h %p', 'ssh-config.proxy-command'],
    ['BindInterface eth1', 'ssh-config.unsupported'],
    ['KnownHostsCommand /bin/keys %H', 'ssh-config.unsupported'],
    ['RevokedHostKeys /etc/revoked', 'ssh-config.unsupported'],
    ['CanonicalizeHostname yes\nCanonicalDomains example.com', 'ssh-config.unsupported'],
    ['CanonicalizeHostname always\nCanonicalDomains example.com\nProxyJump x.y.z', 'ssh-config.unsupported'],
    ['CanonicalizePermittedCNAMEs web*:*.example', 'ssh-config.unsupported'],
  ])('%s', async (lines, code) => {
    const { fault, resolve } = await homeWith({ '.ssh/config': `Host web\n${lines}\n` });
    expect(fault('web')).toMatchObject({ code, what: expect.stringMatching(/^~\/\.ssh\/config:[234]: /) });
    expect(fault('web').next).toBeDefined();
    expect(resolve('other').jumps).toEqual([]);
  });

  test.each([
    'ProxyCommand none',
    'KnownHostsCommand none',
    'RevokedHostKeys none',
    'CanonicalizeHostname yes',
    'CanonicalizeHostname no\nCanonicalDomains example.com',
    'CanonicalizeHostname yes\nCanonicalDomains example.com\nHostName a.b.c',
    'CanonicalizeHostname yes\nCanonicalDomains example.com\nHostName 10.0.0.1',
    'CanonicalizePermittedCNAMEs other*:*.example',
  ])('but not: %s', async (lines) => {
    const { resolve } = await homeWith({ '.ssh/config': `${lines}\n` });
    expect(resolve('web').user).toBe('root');
  });

  test('can be switched off by an argument', async () => {
    const { resolve } = await homeWith({
      '.ssh/config':
        'RevokedHostKeys /x\nKnownHostsCommand /x\nProxyCommand x\nCanonicalizeHostname yes\nCanonicalDomains x\n',
    });
    const off = [
      'RevokedHostKeys=none',
      'KnownHostsCommand=none',
      'ProxyCommand=none',
      'CanonicalizeHostname=no',
    ];
    expect(resolve('web', off.map((option) => `-o ${option}`).join(' ')).host).toBe('web');
  });
});
