import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { command } from '../../../src/ssh/command.js';
import { connect } from '../../../src/ssh/connection.js';
import type { Endpoint } from '../../../src/ssh/endpoint.js';
import type { HostKey } from '../../../src/ssh/host-key.js';
import { checkHostKey, entriesFor, parseKnownHosts } from '../../../src/ssh/known-hosts.js';
import { knownHostsLine, replaceHostKeys } from '../../../src/ssh/known-hosts-file.js';
import { newKey, readPublicKey, startSshd, type TestSshd } from './sshd.js';

let sshd: TestSshd;
let folder: string;
let otherKey: HostKey;
let name: string;
let file: string;
beforeAll(async () => {
  sshd = await startSshd({ hostKeyTypes: ['ed25519', 'ecdsa', 'rsa'] });
  folder = await mkdtemp(join(tmpdir(), 'host-keys-'));
  otherKey = await readPublicKey(`${newKey(join(folder, 'other'), 'ed25519')}.pub`);
  name = `[127.0.0.1]:${sshd.port}`;
  file = join(folder, 'known_hosts');
});
afterAll(async () => {
  await sshd?.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('a host key', () => {
  test('that is known lets us in, by the type that is known', async () => {
    for (const key of sshd.hostKeys) {
      await writeFile(file, knownHostsLine(name, key));
      expect((await presented()).type).toBe(key.type);
    }
  });

  test('may be known from any of several files', async () => {
    await writeFile(file, knownHostsLine('other', otherKey));
    const second = join(folder, 'second');
    await writeFile(second, knownHostsLine(name, rsa()));
    expect(await presented({ knownHostsFiles: [join(folder, 'none'), file, second] })).toEqual(rsa());
  });

  test('may be known by a hashed name', async () => {
    await writeFile(file, `${knownHostsLine(name, ed25519())}\n`);
    execFileSync('ssh-keygen', ['-H', '-f', file], { stdio: 'ignore' });
    expect(await readFile(file, 'utf8')).toMatch(/^\|1\|/);
    expect(await presented()).toEqual(ed25519());
  });

  test('that is unknown is refused, with its fingerprint and the command that accepts it, which works', async () => {
    await writeFile(file, '');
    const refused = await refusal();
    expect(refused).toMatchObject({ kind: 'unreachable', code: 'ssh.host-key-unknown', host: 'testhost' });
    expect(refused.why).toContain(ed25519().fingerprint);
    const accept = /echo .*/.exec(String(refused.next))?.[0] ?? '';
    execFileSync('sh', ['-c', accept]);
    expect(await presented()).toEqual(ed25519());
  });

  test('that has changed is refused loudly, with both fingerprints and the line', async () => {
    await writeFile(file, `# first\n${knownHostsLine(name, otherKey)}\n`);
    const refused = await refusal();
    expect(refused).toMatchObject({ kind: 'unreachable', code: 'ssh.host-key-changed' });
    expect(refused.what).toContain('HAS CHANGED');
    for (const part of [ed25519().fingerprint, otherKey.fingerprint, `${file}:2`]) {
      expect(refused.why).toContain(part);
    }
    const remove = /ssh-keygen -R .* -f \S+(?=,)/.exec(String(refused.next))?.[0] ?? '';
    execFileSync('sh', ['-c', remove], { stdio: 'ignore' });
    expect((await refusal()).code).toBe('ssh.host-key-unknown');
  });

  test('that has changed is refused by accept-new too, also when it is of a type not known before', async () => {
    await writeFile(file, knownHostsLine(name, otherKey));
    expect((await refusal({ hostKeyChecking: 'accept-new' })).code).toBe('ssh.host-key-changed');
    const dsa = await readPublicKey(`${newKey(join(folder, 'p521'), 'ecdsa', '-b', '521')}.pub`);
    await writeFile(file, knownHostsLine(name, dsa));
    expect((await refusal({ hostKeyChecking: 'accept-new' })).code).toBe('ssh.host-key-changed');
  });

  test('that is revoked is refused even when it is pinned', async () => {
    await writeFile(file, `@revoked * ${ed25519().type} ${ed25519().blob.toString('base64')}\n`);
    const pinned = { pinnedFingerprints: [ed25519().fingerprint] };
    expect((await refusal()).code).toBe('ssh.host-key-revoked');
    expect((await refusal(pinned)).code).toBe('ssh.host-key-revoked');
  });

  test('of a host known only by an authority is refused with a reason', async () => {
    await writeFile(file, `@cert-authority * ${otherKey.type} ${otherKey.blob.toString('base64')}\n`);
    expect((await refusal()).code).toBe('ssh.host-key-uncheckable');
  });

  test('is written down by accept-new, in a private file, and then known', async () => {
    const fresh = join(folder, 'fresh', 'known_hosts');
    const events: unknown[] = [];
    await using _first = await connect(
      endpoint({ knownHostsFiles: [fresh], hostKeyChecking: 'accept-new' }),
      {
        signal: never(),
        onEvent: (event) => events.push(event),
      },
    );
    expect(events).toContainEqual({
      type: 'host-key-accepted',
      fingerprint: ed25519().fingerprint,
      file: fresh,
    });
    expect((await stat(fresh)).mode & 0o777).toBe(0o600);
    expect(await presented({ knownHostsFiles: [fresh] })).toEqual(ed25519());
    expect((await readFile(fresh, 'utf8')).split('\n').length).toBe(2);
  });

  test('that cannot be written down is not accepted', async () => {
    const locked = join(folder, 'locked');
    await writeFile(locked, '');
    await chmod(locked, 0o600);
    const refused = await refusal({
      knownHostsFiles: [join(locked, 'known_hosts')],
      hostKeyChecking: 'accept-new',
    });
    expect(refused.code).toBe('ssh.known-hosts-unwritable');
  });

  test('may be pinned whatever its type, with or without prefix and padding', async () => {
    await writeFile(file, knownHostsLine(name, otherKey));
    for (const key of sshd.hostKeys) {
      expect(await presented({ pinnedFingerprints: [key.fingerprint] })).toEqual(key);
    }
    expect(await presented({ pinnedFingerprints: [`${rsa().fingerprint.slice(7)}=`] })).toEqual(rsa());
  });

  test('that is not the pinned one is refused', async () => {
    const refused = await refusal({ pinnedFingerprints: [otherKey.fingerprint] });
    expect(refused).toMatchObject({ kind: 'unreachable', code: 'ssh.host-key-not-pinned' });
    expect(refused.why).toContain(otherKey.fingerprint);
  });

  test('is looked up under its alias', async () => {
    await writeFile(file, knownHostsLine('production', rsa()));
    expect(await presented({ hostKeyAlias: 'production' })).toEqual(rsa());
  });

  test('that was restored replaces the one that is known', async () => {
    await writeFile(file, `${knownHostsLine('a', otherKey)}\n${knownHostsLine(name, otherKey)}\n`);
    const lines = sshd.hostKeys.map((key) => `${key.type} ${key.blob.toString('base64')} root@host`);
    await replaceHostKeys(file, '127.0.0.1', sshd.port, lines);
    expect(await presented()).toEqual(ed25519());
    expect(found(file, name)).toEqual(sshd.hostKeys.map((key) => key.fingerprint).sort());
    expect(found(file, 'a')).toEqual([otherKey.fingerprint]);
  });
});

describe('ssh-keygen agrees about', () => {
  test('fingerprints', () => {
    for (const [index, type] of ['ed25519', 'ecdsa', 'rsa'].entries()) {
      const shown = execFileSync('ssh-keygen', ['-lf', join(sshd.folder, `host_${type}.pub`)], {
        encoding: 'utf8',
      });
      expect(shown.split(' ')[1]).toBe(sshd.hostKeys[index]?.fingerprint);
    }
  });

  const NAMES = [
    'a.example',
    'A.Example',
    'a.example,10.0.0.1',
    'b.example,a.example',
    '*.example',
    '?.example',
    '*',
    'a.*',
    '!a.example,*',
    '*,!a.example',
    '*.example,!b.example',
    '!*.example',
    '[a.example]:2222',
    '[*.example]:2222',
    '[*]:*',
    '[10.0.0.1]:2222,[a.example]:2222',
    '10.0.0.*',
    '::1',
    '[::1]:2222',
    'a.exampl',
    'xa.example',
    'a?example',
    '@revoked a.example',
    '@cert-authority *.example',
    '# a.example',
    ',a.example',
    'a.example,',
    '|1|x|y',
  ];
  const HOSTS: readonly (readonly [string, number])[] = [
    ['a.example', 22],
    ['b.example', 22],
    ['a.example', 2222],
    ['10.0.0.1', 22],
    ['::1', 2222],
  ];

  test.each(NAMES)('which hosts a line for %s is about', async (names) => {
    const line = `${names} ${otherKey.type} ${otherKey.blob.toString('base64')}\n`;
    const single = join(folder, 'single');
    await writeFile(single, line);
    for (const [address, port] of HOSTS) {
      const entries = entriesFor(parseKnownHosts(line, single), { address, port }).exact;
      const lookup = port === 22 ? address : `[${address}]:${port}`;
      expect([lookup, entries.map((entry) => entry.key.fingerprint)]).toEqual([
        lookup,
        found(single, lookup),
      ]);
    }
  });

  test.each(HOSTS)('hashed names of %s port %i', async (address, port) => {
    const hashed = join(folder, 'hashed');
    const lookup = port === 22 ? address.toLowerCase() : `[${address.toLowerCase()}]:${port}`;
    await writeFile(hashed, `${knownHostsLine(lookup, otherKey)}\n${knownHostsLine('zzz', ed25519())}\n`);
    execFileSync('ssh-keygen', ['-H', '-f', hashed], { stdio: 'ignore' });
    const entries = parseKnownHosts(await readFile(hashed, 'utf8'), hashed);
    expect(checkHostKey(entries, { address, port }, otherKey).verdict).toBe('match');
    expect(checkHostKey(entries, { address, port }, ed25519()).verdict).toBe('changed');
    expect(found(hashed, lookup)).toEqual([otherKey.fingerprint]);
  });
});

/** Fingerprints of the entries that ssh-keygen finds for a name. */
function found(knownHosts: string, lookup: string): string[] {
  const { stdout } = spawnSync('ssh-keygen', ['-F', lookup, '-f', knownHosts], { encoding: 'utf8' });
  return parseKnownHosts(stdout, knownHosts)
    .map((entry) => entry.key.fingerprint)
    .sort();
}

function ed25519(): HostKey {
  return hostKey('ssh-ed25519');
}

function rsa(): HostKey {
  return hostKey('ssh-rsa');
}

function hostKey(type: string): HostKey {
  const key = sshd.hostKeys.find((candidate) => candidate.type === type);
  if (!key) throw new Error(`sshd has no ${type} key`);
  return key;
}

function endpoint(changes: Partial<Endpoint> = {}): Endpoint {
  return sshd.endpoint({ knownHostsFiles: [file], ...changes });
}

async function presented(changes: Partial<Endpoint> = {}): Promise<HostKey> {
  await using connection = await connect(endpoint(changes), { signal: never() });
  await connection.run(command('true'));
  return connection.hostKey;
}

async function refusal(changes: Partial<Endpoint> = {}): Promise<StateError> {
  try {
    await presented(changes);
  } catch (error) {
    if (error instanceof StateError) return error;
    throw error;
  }
  throw new Error('the host key was accepted');
}

function never(): AbortSignal {
  return new AbortController().signal;
}
