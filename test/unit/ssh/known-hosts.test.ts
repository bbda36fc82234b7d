import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { string } from '../../../src/core/ssh-wire.js';
import { type HostKey, hostKeyOf } from '../../../src/ssh/host-key.js';
import {
  checkHostKey,
  hostKeyAlgorithms,
  namesMatch,
  parseKnownHosts,
} from '../../../src/ssh/known-hosts.js';
import {
  appendHostKey,
  knownHostsLine,
  readKnownHosts,
  replaceHostKeys,
  withHostKeys,
} from '../../../src/ssh/known-hosts-file.js';

const ED1 = key('ssh-ed25519', 1);
const ED2 = key('ssh-ed25519', 2);
const RSA = key('ssh-rsa', 3);

describe('a presented host key', () => {
  const verdict = (text: string, presented = ED1, address = 'example.com', port = 22): string =>
    checkHostKey(parseKnownHosts(text, 'known_hosts'), { address, port }, presented).verdict;

  test('matches its entry, whatever the case of the name', () => {
    expect(verdict(line('example.com', ED1))).toBe('match');
    expect(verdict(line('Example.COM', ED1), ED1, 'eXample.com')).toBe('match');
  });

  test('of a host without entries is unknown', () => {
    expect(verdict(line('other.example', ED1))).toBe('unknown');
    expect(verdict('')).toBe('unknown');
  });

  test('that is none of the known ones has changed, whatever its type', () => {
    expect(verdict(line('example.com', ED2))).toBe('changed');
    expect(verdict(line('example.com', RSA))).toBe('changed');
  });

  test('may be any of several', () => {
    expect(verdict(line('example.com', RSA) + line('example.com', ED2) + line('example.com', ED1))).toBe(
      'match',
    );
  });

  test('on another port has entries of its own', () => {
    expect(verdict(line('[example.com]:2222', ED1), ED1, 'example.com', 2222)).toBe('match');
    expect(verdict(line('[example.com]:2222', ED1))).toBe('unknown');
  });

  test('on another port may match an entry without a port, which otherwise says nothing', () => {
    expect(verdict(line('example.com', ED1), ED1, 'example.com', 2222)).toBe('match');
    expect(verdict(line('example.com', ED2), ED1, 'example.com', 2222)).toBe('unknown');
  });

  test('that is revoked is so although another line knows it', () => {
    expect(verdict(line('example.com', ED1) + line('@revoked *', ED1))).toBe('revoked');
    expect(verdict(line('example.com', ED1) + line('@revoked *', ED2))).toBe('match');
  });

  test('of a host known only by an authority cannot be checked', () => {
    expect(verdict(line('@cert-authority *.com', ED1))).toBe('certificate-only');
    expect(verdict(line('@cert-authority *.com', ED1) + line('example.com', ED1))).toBe('match');
  });

  test('is looked up under the alias when there is one', () => {
    const entries = parseKnownHosts(line('prod', ED1), 'known_hosts');
    expect(checkHostKey(entries, { address: 'x', port: 2222, alias: 'prod' }, ED1).verdict).toBe('match');
  });

  test('is found in hashed entries', () => {
    expect(verdict(line(hashed('example.com'), ED1))).toBe('match');
    expect(verdict(line(hashed('[example.com]:2222'), ED1), ED1, 'example.com', 2222)).toBe('match');
    expect(verdict(line(hashed('other.example'), ED1))).toBe('unknown');
  });
});

describe('names in known_hosts', () => {
  test.each([
    ['a.example', 'a.example', true],
    ['*.example', 'a.example', true],
    ['*.example', 'example', false],
    ['?.example', 'ab.example', false],
    ['*,!a.example', 'a.example', false],
    ['!a.example,*', 'a.example', false],
    ['*,!a.example', 'b.example', true],
    ['!a.example', 'b.example', false],
    ['a.example,10.0.0.1', '10.0.0.1', true],
    ['[*]:22', '[a]:22', true],
    ['a+b.example', 'a+b.example', true],
    ['a.example', 'axexample', false],
    ['|1|x', 'a', false],
    ['|2|AAAA|AAAA', 'a', false],
  ])('%s against %s: %s', (names, name, expected) => {
    expect(namesMatch(names, name)).toBe(expected);
  });

  test('never throw, whatever a file contains', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (text, name) => {
        for (const entry of parseKnownHosts(text, 'f')) namesMatch(entry.names, name);
        namesMatch(text, name);
      }),
    );
  });
});

describe('a known_hosts file', () => {
  test('may contain comments, blank and broken lines, which are no entries', () => {
    const blob = ED1.blob.toString('base64');
    const text = `# a\n\n  \nexample.com\nexample.com ssh-ed25519\nexample.com ssh-rsa ${blob}\nexample.com ssh-ed25519 !!\n@other example.com ssh-ed25519 ${blob}\n  example.com\tssh-ed25519 ${blob} a comment\r\n`;
    const entries = parseKnownHosts(text, 'f');
    expect(entries.map((entry) => entry.line)).toEqual([9]);
  });

  test('decides which algorithms are asked for first', () => {
    const known = parseKnownHosts(line('h', RSA), 'f');
    expect(hostKeyAlgorithms(known).slice(0, 3)).toEqual(['rsa-sha2-512', 'rsa-sha2-256', 'ssh-ed25519']);
    expect(hostKeyAlgorithms([])[0]).toBe('ssh-ed25519');
  });
});

