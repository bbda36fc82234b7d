import { describe, expect, test } from 'vitest';
import { failureOf, inventoryOf } from './files.js';

const HOSTS = 'all: { hosts: { a: { labels: [x] }, b: } }\n';

function withConfig(config: string): Record<string, string> {
  return { 'inventory/hosts.yml': HOSTS, 'inventory/z.yml': `plugin: constructed\n${config}` };
}

describe('constructed groups', () => {
  test('a host without the variable is passed over, unless strict', async () => {
    const inventory = await inventoryOf(withConfig('keyed_groups: [{ key: labels, separator: "" }]\n'));
    expect(inventory.select('x').map((host) => host.name)).toEqual(['a']);
    const failure = await failureOf(
      withConfig('strict: true\nkeyed_groups: [{ key: labels, separator: "" }]\n'),
    );
    expect(failure).toMatchObject({ code: 'inventory.undefined-variable' });
  });

  test.each([
    ['keyed_groups', 'keyed_groups: [{ key: labels | map("upper") }]\n'],
    ['groups', 'groups: { g: labels is match("x") }\n'],
    ['compose', 'compose: { v: labels | to_json }\n'],
  ])(
    '%s: what is not supported is an error even where strict is off, because a group would be missing',
    async (_title, config) => {
      expect(await failureOf(withConfig(config))).toMatchObject({
        code: 'inventory.template-unsupported',
        what: expect.stringContaining('inventory/z.yml:2'),
      });
    },
  );

  test.each([
    ['a key that is a number', 'keyed_groups: [{ key: "labels | length" }]\n', undefined],
    ['an entry without a key', 'keyed_groups: [{ prefix: x }]\n', 'inventory.constructed'],
    ['a mapping for a list', 'keyed_groups: { key: labels }\n', 'inventory.constructed'],
    [
      'two options that exclude each other',
      'keyed_groups: [{ key: labels, default_value: a, trailing_separator: false }]\n',
      'inventory.constructed',
    ],
    ['a switch that is none', 'strict: maybe\n', 'inventory.constructed'],
  ])('%s', async (_title, config, code) => {
    const failure = await failureOf(withConfig(config));
    if (code === undefined) expect(failure).toBeUndefined();
    else expect(failure).toMatchObject({ code });
  });

  test('an option that it does not have is told', async () => {
    const inventory = await inventoryOf(withConfig('keyed_group: []\n'));
    expect(inventory.warnings.join()).toContain('"keyed_group"');
  });

  test('the ending .config, which the replaced role allows, is read too', async () => {
    const inventory = await inventoryOf({
      'inventory/hosts.yml': HOSTS,
      'inventory/z.config': 'plugin: constructed\nkeyed_groups: [{ key: labels, separator: "" }]\n',
    });
    expect(inventory.groups.get('x')?.map((host) => host.name)).toEqual(['a']);
  });
});
