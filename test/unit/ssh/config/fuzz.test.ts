import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateError } from '../../../../src/core/errors.js';
import { parseArguments } from '../../../../src/ssh/config/arguments.js';
import type { ConfigFiles } from '../../../../src/ssh/config/config-files.js';
import { KEYWORDS } from '../../../../src/ssh/config/keywords.js';
import { parseLine } from '../../../../src/ssh/config/line.js';
import { resolveHost } from '../../../../src/ssh/config/resolve.js';
import { damaged, FUZZ_TIMEOUT, fuzz } from '../../fuzz.js';

const PLACE = { kind: 'file', file: 'config', line: 1 } as const;
const PATHS = { cwd: '/', home: '/home/me' };

describe('whatever a configuration holds', () => {
  const keyword = fc.constantFrom(...KEYWORDS.map(({ name }) => name), 'Host', 'Match', 'Other');
  const word = fc.constantFrom(
    'a',
    'b',
    '*',
    '!a',
    'all',
    'final',
    'exec',
    'host',
    'user',
    '%h',
    '%',
    '~',
    '$' + '{',
    '"',
    "'",
    '\\',
    '#',
    '=',
    ',',
    '5',
    '@',
    ':',
    '[',
    'none',
    'ssh',
    '-W',
    '%h:%p',
    '-o',
    '-J',
    '\u0000',
    '\f',
    '',
  );
  const line = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc
      .tuple(keyword, fc.constantFrom(' ', '=', ' = ', '\t'), fc.array(word, { maxLength: 5 }))
      .map(([name, separator, words]) => `${name}${separator}${words.join(' ')}`),
  );

  test('it is understood, or refused with an error of ours that names the line', {
    timeout: FUZZ_TIMEOUT,
  }, async () => {
    let understood = 0;
    await fuzz(
      fc.property(fc.array(line, { maxLength: 6 }), fc.constantFrom('a', 'b', 'a.example'), (lines, host) => {
        try {
          resolveHost(host, parseArguments('', 'x', PATHS), contextOf(lines.join('\n')));
          understood++;
        } catch (error) {
          if (!(error instanceof StateError)) throw error;
          expect(error.kind).toBe('usage');
          expect(error.code).toMatch(/^ssh-config\./);
          expect(error.code === 'ssh-config.arguments' || /^config:\d+: /.test(error.what)).toBe(true);
        }
      }),
    );
    expect(understood).toBeGreaterThan(0);
  });

  test('so is one of everyday that came to harm', { timeout: FUZZ_TIMEOUT }, async () => {
    await fuzz(
      fc.property(damaged(Buffer.from(EVERYDAY)), fc.constantFrom('a', 'web1.example'), (bytes, host) => {
        onlyOurs(() => resolveHost(host, parseArguments('', 'x', PATHS), contextOf(bytes.toString())));
      }),
    );
  });

  test('so are arguments', { timeout: FUZZ_TIMEOUT }, async () => {
    const part = fc.constantFrom(
      '-o',
      '-J',
      '-i',
      '-p',
      '-F',
      '-W',
      '-q',
      '-x4',
      '--',
      '"',
      "'",
      '\\',
      'User=x',
      'a',
      '%',
      '=',
    );
    await fuzz(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(part).map((parts) => parts.join(' ')),
        ),
        (text) => {
          onlyOurs(() => resolveHost('a', parseArguments(text, 'x', PATHS), contextOf('')));
        },
      ),
    );
  });
});

const EVERYDAY = `Host *.example !db.example
  HostName %h
  User "jo smith"
  Port 2222
  ProxyJump me@bastion:22,[::1]:2200
  IdentityFile ~/.ssh/id_%r
  ServerAliveInterval=15
Match host web1.example user root
  UserKnownHostsFile ~/.ssh/known \\
  SetEnv A=b
  HostKeyAlgorithms +ssh-rsa,-ssh-dss
Host a
  ConnectTimeout 5m
  IdentitiesOnly yes
`;

function onlyOurs(work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof StateError)) throw error;
  }
}

/** A context whose only file has this text. */
function contextOf(text: string): Parameters<typeof resolveHost>[2] {
  const files: Pick<ConfigFiles, 'lines'> = {
    lines: () =>
      text.split('\n').flatMap((content, index) => {
        const parsed = parseLine(content, { ...PLACE, line: index + 1 });
        return parsed === undefined ? [] : [parsed];
      }),
  };
  return {
    machine: { home: '/home/me', localUser: 'me', uid: 1, hostname: 'desk', env: {} },
    files,
    defaultUser: 'root',
    systemFolder: '/etc/ssh',
    cwd: '/',
    choice: { file: '/config' },
    everywhere: [],
  };
}
