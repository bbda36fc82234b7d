import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StateError } from '../../../../src/core/errors.js';
import { parseArguments } from '../../../../src/ssh/config/arguments.js';
import type { ConfigFiles } from '../../../../src/ssh/config/config-files.js';
import { parseDestination, parseJumpHosts, showJumpHost } from '../../../../src/ssh/config/jump-hosts.js';
import { KEYWORDS } from '../../../../src/ssh/config/keywords.js';
import { madeLine, parseLine, quoted, splitWords } from '../../../../src/ssh/config/line.js';
import { matchesList, matchesPattern } from '../../../../src/ssh/config/patterns.js';
import { resolveHost } from '../../../../src/ssh/config/resolve.js';
import { shellWords } from '../../../../src/ssh/config/shell-words.js';

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

  test('it is understood, or refused with an error of ours that names the line', () => {
    let understood = 0;
    fc.assert(
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
      { numRuns: 500 },
    );
    expect(understood).toBeGreaterThan(0);
  });

  test('so are arguments', () => {
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
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.array(part).map((parts) => parts.join(' ')),
        ),
        (text) => {
          try {
            resolveHost('a', parseArguments(text, 'x', PATHS), contextOf(''));
          } catch (error) {
            if (!(error instanceof StateError)) throw error;
          }
        },
      ),
    );
  });
});

describe('writing and reading again gives the same', () => {
  const text = fc.string({
    unit: fc.constantFrom('a', ' ', '\t', '"', "'", '\\', '#', '=', 'é', '%'),
    minLength: 1,
  });

  test('words of a line', () => {
    fc.assert(
      fc.property(fc.array(text), (words) => {
        expect(splitWords(words.map(quoted).join(' '))).toEqual(words);
      }),
    );
  });

  test('a line that was made', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('User', 'HostName', 'identityfile'),
        fc.array(text, { minLength: 1 }),
        (name, words) => {
          const made = madeLine(name, words, PLACE);
          expect(parseLine(made.text, PLACE)).toEqual(made);
        },
      ),
    );
  });

  test('words for a shell', () => {
    fc.assert(
      fc.property(fc.array(text), (words) => {
        expect(shellWords(words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' '))).toEqual(
          words,
        );
      }),
    );
  });

  test('a jump host', () => {
    const name = fc.stringMatching(/^[a-z0-9.-]{1,12}$/);
    const host = fc.record({
      user: fc.option(fc.stringMatching(/^[a-z@+]{1,8}$/), { nil: undefined }),
      host: fc.oneof(name, fc.constantFrom('::1', 'fe80::1')),
      port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(host, { minLength: 1, maxLength: 4 }), (hosts) => {
        expect(hosts.map(showJumpHost).map(parseDestination)).toEqual(hosts);
        const list = parseJumpHosts(hosts.map(showJumpHost).join(','));
        expect(list).toEqual(hosts.length === 1 && hosts[0]?.host === 'none' ? expect.anything() : hosts);
      }),
    );
  });
});

describe('patterns', () => {
  test('match as regular expressions of the same meaning do', () => {
    const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?', '.'), maxLength: 8 });
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 }),
        pattern,
        (text, glob) => {
          const expression = new RegExp(
            `^${glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`,
          );
          expect(matchesPattern(text, glob)).toBe(expression.test(text));
        },
      ),
    );
  });

  test('with many stars take no longer than pattern times text', () => {
    expect(matchesPattern('a'.repeat(50_000), `${'*a'.repeat(200)}b`)).toBe(false);
  });

  test('in a list decide together', () => {
    expect(matchesList('web', 'web,!w*')).toBe(false);
    expect(matchesList('web', '!db')).toBe(false);
    expect(matchesList('web', '!db,*')).toBe(true);
    expect(matchesList('', '')).toBe(true);
  });
});

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
