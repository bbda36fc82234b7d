import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  command,
  pipe,
  quote,
  type RemoteCommand,
  render,
  script,
  withEnvironment,
} from '../../../src/ssh/command.js';
import { requireProgram } from './sshd.js';

/** Every login shell that is supported, and how it is told to run a line. */
const SHELLS: readonly (readonly [string, string, string, readonly string[]])[] = [
  ['sh', '/bin/sh', 'dash', ['-c']],
  ['dash', '/usr/bin/dash', 'dash', ['-c']],
  ['bash', '/bin/bash', 'bash', ['-c']],
  ['busybox sh', '/usr/bin/busybox', 'busybox', ['sh', '-c']],
  ['zsh', '/usr/bin/zsh', 'zsh', ['-c']],
  ['fish', '/usr/bin/fish', 'fish', ['-c']],
];

const ODD = [
  `'`,
  '\\',
  `\\'`,
  `'\\`,
  '"',
  '$(id)',
  '`id`',
  '!!',
  '~',
  '*',
  '{a,b}',
  '=ls',
  '%self',
  '\n',
  '\r\n',
  '\t',
  ' ',
  '#x',
  '-n',
  '&',
  '|',
  ';',
  '\x7f',
  '\u001b[0m',
  'ü',
  '日本',
  '\u2028',
  '^',
  '\\n',
  '\\\\',
  '',
];

describe.each(SHELLS)('through %s', (_name, path, debianPackage, options) => {
  const run = (line: Buffer): Buffer => {
    const program = requireProgram(path, debianPackage);
    return execFileSync(program, [...options, line.toString('utf8')], { env: ENVIRONMENT, input: '' });
  };
  const words = (list: readonly string[]): string[] =>
    run(Buffer.from(`/usr/bin/printf '%s/' ${list.map(quote).join(' ')}`))
      .toString('utf8')
      .split('/')
      .slice(0, -1);

  test('odd words arrive as they were', () => {
    expect(words(ODD)).toEqual(ODD);
  });

  test('any Unicode text arrives as it was', () => {
    const word = fc.string({ unit: 'binary' }).filter((text) => !/[\0/]/.test(text));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (list) => {
        expect(words(list)).toEqual(list);
      }),
      { numRuns: 20 },
    );
  });

  test('every byte arrives as it was', () => {
    requireProgram(path, debianPackage);
    const byte = fc.integer({ min: 1, max: 255 });
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 200 }), (list) => {
        const bytes = Buffer.from([...list, ...Array.from({ length: 255 }, (_, index) => index + 1)]);
        const line = Buffer.from(`exec /usr/bin/printf %s ${quote(bytes.toString('latin1'))}`, 'latin1');
        // Node passes no argument that is not UTF-8; a shell does.
        const starter = `exec "$0" ${options.map(quote).join(' ')} "$(cat)"`;
        const output = execFileSync('/bin/bash', ['-c', starter, path], {
          input: Buffer.concat([line, Buffer.from(' ')]),
          env: ENVIRONMENT,
        });
        expect(output.equals(bytes)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  test('scripts, pipes and variables work, inside each other too', () => {
    const status = (remote: RemoteCommand): string =>
      run(Buffer.from(`${render(script('"$@"; echo "[$?]"', ...remote.argv))}`)).toString();
    expect(status(script('printf %s "$1-$2"', `a'b`, 'c\\d'))).toBe(`a'b-c\\d[0]\n`);
    expect(status(pipe(command('echo', `it's`), command('tr', 'a-z', 'A-Z')))).toBe(`IT'S\n[0]\n`);
    expect(status(pipe(script('echo x; exit 3'), command('cat')))).toBe('x\n[3]\n');
    expect(status(pipe(command('echo', 'x'), script('cat; exit 4')))).toBe('x\n[4]\n');
    expect(status(pipe(script('exit 3'), script('exit 4')))).toBe('[4]\n');
    expect(status(pipe(pipe(command('printf', '%s\\n', 'a\\b'), command('cat')), command('cat')))).toBe(
      'a\\b\n[0]\n',
    );
    expect(status(withEnvironment({ X: `'\\"` }, script('printf %s "$X"')))).toBe(`'\\"[0]\n`);
  });
});

const ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', HOME: '/nonexistent', LC_ALL: 'C.UTF-8' };
