import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Setting } from '../../../src/coolify/settings/setting.js';
import { SETTINGS, UNUSED } from '../../../src/coolify/settings/table.js';
import { FILTERS } from '../../../src/inventory/filters.js';

const PROJECT = resolve(import.meta.dirname, '../../..');
const page = readFileSync(resolve(PROJECT, 'docs/coming-from-ansible.md'), 'utf8');

/** Names in the first cell of the page's tables, with what the second cell says of them. */
const rows = new Map(
  page.split('\n').flatMap((line) => {
    const [, names, verdict] = line.split('|').map((cell) => cell.trim());
    if (names === undefined || verdict === undefined) return [];
    return [...names.matchAll(/`([^`]+)`/g)].map(([, name = '']) => [name, verdict] as const);
  }),
);

/** What the replaced role reads under these names, of the settings that this program has too. */
const ROLE = new Set([
  ...['s3_enabled', 's3_endpoint', 's3_bucket', 's3_region', 's3_path', 'backup_encryption_key_path'],
  ...['coolify_base_url', 'coolify_api_base_url'],
]);

const settings: readonly Setting<unknown>[] = Object.values(SETTINGS);
const known = settings.flatMap(({ name, aliases }) =>
  [name, ...aliases].filter(
    (one) => one.startsWith('ansible_') || [name, ...aliases].some((other) => ROLE.has(other)),
  ),
);

describe('docs/coming-from-ansible.md', () => {
  it('has settings to look for', () => {
    expect(known).toContain('coolify_s3_bucket');
    expect(known).toContain('ansible_host');
  });

  it.each(known)('says what became of %s, which is read', (name) => {
    expect(rows.get(name)).toMatch(/^(honoured|differently)$/);
  });

  it.each([...UNUSED.keys()])('says that %s is not needed', (name) => {
    expect(rows.get(name)).toBe('not needed');
  });

  it.each(['coolify_s3_access_key', 's3_access_key', 'coolify_s3_secret_key', 's3_secret_key'])(
    'says that %s is refused',
    (name) => {
      expect(rows.get(name)).toBe('refused');
    },
  );
});

describe('docs/inventory.md', () => {
  const inventory = readFileSync(resolve(PROJECT, 'docs/inventory.md'), 'utf8');

  it.each([...FILTERS.keys()])('names the filter %s', (name) => {
    expect(inventory).toContain(`\`${name}\``);
  });
});
