import type { Settings } from './settings.js';

/** What the inventory says of a host as one of a fleet. Times in seconds. */
export interface FleetSettings {
  /** Site or network. */
  readonly group: string;
  readonly groupLimit: number | undefined;
  readonly repositoryLimit: number | undefined;
  readonly attempts: number;
  readonly retryAfter: number;
  /** How often each operation is due; undefined for never. */
  readonly every: Readonly<Record<'backup' | 'verify' | 'prune' | 'drill', number | undefined>>;
  readonly start: number;
  readonly jitter: number;
}

export function fleetSettingsOf(settings: Settings): FleetSettings {
  return {
    group: settings.fleetGroup.value,
    groupLimit: settings.fleetGroupLimit.value,
    repositoryLimit: settings.fleetRepositoryLimit.value,
    attempts: settings.fleetAttempts.value,
    retryAfter: settings.fleetRetryAfter.value,
    every: {
      backup: settings.fleetBackupEvery.value,
      verify: settings.fleetVerifyEvery.value,
      prune: settings.fleetPruneEvery.value,
      drill: settings.fleetDrillEvery.value,
    },
    start: settings.fleetStart.value,
    jitter: settings.fleetJitter.value,
  };
}
