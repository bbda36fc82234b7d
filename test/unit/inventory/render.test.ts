import { describe, expect, test } from 'vitest';
import { inventoryGraph, inventoryList } from '../../../src/inventory/render.js';
import { inventoryOf } from './files.js';

const HOSTS =
  'all: { children: { web: { vars: { v: 1 }, hosts: { h: { ansible_password: hunter2, n: 1.0 } } } } }\n';
const redact = (name: string): boolean => name === 'ansible_password';

describe('listings', () => {
  test('values of secret variables are redacted where asked', async () => {
    const inventory = await inventoryOf({ 'h.yml': HOSTS });
    for (const options of [{ redact }, { redact, export: true }]) {
      expect(inventoryList(inventory, options)).not.toContain('hunter2');
    }
    expect(inventoryGraph(inventory, { redact, vars: true })).not.toContain('hunter2');
    expect(inventoryList(inventory)).toContain('hunter2');
  });

  test('the graph shows variables where asked, as Python prints them', async () => {
    const inventory = await inventoryOf({ 'h.yml': HOSTS });
    expect(inventoryGraph(inventory, { start: 'web', vars: true, redact })).toBe(
      [
        '@web:',
        '  |--h',
        '  |  |--{ansible_password = [redacted]}',
        '  |  |--{n = 1.0}',
        '  |  |--{v = 1}',
        '  |--{v = 1}',
      ].join('\n'),
    );
  });

  test('there is no graph of a group that does not exist', async () => {
    expect(inventoryGraph(await inventoryOf({ 'h.yml': HOSTS }), { start: 'nowhere' })).toBeUndefined();
  });

  test('a host name cannot write to the terminal', async () => {
    const inventory = await inventoryOf({ 'h.yml': 'all: { hosts: { "a\\e7b": } }\n' });
    expect(inventoryGraph(inventory)).toContain('a\\x1b7b');
  });
});
