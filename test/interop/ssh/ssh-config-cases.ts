/** A configuration and the hosts that are asked for with it. `@` in a text is the folder the files stand in. */
export interface ConfigCase {
  readonly name: string;
  readonly config: string;
  readonly hosts: readonly string[];
  /** Further files of the folder. */
  readonly files?: Readonly<Record<string, string>>;
  /** Arguments before the host. */
  readonly args?: readonly string[];
}

export const CASES: readonly ConfigCase[] = [
  {
    name: 'one block',
    config: 'Host web\n  HostName web.example.com\n  User deploy\n  Port 2222\n',
    hosts: ['web', 'other'],
  },
  {
    name: 'the first value wins, of a file from top to bottom',
    config:
      'Host a*\n  User first\n  Port 1\nHost ab\n  User second\n  HostName x\nHost *\n  User third\n  Port 3\n',
    hosts: ['ab', 'a', 'zz'],
  },
  {
    name: 'lines before the first Host count for all',
    config: 'User all\nHost a\nUser a\nPort 9\n',
    hosts: ['a', 'b'],
  },
  {
    name: 'wildcards',
    config: 'Host w?b-*.example\n  User wild\nHost *.example ?\n  Port 7\nHost *\n  HostKeyAlias any\n',
    hosts: ['web-1.example', 'wb-1.example', 'x.example', 'x', 'xy', 'web-.example', '.example'],
  },
  {
    name: 'negation wins, wherever it stands',
    config: 'Host *.example !db.example\n  User a\nHost !web.example *\n  Port 5\nHost !x\n  Port 6\n',
    hosts: ['db.example', 'web.example', 'x', 'y'],
  },
  {
    name: 'letter case counts in Host',
    config: 'Host Web\n  User upper\nHost web\n  User lower\n',
    hosts: ['Web', 'web', 'WEB'],
  },
  {
    name: 'keywords in any case, with = and blanks around it',
    config: 'HOST=web\n\tuser = deploy\n  port=22\n\tHostName\t=\tx.example\nHostKeyAlias   a\n',
    hosts: ['web', 'b'],
  },
  {
    name: 'quotes and escapes',
    config:
      'Host "web one" two\nUser "a b"\nIdentityFile "@/key one"\nIdentityFile \'@/key "two"\'\nIdentityFile @/key\\ three\nIdentityFile @/a\\\\b\\c\nIdentityFile "@/x\\"y" # the end\n',
    hosts: ['two'],
  },
  {
    name: 'comments and blank lines',
    config:
      '# a comment\n\n   \t\n  # another\nHost a # b c\n  User x#y\n  Port 5 # five\n  HostName h "#no" \n',
    hosts: ['a'],
  },
  {
    name: 'comments behind values',
    config: 'Host a # b c\n  User x#y\n  Port 5 # five\n',
    hosts: ['a', 'b'],
  },
  { name: 'ends of lines of Windows', config: 'Host a\r\n  User x\r\n  Port 5\r\n', hosts: ['a'] },
  { name: 'a last line without an end', config: 'Host a\nUser x', hosts: ['a'] },
  {
    name: 'files of keys add up, each once',
    config:
      'IdentityFile @/one\nHost a\n IdentityFile @/two\n IdentityFile @/one\nHost *\n IdentityFile @/three\n IdentitiesOnly yes\n',
    hosts: ['a', 'b'],
  },
  { name: 'no file of a key at all', config: 'IdentityFile none\n', hosts: ['a'] },
  { name: 'no file of a key but one', config: 'IdentityFile none\nIdentityFile @/x\n', hosts: ['a'] },
  { name: 'nothing about keys', config: 'User x\n', hosts: ['a'] },
  {
    name: 'no agent',
    config: 'Host a\nIdentityAgent none\nHost b\nIdentityAgent SSH_AUTH_SOCK\n',
    hosts: ['a', 'b', 'c'],
  },
  {
    name: 'another agent',
    config: `Host a\nIdentityAgent ~/agent-%h-%r\nHost b\nIdentityAgent $OTHER_AGENT\nHost c\nIdentityAgent \${HOME}/%%x\nHost d\nIdentityAgent "@/with blank"\n`,
    hosts: ['a', 'b', 'c', 'd'],
  },
  {
    name: 'tokens',
    config:
      'Host a\nHostName %h.example.com\nUser deploy\nPort 2222\nHostKeyAlias Alias\nUserKnownHostsFile @/%h @/%n @/%p @/%r @/%u @/%d @/%L @/%l @/%i @/%C @/%k @/%%\n',
    hosts: ['a', 'b'],
  },
  {
    name: 'variables of the environment',
    config: `UserKnownHostsFile \${HOME}/known @/\${USER_OF_TEST}%p/x @/$HOME\n`,
    hosts: ['a'],
  },
  { name: 'a variable that is not set', config: `UserKnownHostsFile @/\${NOT_SET_AT_ALL}\n`, hosts: ['a'] },
  { name: 'an unknown token in HostName', config: 'HostName %p.example\n', hosts: ['a'] },
  { name: 'an unknown token in a file', config: 'UserKnownHostsFile @/%z\n', hosts: ['a'] },
  { name: 'a percent sign at the end', config: 'HostName a%\n', hosts: ['a'] },
  { name: 'a percent sign in HostName', config: 'HostName a%%b.example\n', hosts: ['a'] },
  {
    name: 'the home of a user',
    config: 'UserKnownHostsFile ~/known ~root/known\nGlobalKnownHostsFile /etc/a /etc/b\n',
    hosts: ['a'],
  },
  {
    name: 'no files of known hosts',
    config: 'UserKnownHostsFile none\nGlobalKnownHostsFile none\n',
    hosts: ['a'],
  },
  { name: 'none beside a file', config: 'UserKnownHostsFile none @/x\n', hosts: ['a'] },
  {
    name: 'every choice of StrictHostKeyChecking',
    config:
      'Host a\nStrictHostKeyChecking yes\nHost b\nStrictHostKeyChecking ask\nHost c\nStrictHostKeyChecking accept-new\nHost d\nStrictHostKeyChecking true\n',
    hosts: ['a', 'b', 'c', 'd', 'e'],
  },
  { name: 'a choice that there is not', config: 'StrictHostKeyChecking maybe\n', hosts: ['a'] },
  {
    name: 'times',
    config:
      'Host a\nConnectTimeout 30\nServerAliveInterval 1m30s\nServerAliveCountMax 5\nConnectionAttempts 4\nHost b\nConnectTimeout 1h\nServerAliveInterval 2M\nHost c\nConnectTimeout none\nHost *\nConnectTimeout 1w2d\n',
    hosts: ['a', 'b', 'c'],
  },
  { name: 'a time that is none', config: 'ConnectTimeout 5x\n', hosts: ['a'] },
  { name: 'a negative time', config: 'ServerAliveInterval -5\n', hosts: ['a'] },
  {
    name: 'ways of logging in',
    config:
      'Host a\nPreferredAuthentications publickey,password\nPasswordAuthentication no\nHost b\nPubkeyAuthentication no\nKbdInteractiveAuthentication no\nHost c\nChallengeResponseAuthentication no\n',
    hosts: ['a', 'b', 'c', 'd'],
  },
  {
    name: 'address family and source address',
    config:
      'Host a\nAddressFamily inet6\nBindAddress ::1\nHost b\nAddressFamily inet\nHost c\nAddressFamily any\n',
    hosts: ['a', 'b', 'c'],
  },
  {
    name: 'letter case of the host name',
    config: 'Host a\nHostName WEB.Example.COM\nHostKeyAlias Prod\n',
    hosts: ['a', 'B.Example'],
  },
  {
    name: 'addresses',
    config:
      'Host v4\nHostName 10.0.0.7\nHost v6\nHostName FE80:0:0::1\nHost short\nHostName 10.1\nHost zone\nHostName fe80::1%%lo\nHost mapped\nHostName ::ffff:1.2.3.4\n',
    hosts: ['v4', 'v6', 'short', 'mapped', '::1', '192.168.0.1'],
  },
  {
    name: 'one jump host in each form',
    config:
      'Host a\nProxyJump bastion\nHost b\nProxyJump jump@bastion.example:2222\nHost c\nProxyJump ssh://jump@bastion:44\nHost d\nProxyJump [::1]:45\nHost e\nProxyJump a@b@c\nHost f\nProxyJump ssh://bastion\n',
    hosts: ['a', 'b', 'c', 'd', 'e', 'f'],
  },
  {
    name: 'the first of ProxyJump and ProxyCommand wins',
    config:
      'Host a\nProxyJump none\nHost b\nProxyCommand none\nHost d\nProxyCommand ssh -W %h:%p jump\nHost a b c d\nProxyJump bastion\nHost b c\nProxyCommand nc %h %p\n',
    hosts: ['a', 'b', 'c', 'd'],
  },
  { name: 'a jump host that cannot be read', config: 'ProxyJump a:b:c\n', hosts: ['x'] },
  { name: 'a port of a jump host that there is not', config: 'ProxyJump a:99999\n', hosts: ['x'] },
  { name: 'an empty name in a chain', config: 'ProxyJump a,,b\n', hosts: ['x'] },
  {
    name: 'a chain, each host of it configured',
    config:
      'Host target\n HostName 10.0.0.9\n ProxyJump me@one:2201,two\nHost one\n HostName one.example\n IdentityFile @/one\n ProxyJump zero\nHost two\n HostName two.example\n User second\n Port 2202\nHost zero\n HostName 10.0.0.1\n Port 2200\n',
    hosts: ['target', 'one', 'two', 'zero'],
  },
  {
    name: 'a jump host for all but itself',
    config: 'Host bastion\n ProxyJump none\n HostName 10.0.0.1\nHost *\n ProxyJump bastion\n User deploy\n',
    hosts: ['web', 'bastion'],
  },
  {
    name: 'Match host looks at HostName, originalhost at what was asked for',
    config:
      'Host a\n HostName a.example.com\nMatch host *.example.com\n User by-host\nMatch originalhost a\n Port 11\nMatch host a\n Port 12\n',
    hosts: ['a', 'b', 'b.example.com'],
  },
  {
    name: 'Match with lists, negation and several criteria',
    config:
      'Match host a,b,!c\n User x\nMatch !host a\n Port 4\nMatch host *,!b originalhost "b,d"\n HostKeyAlias both\nMatch !originalhost d,e host *\n ConnectTimeout 8\n',
    hosts: ['a', 'b', 'c', 'd', 'e'],
  },
  {
    name: 'Match user and localuser',
    config:
      'Match user deploy\n Port 1\nHost a\n User deploy\nMatch user deploy\n Port 2\nMatch localuser nobody-at-all\n Port 3\nMatch !localuser nobody-at-all\n HostKeyAlias me\n',
    hosts: ['a', 'b'],
  },
  {
    name: 'Match all',
    config: 'Host a\n User a\nMatch all\n User all\n Port 3\nMatch !all\n Port 4\n HostKeyAlias never\n',
    hosts: ['a', 'b'],
  },
  {
    name: 'Match with = and a comment',
    config: 'Match host=a,b # the two\n User x\nMatch originalhost="a"\n Port 3\n',
    hosts: ['a', 'b', 'c'],
  },
  {
    name: 'Match final sees the final name',
    config:
      'Host a\n HostName b.example\nMatch final host b.example\n User final\nMatch final all\n Port 5\nHost b.example\n HostKeyAlias second\n IdentityFile @/second\nMatch canonical\n ConnectTimeout 3\n',
    hosts: ['a', 'b.example', 'c'],
  },
  {
    name: 'Match !final counts in the first reading only',
    config:
      'Match !final\n User first\nMatch final\n User second\n Port 2\nHost x\n HostName later\nMatch final host later\n HostName too-late\n',
    hosts: ['a', 'x'],
  },
  {
    name: 'a final reading repeats no key',
    config:
      'IdentityFile @/one\nHost a\n IdentityFile @/two\n HostName b\nHost b\n IdentityFile @/three\nMatch final\n IdentityFile @/four\n',
    hosts: ['a', 'b'],
  },
  {
    name: 'canonical names without a domain to add',
    config:
      'CanonicalizeHostname yes\nHost a\n HostName B\nMatch canonical host b\n User again\nHost b\n Port 3\n',
    hosts: ['a'],
    args: ['-o', 'CanonicalizeFallbackLocal=yes', '-o', 'ProxyJump=x'],
  },
  { name: 'Match without a criterion', config: 'Match\n User x\n', hosts: ['a'] },
  { name: 'Match with an unknown criterion', config: 'Match moon full\n User x\n', hosts: ['a'] },
  { name: 'Match host without an argument', config: 'Match host\n User x\n', hosts: ['a'] },
  { name: 'Match all beside others', config: 'Match host a originalhost a all\n User x\n', hosts: ['a'] },
  { name: 'Match all before others', config: 'Match all host a\n User x\n', hosts: ['a'] },
  {
    name: 'Match exec where another criterion fails already',
    config: 'Match host nowhere exec "false"\n User x\nMatch all\n Port 7\n',
    hosts: ['a'],
  },
  {
    name: 'Include with a pattern, in order, in the middle of a block',
    config: 'Host a\n Include @/conf.d/*.conf\n User late\nHost *\n Port 9\n',
    files: {
      'conf.d/20.conf': 'User twenty\nPort 20\n',
      'conf.d/10.conf': 'User ten\nHost b\n HostKeyAlias only-in-b\n',
      'conf.d/.hidden.conf': 'Port 1\n',
      'conf.d/x.txt': 'Port 2\n',
    },
    hosts: ['a', 'b'],
  },
  {
    name: 'Host inside of an included file does not leak out of it',
    config: 'Include @/inc\nUser outer\nHost a\n Include @/inc2\n Port 3\n',
    files: {
      inc: 'Host a\n HostKeyAlias inner\n',
      inc2: 'Host b\n User never\nMatch all\n ConnectTimeout 4\n',
    },
    hosts: ['a', 'b'],
  },
  {
    name: 'several files, sets of characters, and files that are not there',
    config: 'Include @/missing @/c[12] "@/c x" @/no-*\nInclude @/c[!a-y]\n',
    files: {
      c1: 'Port 1\n',
      c2: 'Port 2\nUser two\n',
      'c x': 'HostKeyAlias blank\n',
      cz: 'ConnectTimeout 9\n',
    },
    hosts: ['a'],
  },
  {
    name: 'files that include files',
    config: 'Include @/one\nPort 1\n',
    files: {
      one: 'Include @/two\nUser one\n',
      two: 'Host a\n Include @/three\n Port 2\n',
      three: 'User three\n',
    },
    hosts: ['a', 'b'],
  },
  {
    name: 'a file that includes itself',
    config: 'Include @/loop\n',
    files: { loop: 'User x\nInclude @/loop\n' },
    hosts: ['a'],
  },
  {
    name: 'an included file with an error, in a block that does not count',
    config: 'Host b\nInclude @/bad\n',
    files: { bad: 'Port x\n' },
    hosts: ['a', 'b'],
  },
  { name: 'a port that is none', config: 'Host b\n Port 70000\n', hosts: ['a', 'b'] },
  { name: 'a port that is a word', config: 'Port ssh\n', hosts: ['a'] },
  { name: 'a keyword without an argument', config: 'User\n', hosts: ['a'] },
  { name: 'an empty argument', config: 'User ""\n', hosts: ['a'] },
  { name: 'an argument too many', config: 'User a b\n', hosts: ['a'] },
  { name: 'a quote that is not closed', config: 'User "a\n', hosts: ['a'] },
  { name: 'an answer that is neither yes nor no', config: 'IdentitiesOnly perhaps\n', hosts: ['a'] },
  {
    name: 'keywords that do not matter',
    config:
      'ForwardAgent yes\nCompression yes\nCiphers aes128-ctr\nSendEnv LANG LC_*\nControlMaster auto\nControlPath @/%C\nUser x\n',
    hosts: ['a'],
  },
  {
    name: 'options of the command line come first, in their order',
    config:
      'User file\nPort 1\nIdentityFile @/file\nConnectTimeout 9\nMatch originalhost x\nProxyJump file\n',
    args: [
      '-o',
      'User=line',
      '-oPort 3',
      '-p',
      '5',
      '-l',
      'later',
      '-i',
      '@/config',
      '-o',
      'IdentityFile="@/b c"',
      '-J',
      'a,b@c:4',
      '-qC',
      '-o',
      'ConnectTimeout 4',
    ],
    hosts: ['a', 'x'],
  },
  {
    name: 'flags of the command line',
    config: 'AddressFamily any\n',
    args: ['-6', '-b', '::1', '-Tv', '-l', 'me'],
    hosts: ['a'],
  },
  {
    name: 'Match sees the command line',
    config: 'Match user line\n Port 3\nMatch host b\n HostKeyAlias b\n',
    args: ['-l', 'line', '-o', 'HostName=b'],
    hosts: ['a'],
  },
];
