import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { connect } from '../../../src/ssh/connection.js';
import type { Endpoint } from '../../../src/ssh/endpoint.js';
import { newKey, requireProgram, startSshd, type TestSshd } from './sshd.js';

/** Hosts whose keys are known by an authority alone, to us and to `ssh`. */
const AUTHORITIES = {
  ed25519: ['ed25519'],
  p256: ['ecdsa', '-b', '256'],
  p384: ['ecdsa', '-b', '384'],
  p521: ['ecdsa', '-b', '521'],
  rsa: ['rsa'],
  stranger: ['ed25519'],
} as const;
type Authority = keyof typeof AUTHORITIES;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'certificates-'));
  for (const [name, [type, ...more]] of Object.entries(AUTHORITIES)) newKey(authority(name), type, ...more);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Case {
  readonly title: string;
  readonly hostKey?: string;
  readonly signedBy?: Authority | 'nobody';
  /** Arguments of ssh-keygen, instead of those of a host certificate for 127.0.0.1. */
  readonly signing?: readonly string[];
  /** Lines of known_hosts; `%CA` and the like stand for public keys. */
  readonly known?: readonly string[];
  readonly alias?: string;
  /** The code of the refusal; accepted without one. */
  readonly refused?: string;
}

const FOR_HOST = ['-h', '-n', '127.0.0.1'];

const CASES: readonly Case[] = [
  ...(['ed25519', 'ecdsa', 'rsa'] as const).map((hostKey) => ({
    title: `of a host key of type ${hostKey}`,
    hostKey,
  })),
  ...(['p256', 'p384', 'p521', 'rsa'] as const).map((signedBy) => ({
    title: `by an authority of type ${signedBy}`,
    signedBy,
  })),
  { title: 'for several names, one of them right', signing: ['-h', '-n', 'other.example,127.0.0.1'] },
  { title: 'for no name in particular', signing: ['-h'] },
  { title: 'of an authority known under the name without a port', known: ['@cert-authority 127.0.0.1 %CA'] },
  { title: 'of an authority known for the port', known: ['@cert-authority [127.0.0.*]:* %CA'] },
  {
    title: 'for the alias under which the host is known',
    signing: ['-h', '-n', 'alias.example'],
    known: ['@cert-authority *.example %CA'],
    alias: 'alias.example',
  },
  {
    title: 'although another key was known before',
    known: ['[127.0.0.1]:%PORT %STRANGER', '@cert-authority * %CA'],
  },
  {
    title: 'although another authority is known too',
    known: ['@cert-authority * %STRANGER', '@cert-authority * %CA'],
  },
  {
    title: 'for another name',
    signing: ['-h', '-n', 'other.example'],
    refused: 'ssh.host-certificate-invalid',
  },
  {
    title: 'for a name with a wildcard, which is none',
    signing: ['-h', '-n', '127.0.0.*'],
    refused: 'ssh.host-certificate-invalid',
  },
  {
    title: 'that has expired',
    signing: [...FOR_HOST, '-V', '20200101:20210101'],
    refused: 'ssh.host-certificate-invalid',
  },
  {
    title: 'that is not valid yet',
    signing: [...FOR_HOST, '-V', '+10d:+20d'],
    refused: 'ssh.host-certificate-invalid',
  },
  { title: 'by a stranger', signedBy: 'stranger', refused: 'ssh.host-key-uncheckable' },
  { title: 'by nobody: there is none', signedBy: 'nobody', refused: 'ssh.host-key-uncheckable' },
  {
    title: 'of an authority that is for other hosts',
    known: ['@cert-authority *.example %CA'],
    refused: 'ssh.host-key-unknown',
  },
  {
    title: 'of an authority that is revoked',
    known: ['@cert-authority * %CA', '@revoked * %CA'],
    refused: 'ssh.host-key-revoked',
  },
  {
    title: 'of a key that is revoked',
    known: ['@cert-authority * %CA', '@revoked * %KEY'],
    refused: 'ssh.host-key-revoked',
  },
];

