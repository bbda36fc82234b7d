import type { KeepPolicy } from '../../repository/retention/keep-policy.js';
import type { Settings } from './settings.js';

/** What the `coolify_keep_*` settings say is to be kept. Empty when none is set. */
export function keepPolicyOf(settings: Settings): KeepPolicy {
  return {
    last: settings.keepLast.value,
    hourly: settings.keepHourly.value,
    daily: settings.keepDaily.value,
    weekly: settings.keepWeekly.value,
    monthly: settings.keepMonthly.value,
    yearly: settings.keepYearly.value,
    within: settings.keepWithin.value,
    withinHourly: settings.keepWithinHourly.value,
    withinDaily: settings.keepWithinDaily.value,
    withinWeekly: settings.keepWithinWeekly.value,
    withinMonthly: settings.keepWithinMonthly.value,
    withinYearly: settings.keepWithinYearly.value,
  };
}
