import { describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { inventoryOf } from './files.js';

/** The value of `x` among variables of one host. */
async function valueIn(variables: string): Promise<unknown> {
  const lines = variables.split('\n').map((line) => `      ${line}`);
  const inventory = await inventoryOf({ 'h.yml': `all:\n  hosts:\n    h:\n${lines.join('\n')}\n` });
  return inventory.host('h')?.variable('x');
}

async function faultOf(variables: string): Promise<StateError> {
  const thrown = await valueIn(variables).catch((error: unknown) => error);
  if (thrown instanceof StateError) return thrown;
  throw new Error(`it did not fail but came to ${JSON.stringify(thrown)}`);
}

describe('templates', () => {
  test('what nobody asks for is never evaluated', async () => {
    expect(
      await valueIn('x: 1\nbroken: "{{ nowhere | no_such_filter }"\nworse: "{{ lookup(\'pipe\', \'id\') }}"'),
    ).toBe(1);
  });

  test('an expression that is not supported is named with its place', async () => {
    const { code, what, host } = await faultOf('a: 1\nx: "v{{ a | regex_replace(1, 2) }}"');
    expect(code).toBe('inventory.template-unsupported');
    expect(what).toMatch(
      /^h\.yml:5:12: The filter "regex_replace" is not supported .* in \{\{ a \| regex_replace\(1, 2\) }}$/,
    );
    expect(host).toBe('h');
  });

  test.each([
    ['a lookup that runs programs', "x: \"{{ lookup('pipe', 'id') }}\"", 'template-unsupported'],
    ['a statement', 'x: "{% if true %}a{% endif %}"', 'template-unsupported'],
    ['a call', 'x: "{{ range(3) }}"', 'template-unsupported'],
    ['a test', 'x: "{{ 1 is divisibleby 3 }}"', 'template-unsupported'],
    ['an expression that does not end', 'x: "{{ a"', 'template-syntax'],
    ['an empty expression', 'x: "{{ }}"', 'template-syntax'],
    ['a name that nothing defines', 'x: "{{ nowhere }}"', 'undefined-variable'],
    ['a name behind another that nothing defines', 'x: "{{ y }}"\ny: "{{ nowhere }}"', 'undefined-variable'],
    ['a variable that refers to itself', 'x: "{{ y }}"\ny: "{{ x }}"', 'template-loop'],
    ['text plus a number', 'x: "{{ \'a\' + 1 }}"', 'template-value'],
    ['a division by zero', 'x: "{{ 1 / 0 }}"', 'template-value'],
    ['what is not base64', 'x: "{{ \'a\' | b64decode }}"', 'template-value'],
    ['a power beyond reason', 'x: "{{ 9 ** 999999 }}"', 'template-value'],
    ['a file that is not there', "x: \"{{ lookup('file', 'nowhere') }}\"", 'template-value'],
    ['playbook_dir', 'x: "{{ playbook_dir }}"', 'playbook-dir'],
    ['brackets beyond reason', `x: "{{ ${'('.repeat(5000)} }}"`, 'template-syntax'],
  ])('%s is an error with a code', async (_title, variables, code) => {
    expect((await faultOf(variables)).code).toBe(`inventory.${code}`);
  });

  test('a name that is nearly right is suggested', async () => {
    expect((await faultOf('domain: a\nx: "{{ domian }}"')).what).toContain('did you mean "domain"');
  });

  test('lookups of a file start at the working directory, and ~ is the home of the environment', async () => {
    const inventory = await inventoryOf({
      'h.yml':
        "all: { hosts: { h: { x: \"{{ lookup('file', 'key.pub') }}\", y: \"{{ '~/k' | expanduser }}\" } } }\n",
      'key.pub': 'ssh-ed25519 AAAA me \n\n',
    });
    expect(inventory.host('h')?.variables()).toEqual({ x: 'ssh-ed25519 AAAA me', y: '/home/me/k' });
  });

  test('text from a lookup is never a template itself', async () => {
    const inventory = await inventoryOf(
      { 'h.yml': 'all: { hosts: { h: { x: "{{ lookup(\'env\', \'V\') }}", y: "<{{ x }}>" } } }\n' },
      { env: { V: '{{ nowhere }}' } },
    );
    expect(inventory.host('h')?.variable('y')).toBe('<{{ nowhere }}>');
  });

  test('a key that is called __proto__ is a key', async () => {
    const value = await valueIn('x: { __proto__: { polluted: 1 }, constructor: 2 }');
    expect(Object.keys(Object(value))).toEqual(['__proto__', 'constructor']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
  });

  test('integers beyond what a number holds stay exact in text', async () => {
    expect(await valueIn('n: 123456789012345678901234567890\nx: "a{{ n }}"')).toBe(
      'a123456789012345678901234567890',
    );
  });
});
