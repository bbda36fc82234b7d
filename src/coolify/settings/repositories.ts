import { StateError } from '../../core/errors.js';
import type { RepositorySettings } from '../../repository/open.js';
import type { ObjectLock } from '../../repository/s3/settings.js';
import { type Settings, showSource } from './settings.js';

/**
 * Where the snapshots of a host go: what `coolify_repository` names, or else the S3 bucket of the `coolify_s3_*`
 * settings. Empty only where uploads were switched off on purpose.
 * @throws StateError `settings.repository-missing` when nothing was said
 */
export function repositoriesOf(settings: Settings, host: string): RepositorySettings[] {
  const named = settings.repositories.value;
  if (named !== undefined) {
    return named.map((place) =>
      place.kind === 's3' ? bucketOf(settings, place.bucket, place.path, host) : place,
    );
  }
  if (!settings.s3Enabled.value) return [];
  const bucket = settings.s3Bucket.value;
  if (bucket !== undefined) return [bucketOf(settings, bucket, settings.s3Path.value, host)];
  throw new StateError({
    kind: 'usage',
    code: 'settings.repository-missing',
    what: 'The inventory does not say where snapshots go',
    why: 'neither coolify_s3_bucket nor coolify_repository is set',
    next: 'Set one of them, or coolify_s3_enabled: false to keep backups on this machine only',
    host,
  });
}

function bucketOf(settings: Settings, bucket: string, path: string, host: string): RepositorySettings {
  return {
    kind: 's3',
    bucket,
    path,
    endpoint: settings.s3Endpoint.value,
    region: settings.s3Region.value,
    pathStyle: settings.s3PathStyle.value,
    checksums: settings.s3Checksums.value,
    storageClass: settings.s3StorageClass.value,
    encryption: settings.s3Encryption.value,
    kmsKeyId: settings.s3KmsKeyId.value,
    objectLock: objectLockOf(settings, host),
    conditionalWrites: settings.s3ConditionalWrites.value,
    caFile: settings.s3CaFile.value,
    cacheFolder: settings.cachePath.value,
    accessKeyId: settings.s3AccessKey.value,
    secretAccessKey: settings.s3SecretKey.value,
  };
}

/** Both halves or none: how long a lock lasts is nothing to guess. */
function objectLockOf({ s3ObjectLock, s3ObjectLockDays }: Settings, host: string): ObjectLock | undefined {
  const [mode, days] = [s3ObjectLock.value, s3ObjectLockDays.value];
  if (mode === undefined && days === undefined) return undefined;
  if (mode !== undefined && days !== undefined) return { mode, days };
  const [set, missing] =
    mode === undefined ? [s3ObjectLockDays, s3ObjectLock] : [s3ObjectLock, s3ObjectLockDays];
  throw new StateError({
    kind: 'usage',
    code: 'settings.incomplete',
    what: `${showSource(set.source)}: ${set.name} is set, and ${missing.name} is not`,
    why: 'an object lock has a mode and a length',
    next: `Set ${missing.name} as well, or neither`,
    host,
  });
}
