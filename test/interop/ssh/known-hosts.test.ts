import { spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { knownHostsName } from '../../../src/ssh/host-key.js';
import { entriesFor } from '../../../src/ssh/known-hosts.js';
import { readKnownHosts } from '../../../src/ssh/known-hosts-file.js';
import { newKey, requireProgram } from './sshd.js';

/** Whole known_hosts files, as `ssh-keygen -F` understands them: the same lines, with the same markers. */
let folder: string;
const keys: Record<string, string> = {};
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'known-hosts-'));
  for (const [name, type] of [
    ['ED', 'ed25519'],
    ['ED2', 'ed25519'],
    ['EC', 'ecdsa'],
    ['RSA', 'rsa'],
  ] as const) {
    const line = await readFile(`${newKey(join(folder, name), type)}.pub`, 'utf8');
    keys[name] = line.split(' ').slice(0, 2).join(' ');
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const HOSTS: readonly (readonly [string, number])[] = [
  ['a.example', 22],
  ['A.EXAMPLE', 22],
  ['b.example', 22],
  ['a.example', 2222],
  ['10.0.0.1', 22],
  ['10.0.0.1', 2222],
  ['::1', 22],
  ['::1', 2222],
  ['2001:db8::a', 22],
  ['fe80::1%eth0', 22],
  ['x', 22],
];

/** `%ED` and the like stand for a key, `%H(name)` for a hashed name. */
const FILES: readonly (readonly [string, string])[] = [
  ['an empty file', ''],
  ['one host', 'a.example %ED\n'],
  ['no newline at the end', 'a.example %ED'],
  ['several keys of one host', 'a.example %ED\na.example %EC\na.example %RSA\n'],
  ['the same key twice', 'a.example %ED\na.example %ED\n'],
  ['several hosts in a line', 'b.example,a.example,10.0.0.1 %ED\n'],
  ['a comment after the key', 'a.example %ED jo@laptop, made in 2020\n'],
  ['a comment of several words before a line', '# of a.example\na.example %ED\n'],
  ['a comment that looks like an entry', '#a.example %ED\n# a.example %EC\n'],
  ['blank lines', '\n\n   \n\t\na.example %ED\n\n'],
  ['blanks before an entry', '   a.example %ED\n\ta.example %EC\n'],
  ['tabs between the fields', 'a.example\t%ED\n'],
  ['many blanks between the fields', 'a.example    %ED\n'],
  ['lines that end in CR LF', 'a.example %ED\r\nb.example %EC\r\n'],
  ['lines that end in CR LF, with comments', 'a.example %ED jo\r\n# b\r\n\r\n10.0.0.1 %EC x\r\n'],
  ['capitals in a name', 'A.Example %ED\n'],
  ['a wildcard', '*.example %ED\n'],
  ['a wildcard for everything', '* %ED\n'],
  ['a wildcard for one character', '?.example %ED\n?? %EC\n'],
  ['wildcards in addresses', '10.0.* %ED\n2001:db8::* %EC\n'],
  ['a wildcard that must match something', 'a?.example %ED\na.example? %EC\n'],
  ['negation before the wildcard', '!a.example,*.example %ED\n'],
  ['negation after the wildcard', '*.example,!b.example %ED\n'],
  ['negation alone', '!b.example %ED\n'],
  ['negation by a wildcard', 'a.example,!*.example %ED\n'],
  ['negation in one line and not in another', '!a.example,* %ED\n* %EC\n'],
  ['a port', '[a.example]:2222 %ED\n'],
  ['a port and none', 'a.example %ED\n[a.example]:2222 %EC\n'],
  ['a port by wildcard', '[*]:2222 %ED\n[a.example]:* %EC\n'],
  ['the standard port written out', '[a.example]:22 %ED\n'],
  ['brackets without a port', '[a.example] %ED\n[::1] %EC\n'],
  ['an IPv6 address', '::1 %ED\n2001:db8::a %EC\n'],
  ['an IPv6 address with a port', '[::1]:2222 %ED\n'],
  ['an IPv6 address in capitals', '2001:DB8::A %ED\n'],
  ['an IPv6 address with a zone', 'fe80::1%eth0 %ED\n'],
  ['a hashed name', '%H(a.example) %ED\n'],
  ['a hashed name with a port', '%H([a.example]:2222) %ED\n%H([::1]:2222) %EC\n'],
  ['hashed and plain names', '%H(a.example) %ED\na.example %EC\n%H(b.example) %RSA\n'],
  ['a hashed name in capitals, which is never found', '%H(A.EXAMPLE) %ED\n'],
  ['two hashed names in a line, which is none', '%H(a.example),%H(b.example) %ED\n'],
  ['a hash of another kind', '|2|c2FsdA==|aGFzaA== %ED\na.example %EC\n'],
  ['a hash that is cut short', '|1|c2FsdA== %ED\na.example %EC\n'],
  ['a hash with a salt that is too short', '|1|c2FsdA==|q1UAAv0Ir2LOKDUO3iSBNvDXIM8= %ED\na.example %EC\n'],
  ['a revoked key', 'a.example %ED\n@revoked a.example %ED\n'],
  ['a revoked key of everybody', '@revoked * %ED\n'],
  ['a revoked key by a hashed name', '@revoked %H(a.example) %ED\n'],
  ['an authority', '@cert-authority *.example %ED\n'],
  ['an authority with a comment and tabs', '@cert-authority *.example,!b.example\t%ED\tauthority\n'],
  ['an unknown marker', '@other a.example %ED\na.example %EC\n'],
  ['a marker in capitals', '@REVOKED a.example %ED\na.example %EC\n'],
  ['two markers', '@revoked @cert-authority a.example %ED\na.example %EC\n'],
  ['a marker alone', '@revoked\na.example %EC\n'],
  ['a name alone', 'a.example\na.example %EC\n'],
  ['a type without a key', 'a.example ssh-ed25519\na.example %EC\n'],
  ['a key that is not base64', 'a.example ssh-ed25519 !!!!\na.example %EC\n'],
  ['a key that is cut short', 'a.example ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\na.example %EC\n'],
  ['a key of another type than it says', 'a.example ssh-rsa %BLOB(ED)\na.example %EC\n'],
  ['a type nobody knows', 'a.example ssh-future %BLOB(ED)\na.example %EC\n'],
  ['an SSH 1 key', 'a.example 1024 35 123456789012345678901234567890\na.example %EC\n'],
  ['binary rubbish', '\u0001\u0002 \u00ff\u00fe\na.example %EC\n'],
  ['a comma too much', ',a.example %ED\na.example, %EC\na.example,,b.example %RSA\n'],
  ['an empty negation', '!,a.example %ED\n'],
  ['a byte order mark', '\ufeffa.example %ED\na.example %EC\n'],
  [
    'a line of many names',
    `${Array.from({ length: 300 }, (_, index) => `h${index}.example`).join(',')},a.example %ED\n`,
  ],
];

describe('ssh-keygen finds the same lines for each of ten hosts in a known_hosts file with', () => {
  test.each(FILES)('%s', async (title, template) => {
    const file = join(folder, `file-${FILES.findIndex(([name]) => name === title)}`);
    await writeFile(file, filledIn(template));
    for (const [address, port] of HOSTS) {
      // ssh itself looks for names in lower case; ssh-keygen takes what it is given.
      const name = knownHostsName(address, port);
      const ours = entriesFor(await readKnownHosts([file]), { address, port }).exact;
      const lines = ours.map(({ line, marker }) => [line, marker].join(' ').trim());
      expect({ name, lines }).toEqual({ name, lines: foundBySshKeygen(name, file) });
    }
  });
});

function filledIn(template: string): string {
  return template
    .replace(/%BLOB\((\w+)\)/g, (_, name: string) => keys[name]?.split(' ')[1] ?? '')
    .replace(/%H\(([^)]*)\)/g, (_, name: string) => hashed(name))
    .replace(/%(ED2|ED|EC|RSA)/g, (_, name: string) => keys[name] ?? '');
}

function hashed(name: string): string {
  const salt = Buffer.alloc(20, 5);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}

/** Line numbers and markers. With `-l` it reads the keys too, as ssh does, and passes over those that are none. */
function foundBySshKeygen(name: string, file: string): string[] {
  const program = requireProgram('/usr/bin/ssh-keygen', 'openssh-client');
  const { stdout } = spawnSync(program, ['-l', '-F', name, '-f', file], { encoding: 'utf8' });
  return [...stdout.matchAll(/^# Host .* found: line (\d+) ?(CA|REVOKED)?/gm)].map(([, line, marker]) =>
    [line, marker === 'CA' ? 'cert-authority' : marker?.toLowerCase()].join(' ').trim(),
  );
}
