import type { Span } from '../../repository/retention/span.js';
import { optional, type Setting } from './setting.js';
import { KEEP_COUNT, SPAN } from './types.js';

/** A counted rule of retention, in restic's words. */
function keepCount(which: string, description: string): Setting<number> {
  return optional(KEEP_COUNT, { section: 'Retention', name: `coolify_keep_${which}`, description });
}

/** A rule of retention that goes by time. */
function keepWithin(which: string, description: string): Setting<Span> {
  return optional(SPAN, { section: 'Retention', name: `coolify_keep_${which}`, description });
}

/** What is kept of them. */
export const RETENTION_SETTINGS = {
  keepLast: keepCount(
    'last',
    'How many of the newest snapshots `prune` keeps. Here and below: each of `coolify_keep_*` keeps on its own, what none keeps goes, and without any `prune` removes nothing. See docs/retention.md.',
  ),
  keepHourly: keepCount('hourly', 'Of how many hours that have one the newest snapshot is kept.'),
  keepDaily: keepCount('daily', 'The same for days, in UTC.'),
  keepWeekly: keepCount('weekly', 'The same for weeks of ISO 8601, Monday to Sunday.'),
  keepMonthly: keepCount('monthly', 'The same for months.'),
  keepYearly: keepCount('yearly', 'The same for years.'),
  keepWithin: keepWithin(
    'within',
    'Keeps all that are newer than so long before the newest: `7d`, `1y5m7d2h`.',
  ),
  keepWithinHourly: keepWithin('within_hourly', 'Of these only the newest of each hour.'),
  keepWithinDaily: keepWithin('within_daily', 'Of these only the newest of each day.'),
  keepWithinWeekly: keepWithin('within_weekly', 'Of these only the newest of each week.'),
  keepWithinMonthly: keepWithin('within_monthly', 'Of these only the newest of each month.'),
  keepWithinYearly: keepWithin('within_yearly', 'Of these only the newest of each year.'),
} as const;
