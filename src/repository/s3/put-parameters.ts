import type { ObjectLockMode, PutObjectCommandInput, ServerSideEncryption } from '@aws-sdk/client-s3';
import type { CheckedS3Settings } from './settings.js';

/**
 * What is put: an archive (large, read once in a while), something small that is read often, or something that is removed
 * within minutes.
 */
export type PutUse = 'archive' | 'small' | 'short-lived';

export type PutParameters = Pick<
  PutObjectCommandInput,
  | 'ContentType'
  | 'IfNoneMatch'
  | 'StorageClass'
  | 'ServerSideEncryption'
  | 'SSEKMSKeyId'
  | 'ObjectLockMode'
  | 'ObjectLockRetainUntilDate'
  | 'ChecksumAlgorithm'
>;

const DAY = 86_400_000;

/** What else a put asks of a store, for people: what it may have refused. */
export function askedFeatures({ storageClass, encryption, objectLock }: CheckedS3Settings): string[] {
  return [
    ...(objectLock === undefined ? [] : ['an object lock']),
    ...(storageClass === undefined ? [] : [`the storage class ${storageClass}`]),
    ...(encryption === undefined ? [] : [`its encryption (${encryption})`]),
  ];
}

/** The parameters of a put that follow from the settings. */
export function putParameters(settings: CheckedS3Settings, use: PutUse): PutParameters {
  return {
    ContentType: 'application/octet-stream',
    ...(settings.conditionalWrites && { IfNoneMatch: '*' }),
    ...encryptionParameters(settings),
    // What is small is read with every listing: cheap to keep, and not cheap to read in a class for what is rarely read.
    ...(use === 'archive' && settings.storageClass !== undefined && { StorageClass: settings.storageClass }),
    ...(use !== 'short-lived' && lockParameters(settings)),
  };
}

function encryptionParameters({ encryption, kmsKeyId }: CheckedS3Settings): PutParameters {
  if (encryption === undefined) return {};
  const algorithm: ServerSideEncryption = encryption === 'aes256' ? 'AES256' : encryption;
  return { ServerSideEncryption: algorithm, ...(kmsKeyId !== undefined && { SSEKMSKeyId: kmsKeyId }) };
}

function lockParameters({ objectLock }: CheckedS3Settings): PutParameters {
  if (objectLock === undefined) return {};
  const mode: ObjectLockMode = objectLock.mode === 'governance' ? 'GOVERNANCE' : 'COMPLIANCE';
  return {
    ObjectLockMode: mode,
    ObjectLockRetainUntilDate: new Date(Date.now() + objectLock.days * DAY),
    // S3 takes a lock only with a checksum, whatever `checksums` says.
    ChecksumAlgorithm: 'CRC32',
  };
}
