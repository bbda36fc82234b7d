import { notifySettingsOf } from '../../coolify/settings/notify.js';
import type { Settings } from '../../coolify/settings/settings.js';
import type { NotifySettings } from '../../notify/notifier.js';
import { parseSampleSize, type SampleSize } from '../snapshots/sample.js';

/** What a run without anybody watching does on a host, and whom it tells. */
export interface UnattendedSettings {
  readonly notify: NotifySettings;
  /** Folder of node_exporter's textfile collector. */
  readonly metricsFolder: string | undefined;
  /** How many of the stored snapshots are verified each time. */
  readonly sample: SampleSize;
  /** Whether they are decrypted for it. */
  readonly readData: boolean;
}

/** @throws StateError `settings.mail`, `verify.sample` */
export function unattendedSettingsOf(settings: Settings, host: string): UnattendedSettings {
  return {
    notify: notifySettingsOf(settings, host),
    metricsFolder: settings.metricsFolder.value,
    sample: parseSampleSize(settings.verifySample.value),
    readData: settings.verifyReadData.value,
  };
}