describe('a host certificate', () => {
  test.each(CASES)('$title: we and ssh agree', async (given) => {
    const sshd = await certified(given);
    try {
      const endpoint = await knowing(sshd, given);
      expect(await codeOf(endpoint)).toBe(given.refused);
      expect(sshAccepts(endpoint)).toBe(given.refused === undefined);
    } finally {
      await sshd.stop();
    }
  });

  test('that does not vouch for the host is refused with the reason, its name and the line of its authority', async () => {
    const given = { title: '', signing: ['-h', '-n', 'other.example'] };
    const sshd = await certified(given);
    try {
      const endpoint = await knowing(sshd, given);
      const error = await connect(endpoint, { signal: never() }).catch((thrown) => thrown);
      expect(error).toMatchObject({
        kind: 'unreachable',
        what: 'The certificate of the host key of testhost does not vouch for it',
        why: expect.stringMatching(
          /^it is for other\.example, not for 127\.0\.0\.1 \(certificate "lab" of ssh-ed25519 SHA256:\S+, by the authority of \S+:1\)$/,
        ),
        next: expect.stringContaining('ssh-keygen -s'),
      });
    } finally {
      await sshd.stop();
    }
  });

  test('is asked for through a jump host too', async () => {
    const given = { title: '' };
    const [sshd, jump] = await Promise.all([certified(given), startSshd()]);
    try {
      const endpoint = { ...(await knowing(sshd, given)), jumps: [jump.endpoint()] };
      expect(await codeOf(endpoint)).toBeUndefined();
    } finally {
      await Promise.all([sshd.stop(), jump.stop()]);
    }
  });
});

function authority(name: string): string {
  return join(folder, `ca_${name}`);
}

function certified({
  hostKey = 'ed25519',
  signedBy = 'ed25519',
  signing = FOR_HOST,
}: Case): Promise<TestSshd> {
  return startSshd({
    hostKeyTypes: [hostKey],
    prepare: (home) => {
      if (signedBy === 'nobody') return [];
      const key = join(home, `host_${hostKey}`);
      execFileSync('ssh-keygen', ['-q', '-s', authority(signedBy), '-I', 'lab', ...signing, `${key}.pub`]);
      return [`HostCertificate ${key}-cert.pub`];
    },
  });
}

async function knowing(sshd: TestSshd, given: Case): Promise<Endpoint> {
  const { hostKey = 'ed25519', signedBy = 'ed25519', known = ['@cert-authority * %CA'], alias } = given;
  const trusted = signedBy === 'stranger' || signedBy === 'nobody' ? 'ed25519' : signedBy;
  const publicKey = async (path: string): Promise<string> => (await readFile(`${path}.pub`, 'utf8')).trim();
  const [ca, stranger, key] = await Promise.all([
    publicKey(authority(trusted)),
    publicKey(authority('stranger')),
    publicKey(join(sshd.folder, `host_${hostKey}`)),
  ]);
  const lines = known.map((line) =>
    line
      .replace('%PORT', String(sshd.port))
      .replace('%CA', ca)
      .replace('%STRANGER', stranger)
      .replace('%KEY', key),
  );
  const file = join(sshd.folder, 'known_hosts');
  await writeFile(file, `${lines.join('\n')}\n`);
  return sshd.endpoint(alias === undefined ? {} : { hostKeyAlias: alias });
}

async function codeOf(endpoint: Endpoint): Promise<string | undefined> {
  try {
    await using _connection = await connect(endpoint, { signal: never() });
    return undefined;
  } catch (error) {
    if (error instanceof StateError) return error.code;
    throw error;
  }
}

function sshAccepts({ port, user, identityFiles, knownHostsFiles, hostKeyAlias }: Endpoint): boolean {
  const options = [
    'BatchMode=yes',
    'StrictHostKeyChecking=yes',
    'GlobalKnownHostsFile=none',
    'IdentitiesOnly=yes',
    `UserKnownHostsFile=${knownHostsFiles[0]}`,
    ...(hostKeyAlias === undefined ? [] : [`HostKeyAlias=${hostKeyAlias}`]),
  ].flatMap((option) => ['-o', option]);
  const target = ['-p', String(port), '-i', identityFiles[0] ?? '', `${user}@127.0.0.1`, 'true'];
  const { status } = spawnSync(
    requireProgram('/usr/bin/ssh', 'openssh-client'),
    ['-F', 'none', ...options, ...target],
    {
      stdio: 'ignore',
    },
  );
  return status === 0;
}

function never(): AbortSignal {
  return new AbortController().signal;
}
