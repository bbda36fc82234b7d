import { describe, expect, it } from 'vitest';
import { keepPolicyOf } from '../../../src/coolify/settings/retention.js';
import { readSettings } from '../../../src/coolify/settings/settings.js';
import { shownSettings } from '../../../src/coolify/settings/show.js';
import type { SettingName } from '../../../src/coolify/settings/table.js';
import { describePolicy } from '../../../src/repository/retention/keep-policy.js';
import { inventoryOf } from '../inventory/files.js';

async function settingsOf(variables: string, flags: Partial<Record<SettingName, string>> = {}) {
  const text = `all: { hosts: { web1: { ${variables} } } }\n`;
  const inventory = await inventoryOf({ 'inventory/hosts.yml': text });
  const [host] = inventory.hosts;
  if (host === undefined) throw new Error('there is no host');
  return readSettings(host, { env: { HOME: '/home/me' }, cwd: '/srv', flags });
}

const policyOf = async (variables: string, flags?: Partial<Record<SettingName, string>>): Promise<string> =>
  describePolicy(keepPolicyOf(await settingsOf(variables, flags)));

describe('the policy of a host', () => {
  it('keeps nothing where nothing is said', async () => {
    expect(await policyOf('')).toBe('');
    expect(await policyOf('coolify_keep_last: 0, coolify_keep_within: 0d')).toBe('');
  });

  it('is read from the inventory, all of it', async () => {
    const names = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'];
    const counts = names.map((name, index) => `coolify_keep_${name}: ${index + 1}`);
    const spans = ['', '_hourly', '_daily', '_weekly', '_monthly', '_yearly'].map(
      (name, index) => `coolify_keep_within${name}: ${index + 1}d`,
    );
    expect(await policyOf([...counts, ...spans].join(', '))).toBe(
      '--keep-last 1 --keep-hourly 2 --keep-daily 3 --keep-weekly 4 --keep-monthly 5 --keep-yearly 6 ' +
        '--keep-within 1d --keep-within-hourly 2d --keep-within-daily 3d --keep-within-weekly 4d ' +
        '--keep-within-monthly 5d --keep-within-yearly 6d',
    );
  });

  it('knows a word and a number for all of them', async () => {
    expect(await policyOf('coolify_keep_daily: unlimited, coolify_keep_yearly: -1')).toBe(
      '--keep-daily unlimited --keep-yearly unlimited',
    );
  });

  it('takes a flag for the setting of the same name, and leaves the others', async () => {
    const inventory = 'coolify_keep_daily: 7, coolify_keep_weekly: 4';
    expect(await policyOf(inventory, { keepDaily: '0', keepLast: '2' })).toBe(
      '--keep-last 2 --keep-weekly 4',
    );
  });

  it.each([
    ['coolify_keep_last: many', 'coolify_keep_last'],
    ['coolify_keep_last: -2', 'coolify_keep_last'],
    ['coolify_keep_last: 1.5', 'coolify_keep_last'],
    ['coolify_keep_within: 7', 'coolify_keep_within'],
    ['coolify_keep_within: 2w', 'coolify_keep_within'],
    ['coolify_keep_within: -1h', 'coolify_keep_within'],
  ])('refuses %s', async (variables, name) => {
    await expect(settingsOf(variables)).rejects.toMatchObject({
      code: 'settings.invalid',
      what: expect.stringContaining(name),
    });
    await expect(settingsOf('coolify_keep_quarterly: 1')).rejects.toMatchObject({ code: 'settings.unknown' });
  });

  it('is shown as it was written', async () => {
    const shown = shownSettings(await settingsOf('coolify_keep_within: 1y5m', { keepLast: '3' }));
    expect(shown).toContainEqual({ name: 'coolify_keep_last', value: '3', source: '--keep-last' });
    expect(shown.find(({ name }) => name === 'coolify_keep_within')?.value).toBe('1y5m');
  });
});
