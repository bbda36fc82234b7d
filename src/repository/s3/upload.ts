import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  AbortMultipartUploadCommand,
  HeadObjectCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { MeteredStream } from '../metered-stream.js';
import type { PutOptions, PutSmallOptions } from '../repository.js';
import { sourceOf } from '../source-stream.js';
import { abortable, CLEANUP_TIMEOUT, uploadClient } from './client.js';
import { confirmedEtag } from './confirm.js';
import { partSizeFor } from './part-size.js';
import { type PutUse, putParameters } from './put-parameters.js';
import { removeObject } from './removal.js';
import type { CheckedS3Settings } from './settings.js';

export interface UploadPlace {
  readonly client: S3Client;
  readonly settings: CheckedS3Settings;
  /** Whole key in the bucket. */
  readonly objectKey: string;
  /** The store is known to refuse a second put of a key that is sent whole. */
  readonly decidesRaces: boolean;
  /** Throws when the key is taken. */
  readonly refuseExisting: () => Promise<void>;
}

export interface Uploaded {
  readonly size: number;
  readonly sha256: string;
  readonly etag?: string;
}

/**
 * Stores a stream as one object: with one request when it is small, in parts otherwise. When it throws, nothing is in
 * flight any more and what could be cleaned away was. Throws what the SDK or the body threw; after an abort look at the
 * signal first.
 */
export async function uploadStream(
  place: UploadPlace,
  body: Readable,
  options: PutOptions,
): Promise<Uploaded> {
  const put = markedPut(place, 'archive');
  const { size, sha256, etag } = await sentStream(place, put, body, options);
  return { size, sha256, ...(await confirmed(place, put, etag, options.signal)) };
}

async function sentStream(
  place: UploadPlace,
  put: MarkedPut,
  body: Readable,
  { signal, onProgress, expectedSize }: PutOptions,
): Promise<Uploaded> {
  const stop = new AbortController();
  const follow = () => stop.abort(signal?.reason);
  signal?.addEventListener('abort', follow, { once: true });
  if (signal?.aborted === true) follow();
  const meter = new MeteredStream(onProgress);
  const feeding = pipeline(sourceOf(body, place.objectKey, stop.signal), meter, { signal: stop.signal });
  const { client, failure } = uploadClient(
    place.client,
    place.settings,
    stop,
    // Ceph RGW ignores If-None-Match when it puts parts together, as others did before it. There this question is what
    // keeps an object from being replaced by a second writer, but for the moment between the two requests.
    async (sent) => {
      if (sent === 'parts' || !place.decidesRaces) await place.refuseExisting();
    },
  );
  const upload = new Upload({
    client,
    params: { ...put.params, Body: meter },
    partSize: partSizeFor(place.settings.partSize, expectedSize),
    queueSize: place.settings.partsInFlight,
  });
  const uploaded = (etag: string | undefined): Uploaded => ({
    size: meter.bytes,
    sha256: meter.sha256,
    ...(etag !== undefined && { etag }),
  });
  const sending = upload.done();
  try {
    const [{ ETag }] = await Promise.all([sending, feeding]);
    return uploaded(ETag);
  } catch (error) {
    stop.abort(error);
    await Promise.allSettled([sending, feeding]);
    // Only after the last byte of the body can the request have been sent that makes an object of it.
    const etag = meter.readableEnded
      ? await outcomeOf(place, put.token, signal?.aborted === true)
      : undefined;
    if (etag !== undefined) return uploaded(etag);
    if (upload.uploadId !== undefined) await abandonParts(place, upload.uploadId);
    throw failure() ?? error;
  } finally {
    signal?.removeEventListener('abort', follow);
    meter.destroy();
    body.destroy();
  }
}

/** Stores a few bytes with one request, under the same promise. */
export async function uploadSmall(
  place: UploadPlace,
  content: Buffer,
  { signal, shortLived = false }: PutSmallOptions,
): Promise<{ readonly etag?: string }> {
  const put = markedPut(place, shortLived ? 'short-lived' : 'small');
  return confirmed(place, put, await sentSmall(place, put, content, signal), signal);
}

async function sentSmall(
  place: UploadPlace,
  put: MarkedPut,
  content: Buffer,
  signal: AbortSignal | undefined,
): Promise<string | undefined> {
  try {
    const command = new PutObjectCommand({ ...put.params, Body: content });
    return (await place.client.send(command, abortable(signal))).ETag;
  } catch (error) {
    const etag = await outcomeOf(place, put.token, signal?.aborted === true);
    if (etag !== undefined) return etag;
    throw error;
  }
}

/** Removes what was stored when it is not as it should be. */
async function confirmed(
  place: UploadPlace,
  { token, params }: MarkedPut,
  etag: string | undefined,
  signal: AbortSignal | undefined,
): Promise<{ readonly etag?: string }> {
  try {
    const known = await confirmedEtag(place, params, etag, signal);
    return known === undefined ? {} : { etag: known };
  } catch (error) {
    await outcomeOf(place, token, true);
    throw error;
  }
}

/** Metadata that tells whose put an object came from. */
const MARK = 'coolify-state-put';

type MarkedPut = ReturnType<typeof markedPut>;

function markedPut({ settings, objectKey }: UploadPlace, use: PutUse) {
  const token = randomUUID();
  return {
    token,
    params: {
      ...putParameters(settings, use),
      Bucket: settings.bucket,
      Key: objectKey,
      Metadata: { [MARK]: token },
    },
  };
}

/**
 * A put that failed may have succeeded: the store's answer was lost, and the repetition was told that the object exists,
 * or that the upload does not. Whose object it is says the mark. Returns its ETag when the put did succeed; when it was
 * `unwanted` all the same, removes the object.
 */
async function outcomeOf(place: UploadPlace, token: string, unwanted: boolean): Promise<string | undefined> {
  const target = { Bucket: place.settings.bucket, Key: place.objectKey };
  const options = () => ({ abortSignal: AbortSignal.timeout(CLEANUP_TIMEOUT) });
  try {
    const head = await place.client.send(new HeadObjectCommand(target), options());
    if (head.Metadata?.[MARK] !== token) return undefined;
    if (!unwanted) return head.ETag ?? '';
    await removeObject(place.client, place.settings, place.objectKey, options().abortSignal);
  } catch {
    // The first failure is the one to be told; this was an attempt to put it right.
  }
  return undefined;
}

/**
 * Makes sure that an aborted upload is gone. A part that was on its way while lib-storage aborted may be stored after
 * that, so S3 wants to be asked, and told again.
 */
async function abandonParts({ client, settings, objectKey }: UploadPlace, uploadId: string): Promise<void> {
  const target = { Bucket: settings.bucket, Key: objectKey, UploadId: uploadId };
  const options = () => ({ abortSignal: AbortSignal.timeout(CLEANUP_TIMEOUT) });
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      await client.send(new ListPartsCommand({ ...target, MaxParts: 1 }), options());
      await client.send(new AbortMultipartUploadCommand(target), options());
    } catch {
      // Gone (NoSuchUpload) is what was wanted; of a store that does not answer `prune` will find it later.
      return;
    }
  }
}
