import { DeleteObjectCommand, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { abortable } from './client.js';
import { answerOf } from './sentences.js';
import type { CheckedS3Settings } from './settings.js';

/**
 * Removes an object. Under an object lock a bucket keeps versions, and removing a name would only hide what the lock keeps:
 * so the version itself is removed, and the store says whether the lock allows that. Where it does not, the answer is the
 * time until which it is locked. Throws what the SDK threw; an object that is gone already is no error.
 */
export async function removeObject(
  client: S3Client,
  { bucket, objectLock }: CheckedS3Settings,
  objectKey: string,
  signal: AbortSignal | undefined,
): Promise<{ readonly lockedUntil: Date } | undefined> {
  const target = { Bucket: bucket, Key: objectKey };
  let lockedUntil: Date | undefined;
  try {
    if (objectLock === undefined) {
      await client.send(new DeleteObjectCommand(target), abortable(signal));
      return undefined;
    }
    const head = await client.send(new HeadObjectCommand(target), abortable(signal));
    lockedUntil = head.ObjectLockRetainUntilDate;
    const version = head.VersionId === undefined ? {} : { VersionId: head.VersionId };
    await client.send(new DeleteObjectCommand({ ...target, ...version }), abortable(signal));
    return undefined;
  } catch (error) {
    const { name, status } = answerOf(error);
    if (name === 'NoSuchKey' || name === 'NoSuchVersion' || (name === 'NotFound' && status === 404)) {
      return undefined;
    }
    if (status === 403 && lockedUntil !== undefined && lockedUntil.getTime() > Date.now()) {
      return { lockedUntil };
    }
    throw error;
  }
}
