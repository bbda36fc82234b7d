import { describe, expect, test } from 'vitest';
import { StateError } from '../../../src/core/errors.js';
import { failureOf } from './files.js';

async function textOf(files: Readonly<Record<string, string>>): Promise<string> {
  const failure = await failureOf(files);
  if (!(failure instanceof StateError)) throw new Error('it did not fail');
  return [failure.what, failure.why, failure.next, failure.detail]
    .filter((part) => part !== undefined)
    .join('\n');
}

describe('errors of inventories', () => {
  test('name file, line and column, show the line, and say what was expected', async () => {
    expect(await textOf({ 'inventory/hosts.yml': 'all:\n  hosts:\n    - web1\n' })).toBe(
      [
        'inventory/hosts.yml:3:5: "hosts" of the group "all" is a list',
        'expected a mapping, such as "web1.example.com:", without a dash before it',
        'correct line 3 of inventory/hosts.yml',
        '3 |     - web1',
        '  |     ^',
      ].join('\n'),
    );
  });

  test('a template without quotes in YAML is told to need them', async () => {
    const text = await textOf({ 'h.yml': 'all:\n  hosts:\n    h:\n      a: {{ b }}\n' });
    expect(text).toContain('h.yml:4:11');
    expect(text).toContain('expected quotes around a value that begins with {{');
  });

  test('a tab as indentation is told to be one', async () => {
    expect(await textOf({ 'h.yml': 'all:\n\thosts:\n' })).toContain('spaces: YAML does not allow tabs');
  });

  test.each([
    ['an alias that means a billion values', bomb(), 'inventory.yaml-alias'],
    ['an alias inside of what it refers to', 'all: &a { vars: { x: *a } }\n', 'inventory.yaml-alias'],
    ['an alias to nothing', 'all: { vars: { x: *nowhere } }\n', 'inventory.yaml-alias'],
    [
      'a tag that makes Python run something',
      'all: { vars: { x: !!python/object/apply:os.system [id] } }\n',
      'inventory.yaml-tag',
    ],
    ['ten thousand brackets', `all: { vars: { x: ${'['.repeat(10_000)} } }\n`, 'inventory.yaml-syntax'],
    [
      'three hundred levels',
      `all: { vars: { x: ${'['.repeat(300)}${']'.repeat(300)} } }\n`,
      'inventory.yaml-syntax',
    ],
    ['a list at the top', '- a\n- b\n', 'inventory.yaml-structure'],
    ['a plugin that asks a cloud', 'plugin: hetzner.hcloud.hcloud\n', 'inventory.plugin-unknown'],
  ])('%s is refused', async (_title, text, code) => {
    expect(await failureOf({ 'h.yml': text })).toMatchObject({ kind: 'usage', code });
  });

  test.each([
    ['a word after a host', 'h ansible_password=open sesame\n'],
    ['a line that sets nothing', '[all:vars]\nansible_password sesame\n'],
    ['a quote that is left open', 'h ansible_password="sesame\n'],
  ])('%s: nothing of a password on the line is shown', async (_title, text) => {
    const shown = await textOf({ 'h.ini': text });
    expect(shown).toContain('h.ini:');
    expect(shown).not.toContain('sesame');
  });

  test('YAML that is broken on the line of a password shows nothing of it', async () => {
    const shown = await textOf({ 'h.yml': 'all:\n  vars:\n    db_password: "sesame\n' });
    expect(shown).not.toContain('sesame');
  });

  test('control characters of a file do not reach the terminal', async () => {
    const shown = await textOf({ 'h.ini': '[a\u001b[31m b]\n' });
    expect(shown).toContain('\\x1b[31m');
  });

  test('TOML is refused with the command that turns it into YAML', async () => {
    expect(await textOf({ 'h.toml': '[web.hosts]\n' })).toContain('ansible-inventory');
  });
});

/** Nine levels of nine aliases each. */
function bomb(): string {
  const lines = ['  a0: &a0 [x]'];
  for (let level = 1; level <= 9; level++) {
    lines.push(`  a${level}: &a${level} [${Array.from({ length: 9 }, () => `*a${level - 1}`).join(', ')}]`);
  }
  return `all:\n vars:\n${lines.join('\n')}\n`;
}
