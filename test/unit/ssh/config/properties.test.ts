import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDestination, parseJumpHosts, showJumpHost } from '../../../../src/ssh/config/jump-hosts.js';
import { madeLine, parseLine, quoted, splitWords } from '../../../../src/ssh/config/line.js';
import { matchesList, matchesPattern } from '../../../../src/ssh/config/patterns.js';
import { shellWords } from '../../../../src/ssh/config/shell-words.js';

const PLACE = { kind: 'file', file: 'config', line: 1 } as const;

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
