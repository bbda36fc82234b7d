import type { Settings } from '../../coolify/settings/settings.js';

/** What the inventory says of drills of a host. */
export interface DrillSettings {
  /** Image of the throwaway host; undefined for the one of this program. */
  readonly image: string | undefined;
  /** Volume that the engine of the throwaway host begins with. */
  readonly volume: string | undefined;
  /** Most seconds that a recovery may take. */
  readonly maxRecoverySeconds: number | undefined;
  /** Most seconds that a snapshot may be old. */
  readonly maxDataAgeSeconds: number | undefined;
  /** Private key that signs evidence. */
  readonly evidenceKeyPath: string | undefined;
  /** File of the public keys whose signatures count. */
  readonly evidenceSignersPath: string | undefined;
}

export function drillSettingsOf(settings: Settings): DrillSettings {
  return {
    image: settings.drillImage.value,
    volume: settings.drillVolume.value,
    maxRecoverySeconds: settings.drillMaxRto.value,
    maxDataAgeSeconds: settings.drillMaxRpo.value,
    evidenceKeyPath: settings.evidenceKeyPath.value,
    evidenceSignersPath: settings.evidenceSignersPath.value,
  };
}
