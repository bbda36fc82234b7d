import { describe, expect, it } from 'vitest';
import { askedFeatures, putParameters } from '../../../src/repository/s3/put-parameters.js';
import { checkedS3Settings, type S3Settings } from '../../../src/repository/s3/settings.js';

const settings = (change: Partial<S3Settings>) =>
  checkedS3Settings({ kind: 's3', bucket: 'backups', ...change });
const DAY = 86_400_000;

describe('what a put asks of S3', () => {
  it('is never to overwrite, unless the store does not know that', () => {
    for (const use of ['archive', 'small', 'short-lived'] as const) {
      expect(putParameters(settings({}), use)).toEqual({
        ContentType: 'application/octet-stream',
        IfNoneMatch: '*',
      });
      expect(putParameters(settings({ conditionalWrites: false }), use)).not.toHaveProperty('IfNoneMatch');
    }
  });

  it('is a storage class for archives alone, because the rest is read with every listing', () => {
    const cold = settings({ storageClass: 'GLACIER_IR' });
    expect(putParameters(cold, 'archive')).toMatchObject({ StorageClass: 'GLACIER_IR' });
    expect(putParameters(cold, 'small')).not.toHaveProperty('StorageClass');
    expect(putParameters(cold, 'short-lived')).not.toHaveProperty('StorageClass');
  });

  it.each([
    [{ encryption: 'aes256' }, { ServerSideEncryption: 'AES256' }],
    [{ encryption: 'aws:kms' }, { ServerSideEncryption: 'aws:kms' }],
    [
      { encryption: 'aws:kms', kmsKeyId: 'key' },
      { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: 'key' },
    ],
  ] as const)('is encryption for every object, because buckets may demand it: %j', (change, expected) => {
    for (const use of ['archive', 'small', 'short-lived'] as const) {
      expect(putParameters(settings(change), use)).toMatchObject(expected);
    }
  });

  it.each([
    ['governance', 'GOVERNANCE'],
    ['compliance', 'COMPLIANCE'],
  ] as const)(
    'is an object lock of so many days, %s, with a checksum, and none for leases',
    (mode, expected) => {
      const locked = settings({ objectLock: { mode, days: 30 }, checksums: 'when-required' });
      for (const use of ['archive', 'small'] as const) {
        const before = Date.now();
        const { ObjectLockMode, ObjectLockRetainUntilDate, ChecksumAlgorithm } = putParameters(locked, use);
        expect(ObjectLockMode).toBe(expected);
        expect(ObjectLockRetainUntilDate?.getTime()).toBeGreaterThanOrEqual(before + 30 * DAY);
        expect(ObjectLockRetainUntilDate?.getTime()).toBeLessThanOrEqual(Date.now() + 30 * DAY);
        expect(ChecksumAlgorithm).toBe('CRC32');
      }
      expect(putParameters(locked, 'short-lived')).not.toHaveProperty('ObjectLockMode');
      expect(askedFeatures(locked)).toEqual(['an object lock']);
    },
  );
});