describe('writing known_hosts', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'known-hosts-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  test('adds a key at the end, in a file for the user alone', async () => {
    const file = join(folder, 'new', 'known_hosts');
    await appendHostKey(file, 'a', ED1);
    await writeFile(file, (await readFile(file, 'utf8')).trimEnd());
    await appendHostKey(file, 'b', ED2);
    expect(await readFile(file, 'utf8')).toBe(line('a', ED1) + line('b', ED2));
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'new'))).mode & 0o777).toBe(0o700);
  });

  test('reads several files as one and a missing one as empty', async () => {
    const file = join(folder, 'known_hosts');
    await writeFile(file, line('a', ED1));
    expect(await readKnownHosts([join(folder, 'missing'), file])).toMatchObject([
      { file, line: 1, names: 'a' },
    ]);
  });

  test('says so when a file cannot be read', async () => {
    await expect(readKnownHosts([folder])).rejects.toMatchObject({ code: 'ssh.known-hosts-unreadable' });
  });

  test('replaces the keys of one host and keeps every other byte', () => {
    const before = [
      `# caf\xe9\r\n`,
      line('other', ED2),
      `h,10.0.0.1 ssh-ed25519 ${b64(ED2)}  old comment\n`,
      line('*.example,h*', ED2),
      line('@revoked h', ED2),
      line('h', RSA),
      'broken line',
    ].join('');
    expect(withHostKeys(before, 'h', [ED1])).toBe(
      [
        `# caf\xe9\r\n`,
        line('other', ED2),
        line('h', ED1),
        `10.0.0.1 ssh-ed25519 ${b64(ED2)}  old comment\n`,
        line('*.example,h*', ED2),
        line('@revoked h', ED2),
        'broken line',
      ].join(''),
    );
  });

  test('adds the keys of a host that was not there, after a last line without an end', () => {
    expect(withHostKeys('x', 'h', [ED1, RSA])).toBe(`x\n${line('h', ED1)}${line('h', RSA)}`);
  });

  test('keeps names hashed where they were', () => {
    const after = withHostKeys(line(hashed('h'), ED2), 'h', [ED1]);
    expect(after).toMatch(/^\|1\|/);
    expect(checkHostKey(parseKnownHosts(after, 'f'), { address: 'h', port: 22 }, ED1).verdict).toBe('match');
    expect(checkHostKey(parseKnownHosts(after, 'f'), { address: 'h', port: 22 }, ED2).verdict).toBe(
      'changed',
    );
  });

  test('changes nothing the second time', async () => {
    const file = join(folder, 'known_hosts');
    await writeFile(file, line('[h]:2201', ED2), { mode: 0o640 });
    const link = join(folder, 'link');
    await symlink(file, link);
    expect(await replaceHostKeys(link, 'h', 2201, [`${ED1.type} ${b64(ED1)} root@h`])).toBe(true);
    const { ino } = await stat(file);
    expect(await replaceHostKeys(link, 'h', 2201, [`${ED1.type} ${b64(ED1)}`])).toBe(false);
    expect((await stat(file)).ino).toBe(ino);
    expect((await stat(file)).mode & 0o777).toBe(0o640);
    expect(await readFile(file, 'utf8')).toBe(line('[h]:2201', ED1));
  });

  test('leaves alone what is no file, such as /dev/null', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(await replaceHostKeys(pipe, 'h', 22, [`${ED1.type} ${b64(ED1)}`])).toBe(false);
    expect((await stat(pipe)).isFIFO()).toBe(true);
  });

  test('refuses a line that is no public key', async () => {
    await expect(replaceHostKeys(join(folder, 'f'), 'h', 22, ['nonsense'])).rejects.toMatchObject({
      code: 'ssh.host-key-invalid',
    });
  });

  test('makes exactly the given keys the known ones, and again changes nothing', () => {
    const names = fc.constantFrom(
      'h',
      'g',
      'h,g',
      'g,h',
      '*',
      '@revoked h',
      '# h',
      hashed('h'),
      'g,!h',
      'h,!g',
    );
    const lines = fc.array(fc.tuple(names, fc.constantFrom(ED1, ED2, RSA)).map(([name, k]) => line(name, k)));
    fc.assert(
      fc.property(lines, fc.uniqueArray(fc.constantFrom(ED1, ED2, RSA), { minLength: 1 }), (before, keys) => {
        const after = withHostKeys(before.join(''), 'h', keys);
        expect(withHostKeys(after, 'h', keys)).toBe(after);
        const own = parseKnownHosts(after, 'f').filter(
          ({ names: list, marker }) =>
            marker === undefined &&
            (list.split(',').includes('h') || (list.startsWith('|') && namesMatch(list, 'h'))),
        );
        expect(new Set(own.map((entry) => b64(entry.key)))).toEqual(new Set(keys.map(b64)));
        const about = (text: string): string[] =>
          parseKnownHosts(text, 'f')
            .filter((entry) => namesMatch(entry.names, 'g'))
            .map((entry) => `${entry.marker} ${b64(entry.key)}`);
        expect(about(after)).toEqual(about(before.join('')));
      }),
    );
  });
});

function key(type: string, seed: number): HostKey {
  const fields = Array.from({ length: type === 'ssh-rsa' ? 2 : 1 }, () => string(Buffer.alloc(32, seed)));
  const made = hostKeyOf(Buffer.concat([string(type), ...fields]));
  if (!made) throw new Error('not a key');
  return made;
}

function b64(hostKey: HostKey): string {
  return hostKey.blob.toString('base64');
}

function line(name: string, hostKey: HostKey): string {
  return `${knownHostsLine(name, hostKey)}\n`;
}

function hashed(name: string): string {
  const salt = Buffer.alloc(20, 7);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}
