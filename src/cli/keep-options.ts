import type { Options } from 'yargs';
import type { SettingName } from '../coolify/settings/table.js';
import { lastOf } from './options.js';

const count = (describe: string) =>
  ({ type: 'string', coerce: lastOf, requiresArg: true, describe, group: 'Retention:' }) as const;

/** Rules of retention, as in `restic forget`. Each wins over the setting of the same name. */
export const KEEP = {
  'keep-last': count('keep the newest so many; "unlimited" for all, here and below'),
  'keep-hourly': count('keep the newest of so many hours that have one'),
  'keep-daily': count('of so many days, in UTC'),
  'keep-weekly': count('of so many weeks, Monday to Sunday'),
  'keep-monthly': count('of so many months'),
  'keep-yearly': count('of so many years'),
  'keep-within': count('keep all that are newer than so long before the newest: "1y5m7d2h"'),
  'keep-within-hourly': count('of these the newest of each hour'),
  'keep-within-daily': count('of these the newest of each day'),
  'keep-within-weekly': count('of these the newest of each week'),
  'keep-within-monthly': count('of these the newest of each month'),
  'keep-within-yearly': count('of these the newest of each year'),
} as const satisfies Record<string, Options>;

const SETTING_OF = {
  'keep-last': 'keepLast',
  'keep-hourly': 'keepHourly',
  'keep-daily': 'keepDaily',
  'keep-weekly': 'keepWeekly',
  'keep-monthly': 'keepMonthly',
  'keep-yearly': 'keepYearly',
  'keep-within': 'keepWithin',
  'keep-within-hourly': 'keepWithinHourly',
  'keep-within-daily': 'keepWithinDaily',
  'keep-within-weekly': 'keepWithinWeekly',
  'keep-within-monthly': 'keepWithinMonthly',
  'keep-within-yearly': 'keepWithinYearly',
} as const satisfies Record<keyof typeof KEEP, SettingName>;

type KeepName = keyof typeof SETTING_OF;

/** The rules of the command line, by the settings they win over. Empty when none was given. */
export function keepFlags(
  args: Partial<Readonly<Record<KeepName, string | undefined>>>,
): Partial<Record<SettingName, string>> {
  const flags: Partial<Record<SettingName, string>> = {};
  for (const [name, setting] of Object.entries(SETTING_OF)) {
    const value = isKeepName(name) ? args[name] : undefined;
    if (value !== undefined) flags[setting] = value;
  }
  return flags;
}

function isKeepName(name: string): name is KeepName {
  return name in SETTING_OF;
}
