import { HeadObjectCommand, PutObjectRetentionCommand } from '@aws-sdk/client-s3';
import { StateError } from '../../core/errors.js';
import { abortable } from './client.js';
import type { PutParameters } from './put-parameters.js';
import type { UploadPlace } from './upload.js';

type Lock = Pick<PutParameters, 'ObjectLockMode' | 'ObjectLockRetainUntilDate'>;

/** Times are told in whole seconds by some stores. Milliseconds. */
const ROUNDING = 1000;

/**
 * Learns what the store made of a put: the ETag where it told none (Ceph RGW, of objects in parts), and whether it locked
 * the object as it was asked to. Ceph RGW 16 passes over the lock of an object in parts: then the lock is set afterwards.
 * Throws what the SDK threw, or `repository.lock-missing`: an object that only seems to be locked is none.
 */
export async function confirmedEtag(
  place: UploadPlace,
  lock: Lock,
  etag: string | undefined,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  const known = etag === '' ? undefined : etag;
  if (lock.ObjectLockRetainUntilDate === undefined) {
    return known ?? (await lookedAt(place, signal)).ETag;
  }
  const head = await lookedAt(place, signal);
  if (isLocked(head, lock)) return head.ETag;
  const { client, settings, objectKey } = place;
  await client.send(
    new PutObjectRetentionCommand({
      Bucket: settings.bucket,
      Key: objectKey,
      ...(head.VersionId !== undefined && { VersionId: head.VersionId }),
      Retention: { Mode: lock.ObjectLockMode, RetainUntilDate: lock.ObjectLockRetainUntilDate },
    }),
    abortable(signal),
  );
  if (isLocked(await lookedAt(place, signal), lock)) return head.ETag;
  throw new StateError({
    kind: 'failed',
    code: 'repository.lock-missing',
    what: `Could not store ${objectKey} under an object lock`,
    why: 'the store took the object and does not say that it is locked',
    next: 'Allow s3:PutObjectRetention and s3:GetObjectRetention, or leave the lock to a rule of the bucket and unset coolify_s3_object_lock',
  });
}

async function lookedAt({ client, settings, objectKey }: UploadPlace, signal: AbortSignal | undefined) {
  return client.send(new HeadObjectCommand({ Bucket: settings.bucket, Key: objectKey }), abortable(signal));
}

/** A longer lock, such as one by a rule of the bucket, is as good; compliance is as good as governance. */
function isLocked(found: Lock, wanted: Lock): boolean {
  const until = found.ObjectLockRetainUntilDate?.getTime() ?? 0;
  const isLongEnough = until >= (wanted.ObjectLockRetainUntilDate?.getTime() ?? 0) - ROUNDING;
  return isLongEnough && (found.ObjectLockMode === 'COMPLIANCE' || wanted.ObjectLockMode === 'GOVERNANCE');
}
