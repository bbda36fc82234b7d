import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  command,
  describe as describeCommand,
  pipe,
  quote,
  render,
  script,
  withEnvironment,
} from '../../../src/ssh/command.js';

describe('a remote command', () => {
  test('is a program with arguments that are quoted only where a shell would touch them', () => {
    expect(render(command('tar', '-cf', '-', '/data/coolify', 'a b'))).toBe(`tar -cf - /data/coolify 'a b'`);
  });

  test('takes a script as constant text and values as its arguments', () => {
    expect(render(script('cat "$1"', '/x; rm -rf /'))).toBe(`sh -c 'cat "$1"' sh '/x; rm -rf /'`);
  });

  test('puts variables before the program with env', () => {
    expect(render(withEnvironment({ A: '1 2', B: '' }, command('x')))).toBe(`env 'A=1 2' 'B=' x`);
  });

  test('refuses a variable name that is not one', () => {
    expect(() => withEnvironment({ 'A B': '' }, command('x'))).toThrow(
      expect.objectContaining({ code: 'ssh.command-invalid' }),
    );
  });

  test('longer than Linux takes as one argument is refused before it is sent', () => {
    expect(() => render(command('echo', 'x'.repeat(125_000)))).toThrow(
      expect.objectContaining({ code: 'ssh.command-too-long' }),
    );
  });

  test('is described in one short printable line', () => {
    const described = describeCommand(
      script('\n# comment\n  echo "$1"\nexit 1', 'a\u001b[31mb', 'x'.repeat(200)),
    );
    expect(described).toMatch(/^sh: echo "\$1" a\\x1b\[31mb x+…$/);
    expect(described.length).toBe(100);
  });

  test('that is a pipe names both ends', () => {
    expect(describeCommand(pipe(command('a', '1'), command('b')))).toBe('a 1 | b');
  });
});

describe('quote', () => {
  test.each([
    ['', `''`],
    ['plain-1.0_/:@+,', 'plain-1.0_/:@+,'],
    ['a b', `'a b'`],
    [`it's`, `'it'"'"'s'`],
    ['a\\b', `'a'"\\\\"'b'`],
    [`'\\'`, `"'\\\\'"`],
    ['=ls', `'=ls'`],
    ['$HOME `x` !1 *', `'$HOME \`x\` !1 *'`],
  ])('%j becomes %s', (word, quoted) => {
    expect(quote(word)).toBe(quoted);
  });

  test('refuses NUL and text that is not Unicode', () => {
    for (const word of ['a\0b', '\ud800']) {
      expect(() => quote(word)).toThrow(expect.objectContaining({ code: 'ssh.command-invalid' }));
    }
  });

  test('leaves nothing but quotes and backslashes outside single quotes', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }).filter((word) => !word.includes('\0')),
        (word) => {
          const outside = quote(word).replace(/'[^'\\]*'|"(?:'|\\\\)+"/gs, '');
          expect(outside).toMatch(/^[A-Za-z0-9_./:@+,-]*$/);
        },
      ),
    );
  });
});
