import { expect, it } from 'vitest';
import { parseAllowedSigners } from '../../../src/archive/allowed-signers.js';
import { parseRecipients } from '../../../src/archive/recipients.js';
import { findingLines } from '../../../src/cli/findings.js';
import { AppKey } from '../../../src/coolify/app-key.js';
import { EnvFile } from '../../../src/coolify/env-file.js';
import { installedVersion } from '../../../src/coolify/facts.js';
import { authorizedBlobs } from '../../../src/coolify/managed-keys.js';
import { isNewer } from '../../../src/coolify/restore/needs.js';
import { StateError } from '../../../src/core/errors.js';
import { readOpenSshEnvelope } from '../../../src/core/openssh-envelope.js';
import { Secret } from '../../../src/core/secret.js';
import { fitsWildcard } from '../../../src/core/wildcard.js';
import { ExecFiles } from '../../../src/ssh/exec-files.js';
import { parseKnownHosts } from '../../../src/ssh/known-hosts.js';

/**
 * Text of hosts and files as its author would write it who wants this program to stand still: an expression that looks at it
 * again from every character needs hours for what takes milliseconds otherwise, and the test runs out of time.
 */
const MANY = 500_000;
const many = (text: string): string => text.repeat(Math.ceil(MANY / text.length));
/** A line separator that JavaScript's `.` stops at, and splitting by line breaks does not. */
const STOP = '\u2028';

const TEXTS = [
  ...[
    'a',
    '1',
    '1.',
    ' ',
    '\t',
    '=',
    '/',
    ':a@',
    '[',
    '#',
    '"',
    '\\',
    '-',
    '.',
    ',',
    "''",
    ' ssh-',
    '*',
  ].flatMap((pump) => [`${many(pump)}${STOP}x`, `A${many(pump)}${STOP}x`]),
  `ssh-ed25519${many(' ')}${STOP}x`,
  `ssh-ed25519 AAAA${many('\t')}${STOP}x`,
  `base64:${Buffer.alloc(32, 1).toString('base64')}${many('=')}x`,
  many('-----BEGIN OPENSSH PRIVATE KEY-----'),
  `v1${many('.1')}${STOP}x`,
  `repository${many(':a@')}${STOP}x`,
];

const READERS: readonly (readonly [string, (text: string) => unknown])[] = [
  ['a listing of files', (text) => listed(text)],
  ['the name of an image', (text) => installedVersion(host(text))],
  ['versions', (text) => [isNewer(text, '4.0.0'), isNewer('4.0.0', text)]],
  ['APP_KEY', (text) => AppKey.parse(new Secret(text), 'a test')],
  ['.env', (text) => EnvFile.parse(text)],
  ['authorized_keys', (text) => authorizedBlobs(text)],
  ['findings', (text) => findingLines([{ verdict: 'warning', check: 'host.system', what: text, fix: text }])],
  ['known_hosts', (text) => parseKnownHosts(text, 'known_hosts')],
  ['allowed signers', (text) => parseAllowedSigners(text.slice(0, 20_000), 'signers')],
  ['recipients', (text) => parseRecipients(text, 'recipients')],
  ['private keys', (text) => readOpenSshEnvelope(text)],
  ['names with wildcards', (text) => fitsWildcard(`${'*a'.repeat(50)}b`, text)],
];

it.each(READERS)('%s: no text keeps its reader busy', async (_what, read) => {
  for (const text of TEXTS) {
    try {
      await read(text);
    } catch (error) {
      expect(error).toBeInstanceOf(StateError);
    }
  }
});

function host(image: string): Parameters<typeof installedVersion>[0] {
  return {
    uid: 0,
    system: 'Debian',
    architecture: 'x86_64',
    docker: '27',
    hasDocker: true,
    containers: [{ name: 'coolify', image, state: 'running' }],
    databaseVolumes: [],
    hasEnv: true,
    hasInstaller: true,
  };
}

async function listed(answer: string): Promise<unknown> {
  const files = new ExecFiles({
    run: async () => ({ code: 0, signal: undefined, stdout: Buffer.from(answer), stderr: '' }),
    host: 'a test',
    open: () => Promise.reject(new Error('nothing is opened here')),
    guard: (_what, operation) => operation,
  });
  return await files.list('/data');
}
